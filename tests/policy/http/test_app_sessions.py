"""An app sees the bytes that it set for this user under this name, or nothing; whatever lines a client or an app makes up."""

import pytest

from gateway.policy.http.app_sessions import (
    MOST_REMOVALS,
    CookiesRead,
    LeftOut,
    may_hold_sessions,
    removals,
    removals_by_name,
    sessions_in,
    stamped_line,
)
from gateway.policy.http.cookie_scopes import Scope
from gateway.policy.http.cookie_stamps import MARK
from gateway.policy.http.session_cookie_names import WELL_KNOWN, SessionCookieNames
from tests.policy.http.stamped_cookies import ALICE, ALICES, BOB, HOST, NAMES, NOT_SIGNED_IN, kept, read


@pytest.mark.parametrize(
    ("line", "is_stamped"),
    [
        (b"JSESSIONID=a1", True),
        (b"jsessionid=a1; Path=/", True),
        (b"JSESSIONID = a1 ; Path=/", True),
        (b"=JSESSIONID=a1", True),
        (b'PHPSESSID="a1"; Domain=example.com', True),
        (b"remember=a1; HttpOnly", True),
        (b"remember=a1; Path=/; httponly=x", True),
        (b"ci.session=a1; Path=/", True),
        (b'theme="dark, sessionid=1"; Path=/', True),
        (b"theme=dark; Path=/", False),
        (b"shared=a1; HttpOnly", False),
        (b"theme=~gw~; Path=/", True),
        (b"theme=x~gw~; Path=/", True),
        (b"JSESSIONID=; Max-Age=0", False),
        (b"JSESSIONID", False),
        (b"", False),
    ],
)
def test_sessions_and_what_scripts_cannot_read_are_stamped(line: bytes, is_stamped: bool) -> None:
    sent = stamped_line(line, NAMES, ALICE, HOST, b"/")
    assert (MARK in sent[: sent.index(b"=") + 5] if b"=" in sent else False) is (is_stamped or line.startswith(b"theme=~gw~"))
    assert (sent is line) is not is_stamped
    assert sent.partition(b";")[2] == line.partition(b";")[2]


def test_the_app_gets_its_own_bytes_and_everything_else_as_it_was() -> None:
    assert read(b"a=1; " + ALICES + b";b=2 ") == CookiesRead(b"a=1; JSESSIONID=a1;b=2 ")
    assert read(ALICES) == CookiesRead(b"JSESSIONID=a1")
    quoted = kept(b'PHPSESSID="x, y"; Secure')
    assert read(quoted) == CookiesRead(b'PHPSESSID="x, y"')
    line = b"a=1; theme=dark; remember=before"
    assert read(line).line is line and not may_hold_sessions(line, NAMES)
    other = b"session=1; theme=sessions"
    assert read(other).line is other


def test_two_of_one_name_are_judged_one_by_one() -> None:
    bobs = kept(b"JSESSIONID=b1; Path=/", BOB)
    assert read(ALICES + b"; " + bobs) == CookiesRead(b"JSESSIONID=a1", (LeftOut(b"JSESSIONID", b"b1", Scope(1)),))


def test_the_session_of_another_user_does_not_go_on() -> None:
    out = LeftOut(b"JSESSIONID", b"a1", Scope(4))
    assert read(b"a=1; " + ALICES, BOB) == CookiesRead(b"a=1", (out,))
    assert read(ALICES, BOB) == CookiesRead(None, (out,))
    assert read(ALICES + b"; a=1", NOT_SIGNED_IN) == CookiesRead(b"a=1", (out,))
    before = kept(b"JSESSIONID=n1", NOT_SIGNED_IN)
    assert read(before, NOT_SIGNED_IN).line == b"JSESSIONID=n1"
    assert read(before) == CookiesRead(None, (LeftOut(b"JSESSIONID", None, Scope(4)),)), "no user ever had it"
    remembered = kept(b"remember=me; HttpOnly; Domain=example.com")
    assert read(remembered, BOB) == CookiesRead(None, (LeftOut(b"remember", b"me", Scope(4, 2)),))


