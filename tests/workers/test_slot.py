"""The place of a worker, with small programs that stand in it: what becomes of one that dies, or ends when it is asked to."""

import asyncio
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from gateway.clock import Clock
from gateway.workers.process import WorkerProcess
from gateway.workers.slot import WorkerSlot
from tests.harness.configuration import settings

BEGINS = """
import os, signal, socket, sys
life = socket.socket(fileno=int(sys.argv[1]))
"""
LISTENS = 'life.sendall(b"L")\n'
DRAINS = """
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
life.sendall(b"L")
signal.sigwait([signal.SIGTERM])
life.sendall(b"counted 7")
"""


@dataclass
class SlotOfPrograms:
    """A place whose workers run these programs, one after the other; the last one again and again."""

    programs: list[str]
    told: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    said: asyncio.Event = field(default_factory=asyncio.Event)

    def slot(self, listening_seconds: float = 20.0) -> WorkerSlot:
        """The place, empty yet."""
        return WorkerSlot(4, self.start, lambda process, last_words: self.left.append(last_words), Clock(), self.tell, listening_seconds)

    async def start(self, number: int) -> WorkerProcess:
        """The next program, with its end of a socket pair."""
        program = self.programs.pop(0) if len(self.programs) > 1 else self.programs[0]
        if not program:
            raise BlockingIOError("no more processes")
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", BEGINS + program, str(theirs.fileno()), pass_fds=(theirs.fileno(),)
            )
        return WorkerProcess(process, *await asyncio.open_unix_connection(sock=ours))

    def tell(self, event: str, figures: Mapping[str, object]) -> None:
        """One line of the log."""
        self.told.append((event, figures))
        self.said.set()

    async def until(self, event: str, times: int = 1) -> Mapping[str, object]:
        """What the log says of this event, when it has been there so often."""
        async with asyncio.timeout(20):
            while len(found := [figures for name, figures in self.told if name == event]) < times:
                self.said.clear()
                await self.said.wait()
        return found[-1]


async def kept(slot: WorkerSlot) -> None:
    async with asyncio.timeout(20):
        await slot.keep()


@pytest.mark.parametrize("program", ["sys.exit(3)", "life.close(); sys.exit(3)"])
async def test_a_worker_that_dies_before_it_listened_is_not_replaced(program: str) -> None:
    place = SlotOfPrograms([program])
    slot = place.slot()
    await kept(slot)
    assert slot.died_first and slot.tried.is_set() and slot.ended.is_set() and slot.state == "dead"
    assert [(event, figures["code"]) for event, figures in place.told] == [("worker_died", 3)]
    assert place.left == [""]


async def test_a_process_that_cannot_be_started_is_a_death_too() -> None:
    place = SlotOfPrograms([""])
    slot = place.slot()
    await kept(slot)
    assert slot.died_first and [event for event, _ in place.told] == ["worker_not_started", "worker_died"]


async def test_a_worker_that_dies_later_is_replaced_until_the_end_is_wished_for() -> None:
    place = SlotOfPrograms([LISTENS + "os.kill(os.getpid(), signal.SIGABRT)", "", DRAINS])
    slot = place.slot()
    keeping = asyncio.create_task(kept(slot))
    assert (await place.until("worker_died"))["code"] == -signal.SIGABRT
    await place.until("worker_not_started")
    await place.until("worker_started", 2)
    assert slot.state == "listening" and not slot.died_first and not slot.ended.is_set()
    slot.stop()
    slot.stop()  # one signal goes to the worker: a second one would not let it drain
    await keeping
    assert (await place.until("worker_stopped"))["code"] == 0
    assert slot.process is None and place.left == ["", "counted 7"]


async def test_a_worker_that_says_that_it_waits_may_take_as_long_as_it_needs_and_one_that_says_nothing_may_not() -> None:
    waits = "import time\nfor _ in range(40): life.sendall(b'w'); time.sleep(0.1)\n"
    place = SlotOfPrograms([waits + DRAINS, "signal.pause()"])
    slot = place.slot(2.0)
    keeping = asyncio.create_task(kept(slot))
    while slot.state != "waiting":  # noqa: ASYNC110 - what a worker says of its start is not told
        await asyncio.sleep(0)
    assert not slot.tried.is_set()
    await place.until("worker_started")
    assert slot.process is not None
    slot.process.stop()
    assert (await place.until("worker_died"))["code"] == 0
    assert (await place.until("worker_died", 2))["code"] == -signal.SIGKILL
    slot.stop()
    await keeping


async def test_a_worker_that_is_stopped_before_it_hears_signals_has_ended_as_it_should() -> None:
    place = SlotOfPrograms(["signal.pause()"])
    slot = place.slot()
    keeping = asyncio.create_task(kept(slot))
    while slot.process is None:  # noqa: ASYNC110 - the start tells nobody
        await asyncio.sleep(0)
    slot.reload(settings())  # which it never reads
    slot.stop()
    await keeping
    assert (await place.until("worker_stopped"))["code"] == -signal.SIGTERM


async def test_a_worker_that_closes_its_end_and_does_not_end_is_killed() -> None:
    place = SlotOfPrograms([LISTENS + "life.close()\nsignal.pause()", DRAINS])
    slot = place.slot()
    keeping = asyncio.create_task(kept(slot))
    assert (await place.until("worker_died"))["code"] == -signal.SIGKILL
    await place.until("worker_started", 2)
    slot.stop()
    await keeping


async def test_a_place_that_is_given_up_leaves_no_process() -> None:
    place = SlotOfPrograms(["signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + LISTENS + "signal.pause()"])
    slot = place.slot()
    keeping = asyncio.create_task(kept(slot))
    await place.until("worker_started")
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert place.left == [""] and slot.process is None and slot.ended.is_set()
