"""The place of a worker, with small programs that stand in it: what becomes of one that dies, and of one that cannot be understood."""

import asyncio
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway import __version__
from gateway.clock import Clock
from gateway.revocations import LocalRevocations
from gateway.supervisor.channel import Channel
from gateway.supervisor.hand import Hand
from gateway.supervisor.post import Post
from gateway.supervisor.process import WorkerProcess
from gateway.supervisor.spreading import Spreading

SPEAKS = """
import os, signal, socket, sys
wire = socket.socket(fileno=int(sys.argv[1]))
def say(text): wire.sendall(len(text).to_bytes(4, "big") + text)
def hear(): return wire.recv(int.from_bytes(wire.recv(4, socket.MSG_WAITALL), "big"), socket.MSG_WAITALL)
"""
BEGINS = f"""
say(b'["hello","{__version__}"]')
hear()
say(b'["heard",1]')
assert hear() == b'["begin"]'
say(b'["listening"]')
"""
WAITS = "\nassert hear() == b'[\"stop\"]'\n"


@dataclass
class Place:
    """A place whose workers run these programs, one after the other; the last one again and again."""

    programs: list[str]
    told: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)
    left: list[Hand] = field(default_factory=list)
    said: asyncio.Event = field(default_factory=asyncio.Event)

    def post(self) -> Post:
        """The place, empty yet."""
        spreading = Spreading(LocalRevocations(Clock().monotonic))
        return Post(4, self.start, spreading, self.left.append, Clock(), self.tell)

    async def start(self, number: int) -> WorkerProcess:
        """The next program, with its end of a channel."""
        program = self.programs.pop(0) if len(self.programs) > 1 else self.programs[0]
        if not program:
            raise BlockingIOError("no more processes")
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", SPEAKS + program, str(theirs.fileno()), pass_fds=(theirs.fileno(),)
            )
        return WorkerProcess(process, await Channel.on(ours))

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


async def kept(post: Post) -> None:
    async with asyncio.timeout(20):
        await post.keep()


async def test_a_worker_that_dies_before_it_listened_is_not_replaced() -> None:
    place = Place(["sys.exit(3)"])
    post = place.post()
    await kept(post)
    assert post.died_first and post.tried.is_set() and post.ended.is_set() and post.state == "dead"
    assert [(event, figures["code"]) for event, figures in place.told] == [("worker_died", 3)]
    assert len(place.left) == 1


async def test_a_process_that_cannot_be_started_is_a_death_too() -> None:
    place = Place([""])
    post = place.post()
    await kept(post)
    assert post.died_first and [event for event, _ in place.told] == ["worker_not_started", "worker_died"]


async def test_a_worker_that_dies_later_is_replaced_until_the_end_is_wished_for() -> None:
    place = Place([BEGINS + "os.kill(os.getpid(), signal.SIGABRT)", "", BEGINS + WAITS])
    post = place.post()
    keeping = asyncio.create_task(kept(post))
    assert (await place.until("worker_died"))["code"] == -signal.SIGABRT
    await place.until("worker_not_started")
    await place.until("worker_started", 2)
    assert post.state == "listening" and not post.died_first and not post.ended.is_set()
    post.stop()
    await keeping
    assert (await place.until("worker_stopped"))["code"] == 0
    assert post.hand is None and len(place.left) == 2


async def test_a_worker_that_cannot_be_understood_is_killed() -> None:
    place = Place([BEGINS + 'say(b"nonsense")\nsignal.pause()', BEGINS + WAITS])
    post = place.post()
    keeping = asyncio.create_task(kept(post))
    assert (await place.until("worker_not_understood"))["reason"] == "not a message"
    assert (await place.until("worker_died"))["code"] == -signal.SIGKILL
    await place.until("worker_started", 2)
    post.stop()
    await keeping


async def test_a_place_that_is_given_up_leaves_no_process() -> None:
    place = Place([BEGINS + "signal.signal(signal.SIGTERM, signal.SIG_IGN)" + WAITS])
    post = place.post()
    keeping = asyncio.create_task(kept(post))
    await place.until("worker_started")
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert len(place.left) == 1 and post.hand is None and post.ended.is_set()
