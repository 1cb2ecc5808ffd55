"""Navigation, where to: nobody is sent to a host that is not configured, in any reading of the address."""

import ipaddress
import re
from itertools import product
from urllib.parse import quote, unquote, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from gateway.policy.routing.navigation import LONGEST_TARGET, SIGNED_IN, is_listed, own_target, return_url
from gateway.policy.routing.routing import is_own

HR, LOGIN, DEV = "https://hr.example.com", "https://login.example.com", "http://app.example.localhost:8080"
ORIGINS = (HR, LOGIN, DEV)
HOSTS = frozenset({"hr.example.com", "login.example.com", "app.example.localhost"})

LEADS = """/ // /// //// \\ \\\\ /\\ \\/ /\\/ //\\ /%2f /%2F/ %2f%2f /%5c /%5C/ %5c%5c /%09/ /%0a/ /%0d/ /%0d%0a/ /%00/ /%20/ /. /.. /./
/../ /.// /..// /%2e/ /%2e%2e// /%252f /%252F%252F /%255c%255c /;/ /;@ /..;// /@ //@ http: https: http:/ https:/ http://
https:// https:/// https:\\\\ https:/\\ https:\\/ HTTPS:// hTtP:// https:%2f%2f https%3a// :// :// : ? # ?// #// javascript:
javascript:// JavaScript:%0a data:, data:text/html, vbscript: file:/// ftp:// ws:// wss:// blob:https:// about: view-source:
mailto: //user@ //user:pw@ https://hr.example.com@ https://hr.example.com:443@ https://hr.example.com%40
https://hr.example.com\\@ https://hr.example.com. https://hr.example.com. https://hr.example.com%2e
https://hr.example.com%00. https://hr.example.com%23@ https://hr.example.com?@ https://hr.example.com#@
https://hr.example.com;@ https://hr.example.com:80@ https://hr.example.com&@ https://x https://x.
https:////hr.example.com//..//"""
BLANKS = ("\t", "\n", "\r", "\x00", " ", "\x0b", "\u00a0", "\u200b", "\ufeff", "\x7f")
OFF_SITE = sorted({lead + rest for lead, rest in product(LEADS.split(), ("evil.net", "evil.net/", "evil.net/hr.example.com"))})
SPLIT = sorted(
    {form for blank in BLANKS for form in (f"{blank}//evil.net", f"/{blank}/evil.net", f"//{blank}evil.net", f"https:{blank}//evil.net")}
)


def as_browsers_do(text: str, base: str) -> str:
    """The host that a browser would go to: blanks at the ends and line ends anywhere vanish, backslashes are slashes."""
    text = re.sub(r"[\t\n\r]", "", text.strip("".join(map(chr, range(0x21))))).replace("\\", "/")
    found = re.match(r"(?:(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*):)?(?P<rest>.*)", text, re.DOTALL)
    assert found is not None
    scheme, rest = found["scheme"], found["rest"]
    if scheme is None and not rest.startswith("//"):
        return urlsplit(base).hostname or ""
    if scheme is not None and scheme.lower() not in ("http", "https"):
        return f"{scheme.lower()}:"
    authority = re.split("[/?#]", rest.lstrip("/"), maxsplit=1)[0]
    return re.sub(r":[0-9]*\Z", "", authority.rpartition("@")[2]).rstrip(".").lower()


def hosts_in_every_reading(location: str) -> set[str]:
    found = set()
    for text in (location, unquote(location), unquote(unquote(location))):
        found |= {as_browsers_do(text, HR), urlsplit(urljoin(HR, text)).hostname or "", URL(HR).join(URL(text, encoded=True)).host or ""}
    return found


def assert_on_site(raw: str) -> None:
    for text in (raw, unquote(raw), quote(raw, safe="")):
        location = return_url(text, ORIGINS)
        if location is None:
            continue
        assert hosts_in_every_reading(location) <= HOSTS
        assert any(location.startswith(origin + "/") for origin in ORIGINS) or re.match(r"/(?![/\\])", location)
        assert re.fullmatch(r"[\x21-\x7e]+", location)


@pytest.mark.parametrize("raw", [*OFF_SITE, *SPLIT])
def test_no_off_site_form_leads_off_site(raw: str) -> None:
    assert_on_site(raw)
    assert_on_site(raw.replace("evil.net", "evil%E3%80%82net"))


def test_there_are_some_hundred_off_site_forms_and_hardly_any_is_followed() -> None:
    followed = [raw for raw in (*OFF_SITE, *SPLIT) if return_url(raw, ORIGINS) is not None]
    assert len(OFF_SITE) + len(SPLIT) > 300
    # These name a place on our own host: a path, a path with an @ in it, or a path with a query.
    assert {re.sub(r"evil\.net.*", "", raw) for raw in followed} <= {"/", "/.", "/..", "/@", "/;@"}


@given(
    st.lists(st.sampled_from([*"/\\:@?#;.%\t\n \x00", *LEADS.split(), *ORIGINS, "%2e", "evil.net", "hr.example.com", "a"]), max_size=6).map(
        "".join
    )
)
def test_no_assembled_form_leads_off_site(raw: str) -> None:
    assert_on_site(raw)


@given(st.text(max_size=40))
def test_no_text_at_all_leads_off_site(raw: str) -> None:
    assert_on_site(raw)
    for origin in ORIGINS:
        assert_on_site(origin + raw)


