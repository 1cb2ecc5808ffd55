"""Cookies: everything of Okta's and of ours is found, and nothing else is touched."""

import re
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.cookies import (
    MOST_CHECKED,
    OWNER_NAME,
    PASS_NAME,
    PENDING_NAME,
    START_NAME,
    NotTheApps,
    expired,
    holds_oktas,
    is_gateway_name,
    is_okta_name,
    not_the_apps,
    pairs,
    repeated,
    session_cookies,
    set_cookie,
    set_cookie_name,
    set_cookie_value,
    single,
    without,
    without_own,
)
from gateway.policy.http.messages import Fields
from gateway.policy.session.session import SESSION_NAMES, SessionCookie
from tests.policy.received import line

OTHERS = (b"theme", b"JSESSIONID", b"SID", b"sidx", b"xsid", b"idx2", b"_sid", b"Idx", b"t", b"__Secure-x")
GONE = (*SESSION_NAMES, b"xids", b"myr", b"DT", PASS_NAME, START_NAME, PENDING_NAME, OWNER_NAME, b"__host-GATEWAY-x")

values = st.text(st.characters(codec="latin-1", exclude_characters=';, \t"'), max_size=12).map(lambda text: text.encode("latin-1"))
kept_pieces = st.builds(
    lambda name, value, blank: blank + name + b"=" + value, st.sampled_from(OTHERS), values, st.sampled_from([b"", b" "])
)
gone_pieces = st.builds(lambda name, value: b" " + name + b"=" + value, st.sampled_from(GONE), values)


def is_unwanted(name: bytes, value: bytes) -> bool:
    return is_okta_name(name) or is_gateway_name(name)


def test_every_pair_of_every_line_is_read_in_order() -> None:
    fields: Fields = ((b"cookie", b"a=1; sid=x"), (b"Accept", b"sid=no"), (b"COOKIE", b" sid = y ;; lonely;=v;b=p=q"))
    assert pairs(fields) == ((b"a", b"1"), (b"sid", b"x"), (b"sid", b"y"), (b"lonely", b""), (b"", b"v"), (b"b", b"p=q"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"sid=1", [(b"sid", b"1")]),
        (b"a=b; idx=2; sid=1", [(b"idx", b"2"), (b"sid", b"1")]),
        (b"sid=1; sid=1", [(b"sid", b"1"), (b"sid", b"1")]),
        (b'sid="1"', [(b"sid", b'"1"')]),
        (b'sid=""; idx=', []),
        (b"sid; idx", []),
        (b'sid= " " ', []),
        (b"SID=1; Idx=2; sid2=3; my-sid=4", []),
        (b'{"raw": "json; with; semicolons"}; sid=1', [(b"sid", b"1")]),
        (b'a="never closed; sid=1', [(b"sid", b"1")]),
        (b"\xc3\xa9=\xff; sid=1", [(b"sid", b"1")]),
    ],
)
def test_session_cookies_are_found_wherever_a_browser_can_put_them(text: bytes, found: list[tuple[bytes, bytes]]) -> None:
    assert session_cookies(line(text)) == tuple(SessionCookie(name, value) for name, value in found)


def test_a_repeated_name_is_noticed_across_lines() -> None:
    assert repeated(session_cookies(line(b"sid=1", b"sid=2")))
    assert not repeated(session_cookies(line(b"sid=1; idx=1")))
    assert not repeated(())


