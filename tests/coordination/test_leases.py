"""Leases, and work that a dead process left unfinished, between two processes on a scripted clock."""

import asyncio
import io
from collections.abc import Awaitable, Callable

import pytest

from gateway.clock import Clock
from gateway.compose import Gateway
from gateway.config import read
from gateway.coordination.leases import LEASE_SECONDS, Leases
from gateway.coordination.unfinished_work import ALIVE_SECONDS, UnfinishedWork
from gateway.errors import LeaseLost, LeaseTaken, StateFailed
from gateway.observe import Log
from gateway.shared_state import Lease, MemoryState
from tests.harness.configuration import SEALED
from tests.harness.system import CONFIGURATION
from tests.journeys.scripted_loop import ScriptedLoop
from tests.journeys.shared_memory import SharedMemory


def views() -> tuple[SharedMemory, SharedMemory]:
    now = asyncio.get_running_loop().time
    clock = Clock(now, now)
    first = MemoryState(clock)
    one, other = (SharedMemory(clock, first, 0.001, 0.0) for _ in range(2))
    return one, other


def run(tells: Callable[[SharedMemory, SharedMemory], Awaitable[None]]) -> None:
    async def told() -> None:
        await tells(*views())

    with asyncio.Runner(loop_factory=ScriptedLoop) as runner:
        runner.run(told())


def test_a_lease_is_renewed_while_it_is_held_and_given_back() -> None:
    async def tells(one: SharedMemory, other: SharedMemory) -> None:
        mine, theirs = Leases(one), Leases(other)
        async with mine.held((b"a", b"b")):
            await asyncio.sleep(10 * LEASE_SECONDS)
            with pytest.raises(LeaseTaken):
                async with theirs.held((b"b", b"c"), 5.0):
                    raise AssertionError("it is held")
        async with theirs.held((b"b", b"c"), 5.0):
            pass

    run(tells)


def test_whoever_stops_waiting_leaves_nothing_behind() -> None:
    async def tells(one: SharedMemory, other: SharedMemory) -> None:
        mine, theirs = Leases(one), Leases(other)
        waiting = asyncio.create_task(mine.held((b"a",)).__aenter__())
        await asyncio.sleep(0.0005)  # the question is on its way
        waiting.cancel()
        await asyncio.wait({waiting})
        await mine.aclose()
        async with theirs.held((b"a",), 0.0):
            pass

    run(tells)


def test_a_late_holder_writes_nothing_and_sends_nothing() -> None:
    async def tells(one: SharedMemory, other: SharedMemory) -> None:
        async with Leases(one).held((b"a",)) as held:
            one.is_cut = True  # this process stands still
            await asyncio.sleep(2 * LEASE_SECONDS)
            later = await other.lease((b"a",), b"other", LEASE_SECONDS)
            one.is_cut = False
            with pytest.raises(LeaseLost):
                await one.put("kind", b"a", b"late", 60.0, under=held.lease)
            with pytest.raises(LeaseLost):
                await held.outlasts(1.0)
            assert isinstance(later, Lease) and await other.get("kind", b"a") is None

    run(tells)


def test_work_of_a_process_that_is_gone_is_taken_over_by_one_other() -> None:
    async def tells(one: SharedMemory, other: SharedMemory) -> None:
        dead, alive, third = (
            UnfinishedWork(one, "work", 3600.0),
            UnfinishedWork(other, "work", 3600.0),
            UnfinishedWork(other, "work", 3600.0),
        )
        taken: list[bytes] = []

        async def take(key: bytes) -> bool:
            taken.append(key)
            return True

        await dead.begin(b"k")
        await alive.look(take)
        assert taken == [], "its process lives"
        one.is_cut = True
        await asyncio.sleep(ALIVE_SECONDS)
        await asyncio.gather(alive.look(take), third.look(take))
        assert taken == [b"k"]
        one.is_cut = False
        assert not await dead.is_mine(b"k"), "it came back to life too late"

    run(tells)


def test_work_for_which_there_is_no_room_is_left_to_others() -> None:
    async def tells(one: SharedMemory, other: SharedMemory) -> None:
        dead, full = UnfinishedWork(one, "work", 3600.0), UnfinishedWork(other, "work", 3600.0)

        async def refuse(key: bytes) -> bool:
            return False

        async def fail(key: bytes) -> bool:
            raise StateFailed("away")

        await dead.begin(b"k")
        await dead.aclose()
        for take in (refuse, fail):
            await full.look(take)
            assert not await full.is_mine(b"k")
            await asyncio.sleep(6)

    run(tells)


async def test_a_state_that_goes_away_between_two_reads_of_a_start_is_waited_for() -> None:
    """The revocations are there already, and what others left undone is not."""
    clock = Clock()
    state = SharedMemory(clock, MemoryState(clock), 0.0, 0.0)
    text = CONFIGURATION.format(org="http://127.0.0.1:9", upstream="http://127.0.0.1:9", first_byte="1s", forward="1s", switch="")
    settings = read("gateway.toml", text + '[state]\nurl = "redis://127.0.0.1:9/0"\n', SEALED)
    gateway = Gateway(settings, Log("error", stream=io.StringIO()), state=state)
    state.is_cut = True
    starting = asyncio.create_task(gateway.start())
    await asyncio.wait({starting}, timeout=0.5)
    assert not starting.done() and gateway.unready()["process"] == "starting"
    state.is_cut = False
    async with asyncio.timeout(10):
        await starting
    assert "process" not in gateway.unready()
    await gateway.aclose()
