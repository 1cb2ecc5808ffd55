"""A revocation outlives the process, and neither a store that fails nor a worker that is not told keeps the other from hearing it."""

import asyncio
from pathlib import Path

import pytest

from gateway.core.session import Fingerprint
from gateway.errors import OutsideFailed, StateFailed, Unreachable
from gateway.revocations import REMEMBERED_SECONDS, KeptRevocations, LocalRevocations, Remembered, Revocation, WorkerRevocations
from tests.shared_state.engines import Times, opened

ONE, OTHER = Fingerprint(b"1" * 16), Fingerprint(b"2" * 16)


class Full:
    """A store that takes nothing."""

    async def remember(self, revocation: Revocation) -> None:
        raise StateFailed("/srv/state.db: is full")

    async def revocations(self) -> list[Remembered]:
        raise StateFailed("/srv/state.db: is unreadable")


class Slow:
    """A store that writes when it is let."""

    def __init__(self) -> None:
        self.may_write = asyncio.Event()
        self.kept: list[Remembered] = []

    async def remember(self, revocation: Revocation) -> None:
        await self.may_write.wait()
        self.kept.append(Remembered(revocation, 0.0))

    async def revocations(self) -> list[Remembered]:
        return self.kept


async def test_t6_a_revocation_outlives_the_process_and_ends_when_it_would_have(tmp_path: Path) -> None:
    times = Times()
    async with opened("sqlite", tmp_path, times) as state:
        first = KeptRevocations(LocalRevocations(times.clock.monotonic), state)
        await first.load()
        await first.publish(Revocation((ONE, OTHER), "102abc", "00u1", unseen=(OTHER,)))
    times.passes(3600.0)
    times.monotonic = 50.0  # another process, which began when the machine did
    async with opened("sqlite", tmp_path, times) as state:
        second = KeptRevocations(LocalRevocations(times.clock.monotonic), state)
        assert not second.has_cookie((ONE,))
        await second.load()
        assert second.has_cookie((ONE,)) and second.has_cookie((OTHER,)) and second.has_session("102abc")
        assert second.user_since("00u1") == 50.0 - 3600.0
        times.passes(REMEMBERED_SECONDS - 3600.0)
        assert not second.has_cookie((ONE, OTHER)) and not second.has_session("102abc") and second.user_since("00u1") is None


async def test_it_is_in_force_before_the_first_wait_and_written_before_publish_returns() -> None:
    store = Slow()
    kept = KeptRevocations(LocalRevocations(Times().clock.monotonic), store)
    heard: list[Revocation] = []
    kept.subscribe(heard.append)
    publishing = asyncio.create_task(kept.publish(Revocation((ONE,))))
    await asyncio.sleep(0)
    assert kept.has_cookie((ONE,)) and heard == [Revocation((ONE,))] and not publishing.done()
    store.may_write.set()
    await publishing
    assert [entry.revocation for entry in store.kept] == [Revocation((ONE,))] and len(heard) == 1


async def test_when_the_store_fails_it_holds_here_the_other_workers_are_told_and_the_caller_hears_of_it() -> None:
    told: list[Revocation] = []

    async def tell(revocation: Revocation) -> None:
        told.append(revocation)

    kept = KeptRevocations(WorkerRevocations(Times().clock.monotonic, tell), Full())
    with pytest.raises(StateFailed, match=r"state\.db"):
        await kept.publish(Revocation((ONE,), "102abc"))
    assert kept.has_cookie((ONE,)) and kept.has_session("102abc") and told == [Revocation((ONE,), "102abc")]


async def test_when_the_other_workers_cannot_be_told_it_is_written_and_the_caller_hears_of_it() -> None:
    async def tell(revocation: Revocation) -> None:
        raise Unreachable

    store = Slow()
    store.may_write.set()
    kept = KeptRevocations(WorkerRevocations(Times().clock.monotonic, tell), store)
    with pytest.raises(Unreachable):
        await kept.publish(Revocation((ONE,)))
    assert kept.has_cookie((ONE,)) and [entry.revocation for entry in store.kept] == [Revocation((ONE,))]


async def test_a_caller_that_is_gone_while_the_store_writes_does_not_leave_the_other_workers_untold() -> None:
    told: list[Revocation] = []

    async def tell(revocation: Revocation) -> None:
        told.append(revocation)

    kept = KeptRevocations(WorkerRevocations(Times().clock.monotonic, tell), Slow())
    publishing = asyncio.create_task(kept.publish(Revocation((ONE,))))
    await asyncio.sleep(0)
    publishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await publishing
    assert told == [Revocation((ONE,))]


async def test_a_store_that_cannot_be_read_is_an_error_at_the_start() -> None:
    with pytest.raises(OutsideFailed):
        await KeptRevocations(LocalRevocations(Times().clock.monotonic), Full()).load()
