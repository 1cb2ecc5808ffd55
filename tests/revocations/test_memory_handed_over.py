"""A memory that begins learns what another one holds: each entry as old as it is."""

from gateway.core.session import Fingerprint
from gateway.revocations import LocalRevocations, Revocation
from tests.revocations.joined import Time

ONE, OTHER, THIRD = (Fingerprint(digit * 16) for digit in (b"1", b"2", b"3"))


async def test_what_one_memory_holds_another_learns_with_its_age() -> None:
    time, later = Time(), Time()
    old, new = LocalRevocations(time, 60.0), LocalRevocations(later, 60.0)
    await old.publish(Revocation((ONE,), "102abc"))
    time.now = 130.0
    await old.publish(Revocation((OTHER, THIRD), user_id="00u1", unseen=(THIRD,)))
    time.now = 140.0
    later.now = 7.0
    new.learn(old.everything())
    assert new.has_cookie((ONE,)) and new.has_cookie((OTHER,)) and new.has_cookie((THIRD,)) and new.has_session("102abc")
    assert new.user_since("00u1") == -3.0
    later.now = 27.0
    assert not new.has_cookie((ONE,)) and not new.has_session("102abc") and new.has_cookie((OTHER,)) and new.has_cookie((THIRD,))
    later.now = 57.0
    assert not new.has_cookie((OTHER,)) and not new.has_cookie((THIRD,)) and new.user_since("00u1") is None


async def test_what_is_over_is_not_handed_over() -> None:
    time = Time()
    old = LocalRevocations(time, 60.0)
    await old.publish(Revocation((ONE,), "102abc", "00u1"))
    time.now = 160.0
    assert list(old.everything()) == []


async def test_what_was_heard_meanwhile_is_not_made_older_by_what_is_learnt() -> None:
    time = Time()
    old = LocalRevocations(time, 60.0)
    await old.publish(Revocation((ONE,)))
    time.now = 150.0
    new = LocalRevocations(time, 60.0)
    await new.publish(Revocation((ONE,)))
    new.learn(old.everything())
    time.now = 209.0
    assert new.has_cookie((ONE,))


async def test_cookies_that_anybody_can_think_up_stay_apart_in_the_new_memory() -> None:
    time = Time()
    old, new = LocalRevocations(time, 60.0), LocalRevocations(time, 60.0, 2)
    invented = tuple(Fingerprint(b"%016d" % number) for number in range(10))
    await old.publish(Revocation((ONE, *invented), unseen=invented))
    new.learn(old.everything())
    assert new.has_cookie((ONE,)) and new.has_cookie(invented[-1:]) and not new.has_cookie(invented[:1])
