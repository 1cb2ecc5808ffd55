"""What surrounds a redemption: nothing old travels with the token, nothing old stays in the browser."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.cookies import pairs, set_cookie_name
from gateway.policy.http.fields import to_org
from gateway.policy.http.messages import Fields
from gateway.policy.session.session import SessionCookie
from gateway.policy.switch.redemption import (
    OKTA_SESSION_NAMES,
    are_too_many,
    cookies_set,
    dead_or_ours,
    deleted_names,
    expiries,
    leaves_with_token,
    location_of,
    names_set,
    okta_values,
    parent_domains,
    relocated,
    settled,
    without_deletions,
    without_gateway_cookies,
    without_session,
    without_session_settings,
)

ALICE, BOB = SessionCookie(b"sid", b"alice"), SessionCookie(b"sid", b"bob")
names = st.sampled_from([b"sid", b"idx", b"xids", b"myr", b"DT", b"JSESSIONID", b"__Host-gateway-pending", b"lang"])
jars = st.lists(st.tuples(names, st.sampled_from([b"a", b"b", b'"x"', b"y, sid=z"])), max_size=6)


def set_cookies(*values: bytes) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((b"Set-Cookie", value) for value in values)


@given(jars)
def test_no_session_cookie_travels_with_a_token_and_the_rest_does(jar: list[tuple[bytes, bytes]]) -> None:
    sent = to_org(((b"Cookie", b"; ".join(name + b"=" + value for name, value in jar)),), "127.0.0.1", leaves_with_token)
    left = pairs(sent)
    assert all(name not in OKTA_SESSION_NAMES and not name.startswith(b"__Host-gateway") for name, _ in left)
    wanted = [(n, v) for n, v in jar if n in (b"DT", b"JSESSIONID", b"lang") and b"sid=" not in v]
    assert list(left) == wanted


@given(
    st.lists(
        st.sampled_from([b"sid=n; Path=/", b'sid=""; Max-Age=0', b"idx=; Max-Age=0", b"xids=; Max-Age=0", b"t=; Max-Age=0"]), max_size=6
    )
)
def test_a_session_name_is_deleted_where_its_last_line_deletes_it(lines: list[bytes]) -> None:
    last = {set_cookie_name(line): line for line in lines}
    wanted = {name for name, line in last.items() if name in OKTA_SESSION_NAMES and b"Max-Age=0" in line}
    fields = ((b"Location", b"sid="), *set_cookies(*lines))
    assert deleted_names(fields) == wanted
    assert deleted_names(fields).isdisjoint(cookie.name for cookie in cookies_set(fields))


@given(jars, st.lists(st.sampled_from([b"sid=n; Path=/", b"idx=n; Path=/", b'sid=""; Max-Age=0', b"t=default"]), max_size=4))
def test_every_old_name_is_set_anew_or_expired(jar: list[tuple[bytes, bytes]], lines: list[bytes]) -> None:
    presented = frozenset(name for name, _ in jar)
    got = settled(set_cookies(*lines), presented, "localhost")
    assert (presented & OKTA_SESSION_NAMES) | {b"sid", b"idx"} <= names_set(got)
    assert [value for _, value in got if value in lines] == lines
    assert b"__Host-gateway-pending" in names_set(got)


def test_a_planted_cookie_is_expired_on_the_parent_domains_too() -> None:
    got = [value for _, value in settled(set_cookies(b"sid=bob; Path=/", b"idx=bob"), {b"sid"}, "login.hr.example.com")]
    domains = [value for value in got if b"Domain=" in value]
    assert [set_cookie_name(value) for value in domains] == [b"sid", b"sid"]
    assert any(b"Domain=hr.example.com" in value for value in domains)
    assert any(b"Domain=example.com" in value for value in domains)
    assert got[2:4] == [b"sid=bob; Path=/", b"idx=bob"]


def test_the_last_line_of_a_name_is_what_the_browser_keeps() -> None:
    """The order that was seen at an org: deletion, noise, deletion, the new value."""
    lines = set_cookies(b'sid="";Max-Age=0', b"t=x", b"sid=102new;Path=/;Secure", b'idx="";Path=/')
    assert cookies_set((*lines, (b"Content-Type", b"text/html"))) == (SessionCookie(b"sid", b"102new"),)


def test_a_late_answer_loses_its_session_lines_and_a_sign_out_keeps_its_deletions() -> None:
    fields = ((b"Content-Type", b"text/html"), *set_cookies(b"sid=alice; Path=/", b'idx=""; Max-Age=0', b"DT=1"))
    assert without_session(fields) == (fields[0], fields[3])
    assert without_session_settings(fields) == (fields[0], fields[2], fields[3])


def test_an_answer_to_nobody_takes_no_session_away_but_may_begin_one() -> None:
    fields = ((b"Content-Type", b"text/html"), *set_cookies(b'sid="";Version=1;Path=/;Max-Age=0', b"idx=bob; Path=/", b'DT=""'))
    assert without_deletions(fields) == (fields[0], fields[2], fields[3])


def test_revoked_and_own_cookies_do_not_reach_the_org() -> None:
    unwanted = dead_or_ours(lambda cookie: cookie == ALICE)
    assert unwanted(b"sid", b"alice")
    assert not unwanted(b"sid", b"bob")
    assert not unwanted(b"DT", b"alice")
    assert unwanted(b"__Host-gateway-pending", b"x")


def test_the_org_sets_no_cookie_in_our_name() -> None:
    assert without_gateway_cookies(set_cookies(b"__Host-gateway=x; Secure", b"sid=1")) == set_cookies(b"sid=1")


def test_only_a_whole_origin_is_relocated() -> None:
    org, login = "https://o.okta.com", "https://login.example.com"
    fields = tuple((b"Location", value) for value in (b"https://o.okta.com/home", b"https://o.okta.com", b"https://o.okta.com.evil.net/"))
    moved = [value for _, value in relocated((*fields, (b"X", b"https://o.okta.com/")), org, login, (b"location",))]
    assert moved == [b"https://login.example.com/home", b"https://login.example.com", fields[2][1], b"https://o.okta.com/"]


def test_expiries_name_every_domain() -> None:
    assert len(expiries({b"sid", b"idx"}, ("example.com",))) == 4
    assert parent_domains("localhost") == ()


def test_no_browser_presents_so_many_session_cookies_or_so_large_ones() -> None:
    planted = tuple(SessionCookie(b"sid", b"%d" % number) for number in range(9))
    assert are_too_many(planted)
    assert not are_too_many(planted[:8])
    assert are_too_many((SessionCookie(b"idx", b"x" * 4097),))
    assert not are_too_many((SessionCookie(b"idx", b"x" * 4096),))


def test_the_values_of_all_cookies_of_oktas_names_are_told_without_quotes() -> None:
    fields = (
        (b"Set-Cookie", b'sid=""; Path=/'),
        (b"set-cookie", b'DT="d"; Path=/'),
        (b"Set-Cookie", b"=myr=m"),
        (b"Set-Cookie", b"t=x"),
        (b"X", b"sid=1"),
    )
    assert okta_values(fields) == (b"d", b"m")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ((), ""),
        (((b"LOCATION", b"/app"), (b"Server", b"x")), "/app"),
        (((b"Location", b"/app"), (b"location", b"/app")), ""),
        (((b"Location", b"/a b"),), ""),
        (((b"Location", b"/a\x00"),), ""),
        (((b"Location", b"/\xe9"),), ""),
    ],
)
def test_a_location_counts_only_if_it_is_the_only_one_and_plain(fields: Fields, expected: str) -> None:
    assert location_of(fields) == expected