@pytest.mark.parametrize(
    "raw",
    [
        "/",
        "/a/b?x=1&y=%20#top",
        "/?next=https://evil.net",
        "/a%2Fb?x=%7E&y=+&z",
        "/gr%C3%B6%C3%9Fe",
        "/100%25",
        "/@alice",
        "/#/route",
        "/a;b=1",
    ],
)
def test_a_path_of_our_own_comes_back_as_it_was(raw: str) -> None:
    assert own_target(raw) == raw
    assert return_url(raw, ORIGINS) == raw
    assert return_url(HR + raw, ORIGINS) == HR + raw


REFUSED = """a //a /\\a /a\\b /a?b\\c /%0d%0aSet-Cookie:%20a=b /a?x=%0d%0aLocation:%20b /a?%00 /a%00 /../a /a/../b /a//b /a/%2e%2e/b /%2f/a
/.gateway /.gateway/ /.gateway/sign-out?to=/ /.Gateway/switch /%2egateway/switch /.gateway;x/switch /%ZZ /a%5cb /a%255cb /%252f/a?b ?a #a
javascript:alert(1) data:text/html,x /\u00e9"""


@pytest.mark.parametrize("raw", [*REFUSED.split(), "", " /", "/ ", "/a b", "/\ta", "/a\n", "/a\x7f", "/\x00", "/a\u2028b"])
def test_a_path_that_is_not_plainly_ours_is_refused(raw: str) -> None:
    assert own_target(raw) is None
    assert return_url(raw, ORIGINS) is None


@given(st.text("/.%2efgatewyGATEWY;?#", max_size=16).map(lambda text: "/" + text))
def test_no_return_path_is_an_action_of_the_gateway(raw: str) -> None:
    assert own_target(raw) is None or not is_own(re.split("[?#]", raw)[0]) or raw == SIGNED_IN


def test_a_target_that_is_too_long_is_refused_and_never_cut() -> None:
    longest = "/" + "a" * (LONGEST_TARGET - 1)
    assert own_target(longest) == longest
    assert own_target(longest + "a") is None
    assert return_url(HR + longest, ORIGINS) is None


@pytest.mark.parametrize(
    ("raw", "url"),
    [
        (HR, HR + "/"),
        (HR + "/a", HR + "/a"),
        ("HTTPS://HR.Example.COM:443/A", HR + "/A"),
        ("https://hr.example.com./a", HR + "/a"),
        (DEV + "/a", DEV + "/a"),
        ("http://hr.example.com/", None),
        ("https://hr.example.com:8443/", None),
        ("https://hr.example.com:80/", None),
        ("http://app.example.localhost/", None),
        ("https://app.example.localhost:8080/", None),
        ("https://example.com/", None),
        ("https://evilhr.example.com/", None),
        ("https://hr.example.com.evil.net/", None),
        ("https://hr.example.comevil.net/", None),
        ("https://hr.example.com:443:1/", None),
        ("https://hr.example.com:/", None),
        ("https://hr.example.com?x", None),
        ("https://hr.example.com#x", None),
        ("https://user@hr.example.com/", None),
        ("https://hr.ex\u0430mple.com/", None),
        ("https://hr.example.com/a/../b", None),
        ("https://hr.example.com/.gateway/sign-out", None),
        ("https:///", None),
    ],
)
def test_an_address_is_followed_only_to_a_configured_origin(raw: str, url: str | None) -> None:
    assert return_url(raw, ORIGINS) == url


def test_without_configured_origins_only_own_paths_are_left() -> None:
    assert return_url(HR + "/", ()) is None
    assert return_url(HR + "/a", (HR + "/",)) == HR + "/a"
    assert return_url("https:///x", ("https://",)) is None


@pytest.mark.parametrize(
    ("peer", "listed"),
    [
        ("10.0.0.9", True),
        ("::ffff:10.0.0.9", True),
        ("fd00::9%eth0", True),
        ("11.0.0.9", False),
        ("unknown", False),
        ("", False),
        ("/run/gateway.sock", False),
    ],
)
def test_only_a_listed_address_may_ask_f14_f15(peer: str, listed: bool) -> None:
    networks = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))
    assert is_listed(peer, networks) is listed
    assert not is_listed(peer, ())


def test_w2_of_the_own_paths_a_sign_in_may_lead_to_its_end_alone() -> None:
    assert own_target(SIGNED_IN) == SIGNED_IN and return_url(SIGNED_IN, ()) == SIGNED_IN
    for raw in (
        SIGNED_IN + "?a",
        SIGNED_IN + "/",
        SIGNED_IN + "#",
        SIGNED_IN[:-1],
        "/" + SIGNED_IN,
        SIGNED_IN.upper(),
        "/.gateway/sign-out",
    ):
        assert own_target(raw) is None


@pytest.mark.parametrize(
    "raw", ["/api/queues/%2F/orders", "/view/https%3A%2F%2Fx", "/people/CORP%5Calice", "/%C0%B4.html", "/a/;v=1/b", "/a/b%5C%5Cc?x=//y"]
)
def test_an_odd_path_of_an_app_is_a_way_back(raw: str) -> None:
    assert own_target(raw) == raw


@pytest.mark.parametrize(
    "raw",
    [
        "/%5Cevil.net",
        "/%C0%AFevil.net",
        "/a//b",
        "/a/../b",
        "/a/..%5Cb",
        "/%2e/%5Cx",
        "/a/%5C../b",
        "/a/%C0%AE%C0%AE/b",
        "/;x/%5C.gateway/x",
    ],
)
def test_an_odd_path_that_may_lead_elsewhere_is_none(raw: str) -> None:
    assert own_target(raw) is None
