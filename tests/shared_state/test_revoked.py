"""A revocation as entries, and back."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.session import Fingerprint
from gateway.revocations import LocalRevocations, Remembered, Revocation
from gateway.shared_state.revoked import COOKIE, KINDS, SESSION, UNSEEN, USER, entries_of, remembered

ONE, OTHER = Fingerprint(b"1" * 16), Fingerprint(b"2" * 16)

_COOKIES = st.lists(st.binary(min_size=16, max_size=16).map(Fingerprint), max_size=5, unique=True).map(tuple)
_IDS = st.none() | st.text(st.characters(), min_size=1, max_size=20)


def test_each_revoked_key_is_an_entry_and_invented_cookies_are_a_kind_of_their_own() -> None:
    revocation = Revocation((ONE, OTHER), "102abc", "00uä", unseen=(OTHER,))
    assert list(entries_of(revocation)) == [(COOKIE, ONE), (UNSEEN, OTHER), (SESSION, b"102abc"), (USER, "00uä".encode())]
    assert list(entries_of(Revocation())) == []


def test_an_age_is_never_negative() -> None:
    assert remembered(COOKIE, ONE, -3.0) == Remembered(Revocation((ONE,)), 0.0)


@given(cookies=_COOKIES, session_id=_IDS, user_id=_IDS, count=st.integers(0, 5))
def test_a_memory_that_learns_the_entries_knows_what_one_knows_that_heard_the_revocation(
    cookies: tuple[Fingerprint, ...], session_id: str | None, user_id: str | None, count: int
) -> None:
    revocation = Revocation(cookies, session_id, user_id, unseen=cookies[:count])
    heard, learnt = LocalRevocations(lambda: 100.0), LocalRevocations(lambda: 100.0)
    heard.remember(revocation)
    entries = list(entries_of(revocation))
    assert {kind for kind, _ in entries} <= set(KINDS)
    learnt.learn(remembered(kind, key, 0.0) for kind, key in entries)
    assert list(learnt.everything()) == list(heard.everything())