def test_a_single_cookie_is_read_only_where_it_occurs_once() -> None:
    assert single(line(b"a=1; b=2"), b"b") == b"2"
    assert single(line(b"a=1", b"a=1"), b"a") is None
    assert single(line(b"a=1"), b"b") is None
    assert single((), b"a") is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"sid=1", None),
        (b"sid=1; ", None),
        (b" ; ", b" ; "),
        (b"", b""),
        (b"a=1; sid=1; b=2", b"a=1; b=2"),
        (b"sid=1; a=1;b=2", b"a=1;b=2"),
        (b"a=1;sid=1;b=2;", b"a=1;b=2;"),
        (b"a=1;  b=2; DT=x", b"a=1;  b=2"),
        (b" a = 1 ; sid=1", b" a = 1 "),
        (b"a=1; a=2; idx=; a=3", b"a=1; a=2; a=3"),
        (b'u=\xc3\xa9\xff; q="x=y z"; e==; xids=1', b'u=\xc3\xa9\xff; q="x=y z"; e=='),
        (b"\tsid\t=\t1; a=1", b"a=1"),
        # What old parsers see behind a comma, a blank or a quote goes with the cookie that hides it.
        (b"a=1, sid=2; b=3", b"b=3"),
        (b'a="1; b=2 idx=3"; c=4', b'a="1; c=4'),
        (b'a="sid=2"; b=3', b"b=3"),
        (b"a b,sid = 2; b=3", b"b=3"),
        (b"=sid=2; b=3", b"b=3"),
        (b" = = idx=2; b=3", b"b=3"),
        (b'"sid"=2; b=3', b"b=3"),
        (b"a=1,sid=,idx=2; b=3", b"b=3"),
        # A value that only speaks of one is left alone.
        (b"a=sid=2; b=my sidx=3; c=xsid=4, sidd=1; d=sid", b"a=sid=2; b=my sidx=3; c=xsid=4, sidd=1; d=sid"),
    ],
)
def test_unwanted_cookies_go_and_the_rest_stays_byte_identical(before: bytes, after: bytes | None) -> None:
    fields: Fields = ((b"A", b"sid=1"), (b"cOOkie", before), (b"B", b"2"))
    expected = fields if after == before else ((b"A", b"sid=1"), *(() if after is None else ((b"cOOkie", after),)), (b"B", b"2"))
    assert without(fields, is_unwanted) == expected


@given(st.lists(st.one_of(kept_pieces.map(lambda p: (p, True)), gone_pieces.map(lambda p: (p, False))), max_size=8))
def test_what_stays_is_byte_identical_and_in_order(pieces: list[tuple[bytes, bool]]) -> None:
    fields = line(b";".join(piece for piece, _ in pieces))
    rest = without(fields, is_unwanted)
    kept = [piece for piece, stays in pieces if stays]
    assert [piece.lstrip(b" ") for _, text in rest for piece in text.split(b";") if piece] == [piece.lstrip(b" ") for piece in kept]
    assert rest in ((), line(b";".join(kept)), line(b";".join(kept).lstrip(b" ")))
    assert without(rest, is_unwanted) == rest


NAMES = (*GONE, *OTHERS, b"__Host-app", b"__host-Gateway", b"__Host-gatewa", b"gateway", b"xid", b"d")
odd_pieces = st.lists(st.sampled_from([*NAMES, b"=", b"=", b" ", b"\t", b",", b'"', b"x", b"\xff"]), max_size=6).map(b"".join)
odd_lines = st.lists(odd_pieces, max_size=6).map(b";".join)


@given(st.lists(odd_lines, max_size=2), st.sampled_from([PASS_NAME, START_NAME, b"sid", b"DT", b"x"]))
def test_a_single_cookie_is_the_one_pair_of_its_name(texts: list[bytes], name: bytes) -> None:
    found = [value for key, value in pairs(line(*texts)) if key == name]
    assert single(line(*texts), name) == (found[0] if len(found) == 1 else None)


@given(odd_lines)
def test_what_no_app_may_see_goes_from_any_line_as_if_each_pair_were_looked_at(text: bytes) -> None:
    """C12: the line is looked at as a whole first; that must never make a difference."""
    assert without(line(text), not_the_apps) == without(line(text), is_unwanted)