@pytest.mark.parametrize(
    "piece",
    [
        b"JSESSIONID=a1",
        b"jsessionid=a1",
        b" JSESSIONID = a1",
        b"%4aSESSIONID=a1",
        b"ci.session=a1",
        b"x=1, JSESSIONID=a1",
        b"=JSESSIONID=a1",
        b'"JSESSIONID"=a1',
        b"JSESSIONID",
        b"JSESSIONID=~gw~",
        b"theme=~gw~AAAA",
        b"theme=x ~gw~",
        ALICES.replace(b"JSESSIONID", b"jsessionid"),
        ALICES.replace(b"JSESSIONID", b"remember"),
        ALICES[:-1],
        ALICES.replace(b"=~gw~", b"=~GW~"),
        ALICES.replace(b"a1", b"a2"),
        b"JSESSIONID=" + MARK + ALICES[len(b"JSESSIONID=") :],
        b'JSESSIONID="' + ALICES[len(b"JSESSIONID=") :] + b'"',
    ],
)
def test_what_has_no_stamp_of_this_user_does_not_go_on_in_any_spelling(piece: bytes) -> None:
    rest, left_out = read(b"a=1; " + piece + b"; b=2")
    assert rest == b"a=1; b=2" and [one.own for one in left_out] == [None]
    assert may_hold_sessions(piece, NAMES)


def test_a_stamp_that_was_made_before_a_name_was_left_alone_never_reaches_the_app() -> None:
    sent = stamped_line(b"shared1=v; HttpOnly", SessionCookieNames(WELL_KNOWN), ALICE, HOST, b"/").partition(b";")[0]
    assert read(sent) == CookiesRead(b"shared1=v") and read(sent, BOB).line is None
    assert read(b"shared1=v; sessions=1").line == b"shared1=v; sessions=1"


def test_a_line_of_nothing_is_none() -> None:
    assert read(b"; " + ALICES + b" ;", BOB).line is None
    assert read(b"JSESSIONID=1;a=1").line == b"a=1"


def test_a_sign_out_ends_every_session_whose_it_is() -> None:
    bobs = kept(b"remember=b1; HttpOnly", BOB)
    nobodys = kept(b"CFID=n1; Path=/", NOT_SIGNED_IN)
    line = b"a=1; " + ALICES + b"; " + bobs + b"; PHPSESSID=x; theme=~gw~forged; " + nobodys
    assert sessions_in(line, NAMES, NOT_SIGNED_IN) == (
        LeftOut(b"JSESSIONID", b"a1", Scope(4)),
        LeftOut(b"remember", b"b1", Scope(4)),
        LeftOut(b"PHPSESSID", None, None),
        LeftOut(b"CFID", None, Scope(1)),
    )


def test_what_was_left_out_is_removed_where_it_belongs() -> None:
    out = (LeftOut(b"JSESSIONID", b"a1", Scope(4)), LeftOut(b"remember", b"me", Scope(1, 2)), LeftOut(b"JSESSIONID", b"a2", Scope(4)))
    assert [line.partition(b"; Max")[0] for _, line in removals(out, HOST, b"/app/page")] == [
        b"JSESSIONID=; Path=/app",
        b"remember=; Path=/",
    ]
    assert b"; Domain=example.com;" in removals(out, HOST, b"/app/page")[1][1]


def test_what_has_no_stamp_is_removed_wherever_this_host_may_have_set_it() -> None:
    lines = [line for _, line in removals((LeftOut(b"PHPSESSID", None, None),), HOST, b"/a/b")]
    paths = [b"/", b"/a", b"/a/", b"/a/b"]
    assert [line.split(b"; ")[1] for line in lines] == [b"Path=" + path for path in paths * 2]
    assert [b"Domain=hr.example.com" in line for line in lines] == [False] * 4 + [True] * 4
    assert removals((LeftOut(b"", None, None),), HOST, b"/") == ()


def test_the_lines_that_remove_have_a_bound() -> None:
    out = [LeftOut(b"ASPSESSIONID%d" % number, None, None) for number in range(99)]
    assert len(removals(out, HOST, b"/a/b/c/d")) == MOST_REMOVALS


def test_names_are_removed_at_all_given_places() -> None:
    lines = [line for _, line in removals_by_name((b"a", b";"), (b"/", b"/x"), (b"", b"example.com"))]
    assert [line.split(b"; ")[:2] for line in lines] == [[b"a=", b"Path=/"], [b"a=", b"Path=/"], [b"a=", b"Path=/x"], [b"a=", b"Path=/x"]]
