"""A revocation outlives the process, holds here when the store fails, and what others publish holds at the next look-up."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import OutsideFailed, StateFailed
from gateway.policy.session.session import Fingerprint
from gateway.revocations import REMEMBERED_SECONDS, LocalRevocations, Remembered, Report, Revocation, Rotation, SharedRevocations
from gateway.shared_state import MemoryState
from tests.shared_state.engines import StateClock, opened

ONE, OTHER = Fingerprint(b"1" * 16), Fingerprint(b"2" * 16)


class Full:
    """A state that takes nothing."""

    is_shared = True
    ready = False

    async def follow(self, heard: Callable[[Remembered], None]) -> None:
        raise StateFailed("/srv/state.db: is unreadable")

    def poll(self) -> None:
        """Nobody has published anything."""

    async def publish(self, revocation: Revocation) -> None:
        raise StateFailed("/srv/state.db: is full")

    async def report(self, report: Report) -> bool:
        raise StateFailed("/srv/state.db: is full")


class Slow:
    """A state that writes when it is let, and in which others publish what ``coming`` holds."""

    is_shared = True
    ready = True

    def __init__(self) -> None:
        self.may_write = asyncio.Event()
        self.kept: list[Revocation] = []
        self.coming: list[Remembered] = []
        self._heard: Callable[[Remembered], None] = self.coming.append

    async def follow(self, heard: Callable[[Remembered], None]) -> None:
        self._heard = heard
        self.poll()

    def poll(self) -> None:
        coming, self.coming = self.coming, []
        for one in coming:
            self._heard(one)

    async def publish(self, revocation: Revocation) -> None:
        await self.may_write.wait()
        self.kept.append(revocation)

    async def report(self, report: Report) -> bool:
        await self.may_write.wait()
        self.kept.extend(report.revocations)
        return not self.kept[1:]


async def test_t6_a_revocation_outlives_the_process_and_ends_when_it_would_have(tmp_path: Path) -> None:
    times = StateClock()
    async with opened("sqlite", tmp_path, times) as state:
        first = SharedRevocations(LocalRevocations(times.clock.monotonic), state)
        await first.follow()
        await first.publish(Revocation((ONE, OTHER), "102abc", "00u1", unseen=(OTHER,)))
    times.passes(3600.0)
    times.monotonic_start = 50.0 - times.passed  # another process, which began when the machine did
    async with opened("sqlite", tmp_path, times) as state:
        second = SharedRevocations(LocalRevocations(times.clock.monotonic), state)
        assert not second.has_cookie((ONE,))
        await second.follow()
        assert second.has_cookie((ONE,)) and second.has_cookie((OTHER,)) and second.has_session("102abc")
        assert second.user_since("00u1") == 50.0 - 3600.0
        times.passes(REMEMBERED_SECONDS - 3600.0)
        assert not second.has_cookie((ONE, OTHER)) and not second.has_session("102abc") and second.user_since("00u1") is None


async def test_it_is_in_force_before_the_first_wait_and_written_before_publish_returns() -> None:
    store = Slow()
    revocations = SharedRevocations(LocalRevocations(StateClock().clock.monotonic), store)
    heard: list[Revocation] = []
    revocations.subscribe(heard.append)
    publishing = asyncio.create_task(revocations.publish(Revocation((ONE,))))
    await asyncio.sleep(0)
    assert revocations.has_cookie((ONE,)) and heard == [Revocation((ONE,))] and not publishing.done()
    store.may_write.set()
    await publishing
    assert store.kept == [Revocation((ONE,))] and len(heard) == 1


async def test_when_the_store_fails_it_holds_here_and_the_caller_hears_of_it() -> None:
    revocations = SharedRevocations(LocalRevocations(StateClock().clock.monotonic), Full())
    with pytest.raises(StateFailed, match=r"state\.db"):
        await revocations.publish(Revocation((ONE,), "102abc"))
    assert revocations.has_cookie((ONE,)) and revocations.has_session("102abc")


async def test_what_others_publish_holds_at_the_next_look_up_whichever_it_is() -> None:
    look_ups: tuple[Callable[[SharedRevocations], object], ...] = (
        lambda revocations: revocations.has_cookie((ONE,)),
        lambda revocations: revocations.has_session("102abc"),
        lambda revocations: revocations.is_held((OTHER,)),
        lambda revocations: revocations.user_since("00u1") == 1000.0 - 7.0,
    )
    for look_up in look_ups:
        state = Slow()
        revocations = SharedRevocations(LocalRevocations(StateClock().clock.monotonic), state)
        await revocations.follow()
        heard: list[Revocation] = []
        revocations.subscribe(heard.append)
        assert not look_up(revocations)
        published = Revocation((ONE,), "102abc", "00u1", held=(OTHER,))
        state.coming.append(Remembered(published, 7.0))
        assert look_up(revocations) and heard == [published]


async def test_a_memory_that_is_not_shared_costs_no_look_up_anything() -> None:
    memory = LocalRevocations(StateClock().clock.monotonic)
    revocations = SharedRevocations(memory, MemoryState(StateClock().clock))
    assert revocations.has_cookie == memory.has_cookie and revocations.user_since == memory.user_since


async def test_kin_that_was_published_before_is_known_and_later_kin_is_heard() -> None:
    state, rotation = Slow(), Rotation((ONE,), (OTHER,), "00u1")
    state.coming.append(Remembered(Revocation(rotation=rotation), 7.0))
    revocations = SharedRevocations(LocalRevocations(StateClock().clock.monotonic), state)
    await revocations.follow()
    heard: list[Revocation] = []
    revocations.subscribe(heard.append)
    state.coming.append(Remembered(Revocation(rotation=Rotation((OTHER,), (ONE,))), 0.0))
    revocations.poll()
    assert revocations.known_rotations() == (rotation,) and heard == [Revocation(rotation=Rotation((OTHER,), (ONE,)))]


async def test_it_is_ready_when_the_state_is() -> None:
    assert SharedRevocations(LocalRevocations(StateClock().clock.monotonic), Slow()).ready
    assert not SharedRevocations(LocalRevocations(StateClock().clock.monotonic), Full()).ready


async def test_a_store_that_cannot_be_read_is_an_error_at_the_start() -> None:
    with pytest.raises(OutsideFailed):
        await SharedRevocations(LocalRevocations(StateClock().clock.monotonic), Full()).follow()


REPORT = Report("news", b"one", 60.0, (Revocation((ONE,)),))


async def test_what_was_reported_before_is_not_remembered_again() -> None:
    store, times = Slow(), StateClock()
    store.may_write.set()
    revocations = SharedRevocations(LocalRevocations(times.clock.monotonic), store)
    assert await revocations.report(REPORT) and revocations.has_cookie((ONE,))
    assert not await revocations.report(Report("news", b"one", 60.0, (Revocation((OTHER,)),)))
    assert not revocations.has_cookie((OTHER,))


async def test_a_report_holds_here_where_the_state_failed_or_was_not_waited_for() -> None:
    failing = SharedRevocations(LocalRevocations(StateClock().clock.monotonic), Full())
    with pytest.raises(OutsideFailed):
        await failing.report(REPORT)
    assert failing.has_cookie((ONE,))
    waiting = SharedRevocations(LocalRevocations(StateClock().clock.monotonic), Slow())
    task = asyncio.create_task(waiting.report(REPORT))
    await asyncio.sleep(0)
    assert not waiting.has_cookie((ONE,))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert waiting.has_cookie((ONE,))
