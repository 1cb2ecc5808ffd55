"""Addresses of an app in a request: its own are said in its own words, all others stay as they came."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.messages import Authority, Malformed, RequestHead
from gateway.policy.http.own_references import BAD_DESTINATION, OwnReferences, destination_path
from gateway.policy.routing.prefixes import Prefixes

PUBLIC = "https://hr.example.com"
PLAIN = OwnReferences(PUBLIC, "http://hr.example.com", Prefixes(), is_renamed=False)
RENAMED = OwnReferences(PUBLIC, "http://intranet:3000", Prefixes(), is_renamed=True)
MOVED = OwnReferences(PUBLIC, "http://intranet:3000", Prefixes("/hr", "/app"), is_renamed=True)
SELF = OwnReferences(PUBLIC, PUBLIC, Prefixes(), is_renamed=False)


def said(own: OwnReferences, name: bytes, value: str) -> str | None:
    found = own.value(name, value.encode("latin-1"))
    return None if found is None else found.decode("latin-1")


def test_only_what_may_change_is_looked_at() -> None:
    assert SELF.names == frozenset()
    assert PLAIN.names == {b"destination", b"if"}
    assert RENAMED.names == MOVED.names == {b"destination", b"if", b"origin", b"referer"}


@pytest.mark.parametrize(
    ("own", "sent", "told"),
    [
        (PLAIN, "https://hr.example.com/a%20b?x=1", "http://hr.example.com/a%20b?x=1"),
        (PLAIN, "HTTPS://HR.example.com:443/a", "http://hr.example.com/a"),
        (PLAIN, "https://hr.example.com", "http://hr.example.com/"),
        (PLAIN, "/a/b", "/a/b"),
        (PLAIN, "https://hr.example.com:8443/a", "https://hr.example.com:8443/a"),
        (PLAIN, "http://hr.example.com/a", "http://hr.example.com/a"),
        (PLAIN, "https://hr.example.com.evil.example/a", "https://hr.example.com.evil.example/a"),
        (PLAIN, "https://user@hr.example.com/a", "https://user@hr.example.com/a"),
        (RENAMED, "https://hr.example.com/a", "http://intranet:3000/a"),
        (MOVED, "https://hr.example.com/hr/a", "http://intranet:3000/app/a"),
        (MOVED, "/hr/a", "/app/a"),
        (MOVED, "https://hr.example.com/other", "https://hr.example.com/other"),
    ],
)
def test_a_destination_within_the_app_is_the_apps(own: OwnReferences, sent: str, told: str) -> None:
    assert said(own, b"destination", sent) == told


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("<https://hr.example.com/hr/a> (<urn:uuid:1>)", "<http://intranet:3000/app/a> (<urn:uuid:1>)"),
        ('</hr/a> (Not <DAV:no-lock>) </hr/b> (["x)y"])', '</app/a> (Not <DAV:no-lock>) </app/b> (["x)y"])'),
        ("(<https://hr.example.com/hr/token>)", "(<https://hr.example.com/hr/token>)"),
        ("<https://evil.example/a> (<urn:uuid:1>)", "<https://evil.example/a> (<urn:uuid:1>)"),
        ("(<unclosed", "(<unclosed"),
        ("([unclosed <https://hr.example.com/hr/a>", "([unclosed <https://hr.example.com/hr/a>"),
    ],
)
def test_tags_of_conditions_are_addresses_and_tokens_are_none(sent: str, told: str) -> None:
    assert said(MOVED, b"if", sent) == told


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("https://hr.example.com", "https://intranet:3000"),
        ("https://HR.example.com:443", "https://intranet:3000"),
        ("null", "null"),
        ("https://evil.example", "https://evil.example"),
        ("http://hr.example.com", "http://hr.example.com"),
        ("https://hr.example.com https://hr.example.com", "https://hr.example.com https://hr.example.com"),
        ("http://intranet:3000", "null"),
        ("https://intranet:3000", "null"),
        ("", ""),
    ],
)
def test_an_origin_is_the_apps_own_or_stays_a_strangers(sent: str, told: str) -> None:
    assert said(RENAMED, b"origin", sent) == told


@pytest.mark.parametrize(
    ("own", "sent", "told"),
    [
        (RENAMED, "https://hr.example.com/a?b", "https://intranet:3000/a?b"),
        (RENAMED, "https://hr.example.com", "https://intranet:3000/"),
        (MOVED, "https://hr.example.com/hr/a", "https://intranet:3000/app/a"),
        (MOVED, "https://hr.example.com/elsewhere", "https://intranet:3000/elsewhere"),
        (RENAMED, "https://evil.example/https://hr.example.com/", "https://evil.example/https://hr.example.com/"),
        (RENAMED, "http://intranet:3000/a", None),
        (RENAMED, "about:blank", "about:blank"),
    ],
)
def test_a_referer_goes_with_the_host(own: OwnReferences, sent: str, told: str | None) -> None:
    assert said(own, b"referer", sent) == told


HOSTS = st.sampled_from(
    ["hr.example.com", "hr.example.com:443", "evil.example", "hr.example.com.evil.example", "a@hr.example.com", "intranet:3000"]
)


@given(st.sampled_from(["https", "http", "ftp"]), HOSTS, st.text("/ab?#@\\", max_size=6))
def test_no_strangers_origin_becomes_the_apps(scheme: str, host: str, rest: str) -> None:
    is_own = (scheme, host) in (("https", "hr.example.com"), ("https", "hr.example.com:443"))
    for name in (b"origin", b"referer", b"destination"):
        told = said(RENAMED, name, f"{scheme}://{host}{rest}") or ""
        if any(told == own or told.startswith(f"{own}/") for own in (RENAMED.inner, RENAMED.page)):
            assert is_own or name == b"destination", (name, host, rest)


def head(*values: str) -> RequestHead:
    fields = tuple((b"Destination", value.encode("latin-1")) for value in values)
    return RequestHead("MOVE", "/a", Authority("hr.example.com", 443), fields, True, "192.0.2.1", "192.0.2.1")


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ((), None),
        (("https://hr.example.com/a/b?c",), "/a/b"),
        (("https://hr.example.com",), "/"),
        (("https://hr.example.com?x",), "/"),
        (("/a?b",), "/a"),
        (("https://elsewhere.example/a",), None),
        (("https://hr.example.com/a", "https://hr.example.com/b"), BAD_DESTINATION),
        (("https://hr.example.com/.gateway/x",), BAD_DESTINATION),
        (("https://hr.example.com/a#b",), BAD_DESTINATION),
        (("/a#b",), BAD_DESTINATION),
        (("//hr.example.com/a",), BAD_DESTINATION),
        (("a/b",), BAD_DESTINATION),
        (("ftp://hr.example.com/a",), BAD_DESTINATION),
    ],
)
def test_what_a_destination_names_is_judged(values: tuple[str, ...], path: str | Malformed | None) -> None:
    assert destination_path(head(*values), PUBLIC) == path
