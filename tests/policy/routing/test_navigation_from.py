"""Navigation, where from: silence is no consent, hearsay is no address."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.messages import Authority, Fields, RequestHead
from gateway.policy.routing.navigation import (
    UNKNOWN_CLIENT,
    Network,
    RequestKind,
    client_address,
    has_origin,
    is_document,
    is_same_origin_post,
    kind_of,
    origin_is_listed,
)

HR, LOGIN, PORTAL = "https://hr.example.com", "https://login.example.com", "https://portal.example.org"
HTML = "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"
NAVIGATE = ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
TRUSTED: tuple[Network, ...] = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))


def head(*texts: str, method: str = "GET") -> RequestHead:
    fields: Fields = tuple((name.encode(), value.encode()) for name, _, value in (text.partition(": ") for text in texts))
    return RequestHead(method, "/", Authority("hr.example.com", 443), fields, True, "10.0.0.1", "10.0.0.1")


@pytest.mark.parametrize(
    ("request_head", "kind"),
    [
        (head(*NAVIGATE), RequestKind.NAVIGATION),
        (head(*NAVIGATE, method="HEAD"), RequestKind.NAVIGATION),
        (head("Sec-Fetch-Mode: navigate"), RequestKind.NAVIGATION),
        (head(*NAVIGATE, HTML, method="POST"), RequestKind.SCRIPT),
        (head(HTML), RequestKind.NAVIGATION),
        (head("Accept: TEXT/HTML ;q=1"), RequestKind.NAVIGATION),
        (head(HTML, method="POST"), RequestKind.SCRIPT),
        (head(HTML, "X-Requested-With: XMLHttpRequest"), RequestKind.SCRIPT),
        (head(HTML, "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"), RequestKind.SCRIPT),
        (head(HTML, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"), RequestKind.SCRIPT),
        (head(HTML, "Sec-Fetch-Mode: navigate", *NAVIGATE), RequestKind.SCRIPT),
        (head("Accept: */*"), RequestKind.SCRIPT),
        (head("Accept: application/json, not-text/html"), RequestKind.SCRIPT),
        (head(), RequestKind.SCRIPT),
        (head("Connection: keep-alive, Upgrade", "Upgrade: WebSocket"), RequestKind.WEBSOCKET),
        (head("Connection: Upgrade", "Upgrade: h2c, websocket", *NAVIGATE), RequestKind.WEBSOCKET),
        (head("Upgrade: websocket"), RequestKind.SCRIPT),
        (head("Connection: Upgrade", "Upgrade: h2c"), RequestKind.SCRIPT),
        (head("Connection: Upgrade", "Upgrade: websocket", method="POST"), RequestKind.SCRIPT),
        (head(*NAVIGATE, "Sec-Purpose: prefetch;prerender"), RequestKind.PREFETCH),
        (head(*NAVIGATE, "Purpose: prefetch"), RequestKind.PREFETCH),
        (head(HTML, "Purpose: other"), RequestKind.NAVIGATION),
        (head(HTML, "X-Moz: other", "X-Moz: Prefetch"), RequestKind.PREFETCH),
        (head(HTML, "X-Purpose: preview"), RequestKind.PREFETCH),
    ],
)
def test_a_request_is_of_one_kind(request_head: RequestHead, kind: RequestKind) -> None:
    assert kind_of(request_head) is kind


@pytest.mark.parametrize(
    ("request_head", "shown"),
    [
        (head(*NAVIGATE), True),
        (head(*NAVIGATE, method="POST"), True),
        (head("Sec-Fetch-Dest: iframe", "Sec-Fetch-Mode: navigate"), True),
        (head("Sec-Fetch-Dest: empty", HTML), False),
        (head("Sec-Fetch-Mode: cors", HTML), False),
        (head("Sec-Fetch-Mode: navigate", HTML), True),
        (head(HTML), True),
        (head("Accept: */*"), False),
    ],
)
def test_a_document_is_what_will_be_shown(request_head: RequestHead, shown: bool) -> None:
    assert is_document(request_head) is shown


@pytest.mark.parametrize(
    ("texts", "is_ours"),
    [
        (("Sec-Fetch-Site: same-origin",), True),
        (("Sec-Fetch-Site: same-origin", f"Origin: {HR}"), True),
        (("Sec-Fetch-Site: same-origin", "Origin: null"), True),
        (("Sec-Fetch-Site: same-origin", "Origin: https://evil.net"), False),
        (("Sec-Fetch-Site: same-site", f"Origin: {HR}"), False),
        (("Sec-Fetch-Site: cross-site", f"Origin: {HR}"), False),
        (("Sec-Fetch-Site: none",), False),
        (("Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: same-origin"), False),
        ((f"Origin: {HR}",), True),
        (("Origin: https://HR.example.com:443",), True),
        (("Origin: null",), False),
        (("Origin: http://hr.example.com",), False),
        (("Origin: https://hr.example.com:8443",), False),
        (("Origin: https://hr.example.com.evil.net",), False),
        ((f"Origin: {LOGIN}",), False),
        ((f"Origin: {HR}", f"Origin: {HR}"), False),
        ((f"Referer: {HR}/",), False),
        ((), False),
    ],
)
def test_a_form_counts_as_ours_only_when_the_browser_says_so(texts: tuple[str, ...], is_ours: bool) -> None:
    assert is_same_origin_post(head(*texts, method="POST"), HR) is is_ours
    assert not is_same_origin_post(head(*texts, method="GET"), HR)


@pytest.mark.parametrize(
    ("texts", "has"),
    [
        ((f"Origin: {HR}",), True),
        (("Sec-Fetch-Site: cross-site", "Origin: https://HR.example.com:443"), True),
        ((f"Origin: {HR}", f"Origin: {HR}"), False),
        (("Sec-Fetch-Site: same-origin", "Origin: null"), False),
        (("Origin: https://evil.net",), False),
        ((f"Referer: {HR}/",), False),
        ((), False),
    ],
)
def test_an_origin_is_had_when_the_only_field_names_it(texts: tuple[str, ...], has: bool) -> None:
    assert has_origin(head(*texts, method="POST"), HR) is has


@given(
    st.lists(
        st.tuples(st.sampled_from(["Sec-Fetch-Site", "Origin", "Referer"]), st.text("nulcross-ite:/.example", max_size=20)), max_size=4
    )
)
def test_silence_and_noise_are_no_consent(pairs: list[tuple[str, str]]) -> None:
    request = head(*(f"{name}: {value}" for name, value in pairs), method="POST")
    says_site = any(name == "Sec-Fetch-Site" and value in ("same-origin", "same-site") for name, value in pairs)
    assert not origin_is_listed(request, ())
    assert says_site or not is_same_origin_post(request, HR)


@pytest.mark.parametrize(
    ("peer", "xff", "client"),
    [
        ("203.0.113.9", [b"10.0.0.1"], "203.0.113.9"),
        ("10.0.0.9", [], "10.0.0.9"),
        ("10.0.0.9", [b"1.2.3.4"], "1.2.3.4"),
        ("10.0.0.9", [b"6.6.6.6, 1.2.3.4, 10.0.0.5"], "1.2.3.4"),
        ("10.0.0.9", [b"1.2.3.4, evil, 10.0.0.5"], "unknown"),
        ("10.0.0.9", [b"evil, 1.2.3.4,\t10.0.0.5 "], "1.2.3.4"),
        ("10.0.0.9", [b"6.6.6.6", b"1.2.3.4", b"10.0.0.5"], "1.2.3.4"),
        ("10.0.0.9", [b"10.0.0.1, 10.0.0.2"], "10.0.0.1"),
        ("10.0.0.9", [b"1.2.3.4, "], "unknown"),
        ("10.0.0.9", [b""], "unknown"),
        ("10.0.0.9", [b"1.2.3.4:5678"], "1.2.3.4"),
        ("10.0.0.9", [b"[2001:db8::1]:443, [fd00::1]"], "2001:db8::1"),
        ("10.0.0.9", [b"2001:DB8::1"], "2001:db8::1"),
        ("10.0.0.9", [b"::ffff:1.2.3.4"], "1.2.3.4"),
        ("::ffff:10.0.0.9", [b"1.2.3.4"], "1.2.3.4"),
        ("fd00::9%eth0", [b"1.2.3.4"], "1.2.3.4"),
        ("10.0.0.9", [b"fe80::1%eth0"], "unknown"),
        ("10.0.0.9", [b"1.2.3"], "unknown"),
        ("10.0.0.9", [b"1.2.3.04"], "unknown"),
        ("10.0.0.9", [b"\xb9.2.3.4"], "unknown"),
        ("10.0.0.9", [b'for="1.2.3.4"'], "unknown"),
        ("", [b"1.2.3.4"], "unknown"),
        ("/run/gateway.sock", [b"1.2.3.4"], "unknown"),
    ],
)
def test_the_client_is_the_nearest_address_that_no_trusted_proxy_has(peer: str, xff: list[bytes], client: str) -> None:
    assert client_address(peer, xff, TRUSTED) == client


addresses = st.one_of(
    st.ip_addresses().map(str), st.integers(0, 255).map(lambda last: f"10.0.0.{last}"), st.sampled_from(["evil", "", "fd00::1"])
)


@given(addresses, st.lists(addresses, max_size=5), st.integers(0, 5))
def test_nobody_untrusted_is_believed_about_an_address(peer: str, claims: list[str], cut: int) -> None:
    xff = [", ".join(part).encode() for part in (claims[:cut], claims[cut:]) if part]
    found = client_address(peer, xff, TRUSTED)
    assert client_address(peer, xff, ()) in (UNKNOWN_CLIENT, found if not claims else client_address(peer, [], ()))
    if found == UNKNOWN_CLIENT:
        return
    chain = [*claims, peer]
    nearest = next(index for index in range(len(chain) - 1, -1, -1) if client_address(chain[index], [], ()) == found)
    between = [ipaddress.ip_address(text) for text in chain[nearest + 1 :]]
    assert all(any(address in network for network in TRUSTED) for address in between)