@given(st.lists(st.binary(max_size=40), max_size=3))
def test_no_session_cookie_survives_in_any_reading(texts: list[bytes]) -> None:
    joined = b" sid=1,".join(texts)
    rest = without(line(joined, *texts), is_unwanted)
    assert session_cookies(rest) == ()
    assert not any(re.search(rb'(?:^|[ \t,;"])(?:sid|idx)[ \t"]*=', text) for _, text in rest)


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=60))
def test_what_the_standard_library_reads_as_a_session_cookie_does_not_survive(text: str) -> None:
    rest = without(line(f"{text}sid=1; idx=2".encode()), is_unwanted)
    read: SimpleCookie = SimpleCookie()
    with suppress(CookieError):
        read.load("".join(value.decode("latin-1") for _, value in rest))
    assert not {"sid", "idx"} & set(read)


@pytest.mark.parametrize("name", [PASS_NAME, START_NAME, PENDING_NAME, OWNER_NAME, b"__host-gateway", b"__HOST-Gateway-new"])
def test_our_names_are_known_in_any_case(name: bytes) -> None:
    assert is_gateway_name(name)


@pytest.mark.parametrize("name", [b"", b"gateway", b"__Secure-gateway", b"__Host-app", b"sid"])
def test_other_names_are_not_ours(name: bytes) -> None:
    assert not is_gateway_name(name)


def test_of_our_own_cookies_no_more_are_taken_out_than_the_gateway_sets() -> None:
    own = PASS_NAME + b"=x"
    most = next(count for count in range(1, 100) if without_own(b"; ".join([own] * (count + 1))) != b"")
    assert without_own(b"; ".join([b"a=1", *[own] * most, b"b=2"])) == b"a=1; b=2"
    assert without_own(b"; ".join([own] * (most + 3))) == b"; ".join([own] * 3)


def test_apps_keep_their_own_cookies_with_names_like_oktas() -> None:
    assert all(is_okta_name(name) for name in (b"sid", b"idx", b"xids", b"myr", b"DT"))
    assert not any(is_okta_name(name) for name in (b"SID", b"IDX", b"JSESSIONID", b"dt", b"connect.sid", b"t", b""))


def test_our_cookies_are_set_with_every_attribute_that_protects_them() -> None:
    assert set_cookie(PASS_NAME, "abc-_~1") == (b"Set-Cookie", b"__Host-gateway=abc-_~1; Path=/; Secure; HttpOnly; SameSite=Lax")
    assert set_cookie(START_NAME, "n", 600)[1] == b"__Host-gateway-start=n; Max-Age=600; Path=/; Secure; HttpOnly; SameSite=Lax"


@pytest.mark.parametrize(
    ("name", "value"),
    [(PASS_NAME, "a;b"), (PASS_NAME, "a\r\nb"), (PASS_NAME, 'a"'), (PASS_NAME, "a,b"), (b"sid", "1"), (b"__Host-gateway;x", "1")],
)
def test_nothing_else_can_be_set(name: bytes, value: str) -> None:
    with pytest.raises(ValueError, match="not a cookie"):
        set_cookie(name, value)


def test_cookies_are_expired_with_the_attributes_they_were_set_with() -> None:
    gone = b"=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
    assert expired(PASS_NAME) == (b"Set-Cookie", PASS_NAME + gone + b"; Secure; HttpOnly; SameSite=Lax")
    assert expired(b"sid") == (b"Set-Cookie", b"sid" + gone + b"; Secure; HttpOnly; SameSite=None")
    assert expired(b"idx", "example.com")[1] == b"idx" + gone + b"; Domain=example.com; Secure; HttpOnly; SameSite=None"


@pytest.mark.parametrize(("name", "domain"), [(PASS_NAME, "example.com"), (b"sid", "a; b"), (b"sid\r\n", None), (b"", None)])
def test_an_expiry_that_no_browser_would_follow_is_a_bug(name: bytes, domain: str | None) -> None:
    with pytest.raises(ValueError, match="expired"):
        expired(name, domain)


