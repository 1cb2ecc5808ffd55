"""Whose browser it was: the same user is known again, another one makes it forget, and no id stands in the cookie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.cookies import OWNER_NAME, set_cookie_value
from gateway.policy.http.messages import Fields
from gateway.policy.session.owner import Owner, Owners, clears_only_at_home

NEW, OLD = b"n" * 32, b"o" * 32
HR, WIKI = "hr.example.com:443", "wiki.example.com:443"
users = st.text(min_size=1, max_size=30)


def cookie(lines: Fields) -> Fields:
    """The request of a browser that got these lines."""
    return ((b"Cookie", OWNER_NAME + b"=" + set_cookie_value(lines[0][1])),)


@given(users, users, st.sampled_from([HR, WIKI]), st.sampled_from([HR, WIKI]))
def test_an_owner_is_the_same_user_at_the_same_host_and_nobody_else(first: str, second: str, here: str, there: str) -> None:
    owners = Owners([NEW])
    presented = cookie(owners.lines((), here, first))
    same = (first, here) == (second, there)
    assert owners.judged(presented, there, second) is (Owner.SAME if same else Owner.OTHER)
    cleared = [value for name, value in owners.lines(presented, there, second) if name == b"Clear-Site-Data"]
    assert cleared == ([] if same else [b'"cache", "storage"'])


@given(users)
def test_the_cookie_names_nobody(user: str) -> None:
    line = Owners([NEW]).lines((), HR, user)[0][1]
    value = set_cookie_value(line).decode()
    assert len(value) == 22 and (len(user) < 4 or user not in value)
    assert line.endswith(b"; Max-Age=34560000; Path=/; Secure; HttpOnly; SameSite=Lax")


def test_an_unknown_owner_clears_what_was_loaded_and_keeps_what_an_app_stored() -> None:
    assert Owners([NEW]).lines((), HR, "00u1")[1:] == ((b"Clear-Site-Data", b'"cache"'),)


def test_an_owner_under_an_older_key_is_still_known_and_gets_a_new_mark() -> None:
    presented = cookie(Owners([OLD]).lines((), HR, "00u1"))
    rotated = Owners([NEW, OLD])
    assert rotated.judged(presented, HR, "00u1") is Owner.SAME
    assert cookie(rotated.lines(presented, HR, "00u1")) == cookie(Owners([NEW]).lines((), HR, "00u1")) != presented
    assert Owners([NEW]).judged(presented, HR, "00u1") is Owner.OTHER


@given(st.binary(max_size=40))
def test_a_cookie_that_no_key_made_names_another(value: bytes) -> None:
    presented = ((b"Cookie", OWNER_NAME + b"=" + value.replace(b";", b"")),)
    assert Owners([NEW]).judged(presented, HR, "00u1") is Owner.OTHER


def test_two_owners_are_another_unless_both_are_the_same() -> None:
    [(_, mine)] = cookie(Owners([NEW]).lines((), HR, "00u1"))
    [(_, other)] = cookie(Owners([NEW]).lines((), HR, "00u2"))
    assert Owners([NEW]).judged(((b"Cookie", mine + b"; " + other),), HR, "00u1") is Owner.OTHER
    assert Owners([NEW]).judged(((b"Cookie", mine + b"; " + mine),), HR, "00u1") is Owner.SAME


def test_w2_the_last_user_is_whose_pass_or_whose_mark_the_browser_shows() -> None:
    old, new = Owners([b"o" * 32]), Owners([b"n" * 32, b"o" * 32])
    alice, bob = old.mark("hr", "alice"), old.mark("hr", "bob")

    def cookie(*marks: str) -> Fields:
        return tuple((b"Cookie", f"__Host-gateway-owner={mark}".encode()) for mark in marks)

    assert new.last(cookie(alice), "hr", None) == alice and new.is_marked(alice, "hr", "alice")
    assert (
        not new.is_marked(alice, "hr", "bob") and not new.is_marked(alice, "wiki", "alice") and not new.is_marked("\ud800", "hr", "alice")
    )
    assert new.last(cookie(alice), "hr", "alice") == new.last((), "hr", "alice") == new.mark("hr", "alice")
    assert new.last(cookie(bob), "hr", "alice") == "", "a pass and a mark of two users"
    for marks in ((), (alice, bob), (alice, alice), ("short",), (alice + "x",), ("!" * 22,)):
        assert new.last(cookie(*marks), "hr", None) == ""


SAFARI = b"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15"
CHROME_OF_IOS = b"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/137.0 Mobile/15E148"
EDGE = b"Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36 Edg/137.0.0.0"
FIREFOX = b"Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"


@pytest.mark.parametrize(("agent", "does"), [(SAFARI, True), (CHROME_OF_IOS, True), (EDGE, False), (FIREFOX, False), (b"", False)])
def test_webkit_alone_clears_only_at_home(agent: bytes, does: bool) -> None:
    assert clears_only_at_home(((b"Host", b"x"), (b"user-agent", agent))) is does
    assert not clears_only_at_home(((b"X-User-Agent", agent),))
