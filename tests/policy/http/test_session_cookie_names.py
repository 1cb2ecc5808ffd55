"""Which cookies hold an app's session, in whatever spelling a server may read their names."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.session_cookie_names import ENTRY_PATTERN, WELL_KNOWN, NameKind, SessionCookieNames

NAMES = SessionCookieNames((*WELL_KNOWN, "*_token_session", "a*z9z9", "!JSESSIONID_shared", "!my*"))

KINDS = [
    (b"JSESSIONID", NameKind.LISTED),
    (b"jsessionid", NameKind.LISTED),
    (b"ASP.NET_SESSIONID", NameKind.LISTED),
    (b"ASPSESSIONIDQQGGABCD", NameKind.LISTED),
    (b"my_token_session", NameKind.LEFT_ALONE),
    (b"its_token_session", NameKind.LISTED),
    (b"JSESSIONID_shared", NameKind.LEFT_ALONE),
    (b"connect.sid", NameKind.LISTED),
    (b"connect_sid", NameKind.OTHER),
    (b"%4aSESSIONID", NameKind.ALIAS),
    (b'"JSESSIONID"', NameKind.ALIAS),
    (b"\xa0sessionid\x85", NameKind.ALIAS),
    (b"ci.session", NameKind.ALIAS),
    (b"laravel session", NameKind.ALIAS),
    (b"laravel[session", NameKind.ALIAS),
    (b"csrftoken", NameKind.OTHER),
    (b"session", NameKind.OTHER),
    (b"", NameKind.OTHER),
]


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_a_name_is_read_as_the_most_careless_server_reads_it(name: bytes, kind: NameKind) -> None:
    assert NAMES.kinds[name] is kind


@pytest.mark.parametrize(("name", "kind"), [row for row in KINDS if row[1] in (NameKind.LISTED, NameKind.ALIAS)])
@pytest.mark.parametrize("around", [b"%b=1", b"a=1; %b=2", b"a=%%41;%b=2; c=3"])
def test_the_quick_look_misses_none_of_them(name: bytes, kind: NameKind, around: bytes) -> None:
    assert NAMES.may_be_in(around % name)


@pytest.mark.parametrize("line", [b"", b"a=1; b=2", b"theme=dark; at=%2Fhome%3D; c", b"csrftoken=x"])
def test_the_quick_look_is_over_where_there_is_none(line: bytes) -> None:
    assert not SessionCookieNames(WELL_KNOWN).may_be_in(line)


@pytest.mark.parametrize(
    ("piece", "is_hidden"),
    [
        (b"a=1, JSESSIONID=2", True),
        (b'a="x sessionid=2', True),
        (b"a=1 phpsessid =2", True),
        (b'a=1,"ASPSESSIONIDABCD"=2', True),
        (b"a=1\xa0sessionid=2", True),
        (b"=JSESSIONID=2", True),
        (b"= =%4ASESSIONID=2", True),
        (b"=other=2", False),
        (b"a=JSESSIONID=2", False),
        (b"a=/x?JSESSIONID=2", False),
        (b"a=the JSESSIONID", False),
        (b"a=1", False),
        (b"", False),
    ],
)
def test_a_cookie_that_some_parsers_take_apart_is_seen(piece: bytes, is_hidden: bool) -> None:
    assert NAMES.is_hidden_in(piece.partition(b"=")[0].strip(), piece) is is_hidden


def test_a_list_without_names_lists_nothing() -> None:
    names = SessionCookieNames(("!a",))
    assert names.exact == () and not names.may_be_in(b"JSESSIONID=1") and names.kinds[b"JSESSIONID"] is NameKind.OTHER
    assert names.kinds[b"a"] is NameKind.LEFT_ALONE and not names.is_hidden_in(b"b", b"b=1, a=2")


def test_the_names_without_a_star_are_told() -> None:
    assert SessionCookieNames(("JSESSIONID", "ASPSESSIONID*", "!a")).exact == (b"JSESSIONID",)


@pytest.mark.parametrize("entry", WELL_KNOWN)
def test_every_well_known_name_is_an_entry(entry: str) -> None:
    assert re.fullmatch(ENTRY_PATTERN.strip("^$"), entry)


@given(st.sampled_from(WELL_KNOWN), st.text("aA_.%4 \"'=,;", max_size=12), st.text("aA_.%4 \"'=,;", max_size=12))
def test_no_surroundings_hide_a_name_from_the_quick_look(entry: str, before: str, after: str) -> None:
    assert NAMES.may_be_in(f"{before}{entry}{after}".encode())
