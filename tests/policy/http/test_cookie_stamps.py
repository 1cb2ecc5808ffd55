"""A stamp counts for one user, one name, one value and the place where the cookie belongs; anything else is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.cookie_scopes import Scope
from gateway.policy.http.cookie_stamps import LONGEST_KNOWN, MARK, MOST_KNOWN, MOST_USERS, NOBODY, STAMP_BYTES, Stamped, Stamps

OLD, NEW = b"o" * 32, b"n" * 32
HR = Stamps([OLD], b"hr.example.com")
ALICE, BOB = HR.of("00u-alice"), HR.of("00u-bob")
HERE, DOMAIN = Scope(1), Scope(3, 2)

names = st.text("abcJSESSIONID._-", min_size=1, max_size=12).map(str.encode)
values = st.binary(min_size=1, max_size=60)


@given(names, values, st.sampled_from([HERE, DOMAIN, Scope(9, 3, True)]))
def test_what_was_stamped_for_a_user_is_read_as_that_users(name: bytes, value: bytes, scope: Scope) -> None:
    sent = ALICE.stamp(name, value, scope) + value
    assert sent.startswith(MARK) and len(sent) == STAMP_BYTES + len(value)
    assert ALICE.read(name, sent) == Stamped(value, scope, True, False)
    assert BOB.read(name, sent) == Stamped(value, scope, False, False)


@given(names, values, st.integers(0, 200), st.binary(min_size=1, max_size=1))
def test_what_was_changed_anywhere_has_no_stamp(name: bytes, value: bytes, at: int, byte: bytes) -> None:
    sent = ALICE.stamp(name, value, HERE) + value
    assert ALICE.read(name, sent) is not None
    at %= len(sent)
    changed = sent[:at] + byte + sent[at + 1 :]
    if changed != sent and changed.startswith(MARK):
        assert ALICE.read(name, changed) is None
    for cut in (sent[:at], sent[: STAMP_BYTES - 1], MARK, sent + b"x"):
        assert ALICE.read(name, cut) is None
    assert ALICE.read(name + b"x", sent) is None


def test_a_name_and_a_value_cannot_be_divided_in_another_way() -> None:
    sent = ALICE.stamp(b"a", b"b", HERE) + b"b"
    assert ALICE.read(b"a=b", sent[:-1]) is None


def test_a_stamp_counts_on_its_host_and_one_for_a_domain_on_all_of_it() -> None:
    wiki, other = Stamps([OLD], b"wiki.example.com").of("00u-alice"), Stamps([OLD], b"hr.example.org").of("00u-alice")
    here, everywhere = ALICE.stamp(b"n", b"v", HERE) + b"v", ALICE.stamp(b"n", b"v", DOMAIN) + b"v"
    assert wiki.read(b"n", here) is None and other.read(b"n", here) is None
    assert wiki.read(b"n", everywhere) == Stamped(b"v", DOMAIN, True, False) and other.read(b"n", everywhere) is None
    assert Stamps([OLD], b"wiki.example.com").of("00u-bob").read(b"n", everywhere) == Stamped(b"v", DOMAIN, False, False)


def test_a_host_is_not_the_domain_of_the_same_name() -> None:
    parent = Stamps([OLD], b"example.com").of("00u-alice")
    assert parent.read(b"n", ALICE.stamp(b"n", b"v", DOMAIN) + b"v") == Stamped(b"v", DOMAIN, True, False)
    moved = parent.stamp(b"n", b"v", Scope(1, 0)) + b"v"
    assert parent.read(b"n", moved) is not None and ALICE.read(b"n", moved) is None


def test_no_cookie_holds_a_user_and_no_two_hosts_mark_one_alike() -> None:
    here = ALICE.stamp(b"n", b"v", HERE)
    there = Stamps([OLD], b"wiki.example.com").of("00u-alice").stamp(b"n", b"v", HERE)
    assert b"alice" not in here and here[-12:] != there[-12:] and here[-12:] == ALICE.stamp(b"m", b"w", HERE)[-12:]


def test_an_older_key_is_read_as_long_as_it_is_in_the_ring() -> None:
    sent = ALICE.stamp(b"n", b"v", HERE) + b"v"
    ring, after = Stamps([NEW, OLD], b"hr.example.com"), Stamps([NEW], b"hr.example.com")
    assert ring.of("00u-alice").read(b"n", sent) == Stamped(b"v", HERE, True, False)
    assert ring.of("00u-bob").read(b"n", sent) == Stamped(b"v", HERE, False, False)
    assert after.of("00u-alice").read(b"n", sent) is None
    fresh = ring.of("00u-alice").stamp(b"n", b"v", HERE) + b"v"
    assert after.of("00u-alice").read(b"n", fresh) == Stamped(b"v", HERE, True, False) and ALICE.read(b"n", fresh) is None


def test_a_mark_of_one_key_is_not_that_of_another() -> None:
    """A stamp is whole under one key of the ring: a mark of the newest and a MAC of the oldest are never one."""
    ring = Stamps([NEW, OLD], b"hr.example.com").of("00u-alice")
    new, old = ring.stamp(b"n", b"v", HERE), ALICE.stamp(b"n", b"v", HERE)
    for mixed in (new[:-12] + old[-12:], old[:-12] + new[-12:]):
        assert ring.read(b"n", mixed + b"v") is None


@pytest.mark.parametrize("scope", [b"", b"!!!!", Scope(1, 5).text])
def test_a_scope_that_this_host_has_not_is_none(scope: bytes) -> None:
    sent = ALICE.stamp(b"n", b"v", HERE) + b"v"
    at = len(MARK) + 12
    assert ALICE.read(b"n", sent[:at] + scope + sent[at + len(scope) :]) is None or not scope


def test_a_scope_that_the_host_has_not_is_stamped_for_the_host() -> None:
    assert ALICE.read(b"n", ALICE.stamp(b"n", b"v", Scope(1, 9)) + b"v") == Stamped(b"v", HERE, True, False)


def test_nobody_is_a_user_too() -> None:
    nobody = HR.of(NOBODY)
    assert nobody is HR.nobody
    sent = nobody.stamp(b"n", b"v", HERE) + b"v"
    assert nobody.read(b"n", sent) == Stamped(b"v", HERE, True, True)
    assert ALICE.read(b"n", sent) == Stamped(b"v", HERE, False, True)


def test_what_is_remembered_has_bounds() -> None:
    stamps = Stamps([OLD], b"hr.example.com")
    first = stamps.of("00u-0")
    assert stamps.of("00u-0") is first
    for number in range(1, 2 * MOST_USERS + 2):
        stamps.of(f"00u-{number}")
    again = stamps.of("00u-0")
    assert again is not first
    for number in range(MOST_KNOWN + 1):
        again.note(b"n=%d" % number, b"v")
    again.note(b"n=" + b"x" * LONGEST_KNOWN, b"v")
    assert again.known == {b"n=%d" % MOST_KNOWN: b"v"}
