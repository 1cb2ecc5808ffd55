"""Owns workers in one process: real channels between a supervisor's rooms and the rooms of its workers. Checks nothing by itself."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway.clock import Clock
from gateway.revocations import LocalRevocations, WorkerRevocations
from gateway.revocations.workers import TellOthers
from gateway.supervisor.channel import Channel
from gateway.supervisor.hand import Hand
from gateway.supervisor.line import Line
from gateway.supervisor.messages import BadMessage
from gateway.supervisor.spreading import Spreading


class Time:
    """A clock that tests move."""

    now = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


@dataclass
class Joined:
    """A supervisor's memory and those that are joined to it; ``killed`` and ``faults`` by the number of the worker."""

    spreading: Spreading
    killed: list[int] = field(default_factory=list)
    faults: dict[int, str] = field(default_factory=dict)
    _tasks: dict[int, tuple[asyncio.Task[None], ...]] = field(default_factory=dict)

    async def hand(self) -> tuple[Hand, Channel]:
        """A worker that is nothing but the other end of a channel."""
        ours, theirs = socket.socketpair()
        number = len(self._tasks)
        hand = Hand(number, await Channel.on(ours), self.spreading.memory, self.spreading.publish, lambda: self.kill(number))
        self.spreading.join(hand)
        self._tasks[number] = (asyncio.create_task(self._conversation(hand)),)
        return hand, await Channel.on(theirs)

    async def worker(self, time: Time | None = None, seconds: float = 60.0, largest: int = 100) -> Line:
        """A worker that has learnt everything and may begin."""

        def memory(tell: TellOthers) -> WorkerRevocations:
            return WorkerRevocations(time or Clock().monotonic, tell, seconds, largest)

        hand, channel = await self.hand()
        line = Line(channel, memory, asyncio.Event())
        self._tasks[hand.number] += (asyncio.create_task(line.converse()),)
        async with asyncio.timeout(20):
            await line.begin.wait()
        return line

    async def kill(self, number: int) -> None:
        """The process is gone, its end of the channel with it."""
        self.killed.append(number)
        await self.ends(number)

    async def ends(self, number: int) -> None:
        """The worker's own end of the conversation is over."""
        for task in self._tasks[number][1:]:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _conversation(self, hand: Hand) -> None:
        try:
            await hand.converse()
        except BadMessage as error:
            self.faults[hand.number] = str(error)
        self.spreading.leave(hand)

    async def aclose(self) -> None:
        """Everything ends: first the workers, then, because they are gone, the conversations with them."""
        await self.spreading.aclose()
        for number, (conversation, *_) in self._tasks.items():
            await self.ends(number)
            async with asyncio.timeout(20):
                await conversation


@asynccontextmanager
async def joined(time: Time | None = None, seconds: float = 60.0, largest: int = 100) -> AsyncIterator[Joined]:
    """An empty memory, and nobody yet."""
    made = Joined(Spreading(LocalRevocations(time or Clock().monotonic, seconds, largest)))
    try:
        yield made
    finally:
        await made.aclose()