@given(st.sampled_from([PASS_NAME, START_NAME]), st.from_regex(r"[A-Za-z0-9_~-]{0,40}", fullmatch=True), st.none() | st.integers(0, 10**6))
def test_a_set_cookie_line_is_read_back_as_it_was_set(name: bytes, value: str, max_age: int | None) -> None:
    written = set_cookie(name, value, max_age)[1]
    assert (set_cookie_name(written), set_cookie_value(written)) == (name, value.encode())
    assert b"domain" not in written.lower()
    assert written.endswith(b"; Path=/; Secure; HttpOnly; SameSite=Lax")


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        (b'sid="";Version=1;Path=/;Max-Age=0', b"sid", b'""'),
        (b" idx = a=b ; Path=/", b"idx", b"a=b"),
        (b"=sid=1", b"sid", b"1"),
        (b"sid", b"sid", b""),
        (b"", b"", b""),
    ],
)
def test_a_set_cookie_line_is_read_as_the_browser_will_send_it_back(text: bytes, name: bytes, value: bytes) -> None:
    assert (set_cookie_name(text), set_cookie_value(text)) == (name, value)


VALUE = b"102LPHfhAn-QyqPkbk8pCHz0A"


def test_what_is_oktas_is_known_by_its_value_and_a_name_alone_makes_none() -> None:
    for text, rest in (
        (b"sid=own; idx=theirs; a=theirs; myr=theirs", b"sid=own; a=theirs"),
        (b"a=1, sid=theirs; b=2", b"b=2"),
        (b"a=1, sid=own; b=2", b"a=1, sid=own; b=2"),
        (b"__Host-gateway=x; DT=own", b"DT=own"),
        (b"xids=theirs", None),
    ):
        unwanted = NotTheApps(lambda value: value == b"theirs")
        assert without(line(text), unwanted) == (line(rest) if rest is not None else ())
        assert unwanted.was_checked
        assert holds_oktas((text,), unwanted) is (b"theirs" in text and text != b"a=theirs")


def test_a_value_that_is_known_to_be_oktas_goes_under_every_name() -> None:
    for piece in (b"a=" + VALUE, VALUE, b"=" + VALUE, VALUE + b"=1", b'a="' + VALUE + b'"', b"a=x" + VALUE + b"y"):
        unwanted = NotTheApps(lambda value: False, (VALUE, b"short"))
        assert without(line(b"b=short; " + piece + b"; c=3"), unwanted) == line(b"b=short; c=3")
        assert holds_oktas((b"b=short", piece), unwanted) and not holds_oktas((b"b=short; __Host-gateway=" + VALUE,), unwanted)
        assert not unwanted.was_checked


@given(odd_lines, st.frozensets(values))
def test_whatever_okta_set_is_in_no_line_of_an_apps(text: bytes, oktas: frozenset[bytes]) -> None:
    """And what is left is the line's own bytes."""
    kept = without(line(text), NotTheApps(oktas.__contains__))
    pieces = [piece.strip(b" \t") for piece in text.split(b";")]
    for _, rest in kept:
        assert not any(is_okta_name(name) and value in oktas for name, value in pairs(line(rest)))
        assert all(piece.strip(b" \t") in pieces for piece in rest.split(b";"))


def test_nobody_makes_the_gateway_look_up_more_values_than_a_browser_has() -> None:
    looked_up: list[bytes] = []

    def is_none(value: bytes) -> bool:
        looked_up.append(value)
        return False

    few = b"; ".join([b"sid=1"] * (MOST_CHECKED // 3))  # a cookie may have several readings
    assert without(line(few), NotTheApps(is_none)) == line(few)
    looked_up.clear()
    kept = without(line(few + b"; a=1" + b"; sid=2" * MOST_CHECKED + b"; b=" + b" sid=1" * 8 + b"; c=3"), NotTheApps(is_none))
    assert kept[0][1].startswith(few + b"; a=1") and kept[0][1].endswith(b"; c=3") and b"b=" not in kept[0][1]
    assert len(looked_up) == MOST_CHECKED
