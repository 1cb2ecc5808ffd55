"""Passes and answers from before a moment do not count: everybody was signed out, or the memory forgot what was revoked before."""

import asyncio
from collections.abc import Callable

from gateway.clock import Clock
from gateway.policy.session.cache import Lifetimes
from gateway.policy.session.passes import Pass
from gateway.policy.session.revocation_epoch import RevocationEpoch, is_remembered
from gateway.policy.session.session import Fingerprint, NoSession, SessionCookie
from gateway.revocations import LocalRevocations, Revocation
from gateway.sessions.epochs import Epochs
from tests.harness.clock import WALL
from tests.sessions.scripted import BROWSER, Memory, answer, idle, memory, session

SID = (SessionCookie(b"sid", b"alice"),)


def made(m: Memory, seconds_ago: float) -> Pass:
    return Pass(SID, "alice", "102", m.times.clock.wall() - seconds_ago, "", m.sessions.epoch.name)


async def signed_in(m: Memory) -> None:
    m.org.now = answer(session("alice"))
    assert await m.sessions.current(SID, BROWSER) == session("alice")


async def test_when_everybody_is_signed_out_answers_from_before_are_asked_again_and_passes_do_not_count() -> None:
    m = memory(Lifetimes(ttl=60.0))
    await signed_in(m)
    valid_until = m.sessions.valid_until(m.sessions.marks(SID))
    assert valid_until is not None and m.sessions.is_valid(valid_until)
    before = made(m, 0.0)
    assert is_remembered(before, m.sessions.epoch)
    await m.revocations.publish(Revocation(everybody=True))
    assert not m.sessions.is_valid(valid_until) and m.sessions.from_cache(SID) is None
    assert not is_remembered(before, m.sessions.epoch)
    assert is_remembered(made(m, 0.0), m.sessions.epoch)
    assert m.names() == ["passes_outdated"] and m.events[0][1]["everybody"] is True
    m.times.passed += 0.001
    await signed_in(m)
    assert m.sessions.from_cache(SID) == session("alice")


async def test_a_question_that_was_under_way_when_everybody_was_signed_out_lets_nobody_in() -> None:
    m = memory(Lifetimes(ttl=60.0))
    asking = asyncio.create_task(m.sessions.current(SID, BROWSER))
    await idle()
    await m.revocations.publish(Revocation(everybody=True))
    m.org.asked[-1].answered.set_result(answer(session("alice")))
    assert await asking == NoSession("revoked") and m.sessions.from_cache(SID) is None


class Small(LocalRevocations):
    """Remembers two of each kind."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        super().__init__(monotonic, largest=2)


async def test_what_the_bound_forgot_outdates_passes_from_before_it_and_no_later_ones() -> None:
    m = memory(Lifetimes(ttl=60.0), kind=Small)
    old, epoch = made(m, 0.0), m.sessions.epoch
    m.times.passed += 600.0
    for number in range(2):
        await m.revocations.publish(Revocation(user_id=f"00u{number}"))
    m.times.passed += 600.0
    between = made(m, 0.0)
    await signed_in(m)
    assert m.sessions.epoch is epoch and m.names() == []
    await m.revocations.publish(Revocation(user_id="00u2"))
    assert not is_remembered(old, m.sessions.epoch) and is_remembered(between, m.sessions.epoch)
    assert m.sessions.from_cache(SID) == session("alice")
    assert m.names() == ["passes_outdated"] and m.events[0][1] == {"older_than_seconds": 600.0, "everybody": False}
    assert m.revocations.forgotten == 1


async def test_invented_cookies_however_many_outdate_nothing() -> None:
    m = memory(Lifetimes(ttl=60.0), kind=Small)
    old, epoch = made(m, 3600.0), m.sessions.epoch
    for number in range(100):
        invented = Fingerprint(b"%016d" % number)
        await m.revocations.publish(Revocation((invented,), unseen=(invented,)))
    assert m.sessions.epoch is epoch and is_remembered(old, m.sessions.epoch)


async def test_a_clock_that_is_set_moves_no_moment() -> None:
    wall = [WALL]
    clock = Clock(lambda: 1000.0, lambda: wall[0])
    revocations = LocalRevocations(clock.monotonic)
    await revocations.publish(Revocation(everybody=True))
    epochs = Epochs(revocations, RevocationEpoch("m", WALL), clock, lambda event, figures: None)
    name = epochs.current.name
    wall[0] += 3600.0
    revocations.remember(Revocation((Fingerprint(b"1" * 16),), forgotten=True))
    assert name == f"m..{WALL:.0f}" and epochs.current.everybody_at == WALL
