"""A worker's end of its channel to the supervisor.

Owns the worker's memory of revocations, and the answers to what the supervisor asks. Must never confirm a revocation that is not in force
here, and never go on without a supervisor: nobody would tell this process what the others revoke. Rules from: DESIGN section 7.
"""

import asyncio
from collections.abc import Callable, Mapping

from gateway import __version__
from gateway.errors import HungUp, Nonsense, TimedOut
from gateway.revocations import Revocation, WorkerRevocations
from gateway.revocations.workers import TellOthers
from gateway.supervisor.channel import Channel
from gateway.supervisor.messages import (
    Alone,
    Ask,
    BadMessage,
    Begin,
    Complete,
    Farewell,
    Heard,
    Hello,
    Listening,
    Memory,
    Message,
    Publish,
    Published,
    Reload,
    Revoked,
    Stop,
    Told,
    What,
)
from gateway.supervisor.replies import Replies

PUBLISHED_SECONDS = 5.0
"""Longer than the supervisor takes to kill a worker that does not confirm."""


class Line:
    """Talks with the supervisor for as long as the process lives."""

    def __init__(self, channel: Channel, memory: Callable[[TellOthers], WorkerRevocations], stop: asyncio.Event) -> None:
        """``stop`` is set when the process shall end, ``begin`` when it may listen, ``alone`` when no other worker lives."""
        self.revocations = memory(self._tell_others)
        self.begin = asyncio.Event()
        self.alone = asyncio.Event()
        self._channel = channel
        self._stop = stop
        self._replies: Replies[Message] = Replies()
        self._tellers: Mapping[What, Callable[[], str]] = {}
        self._reload: Callable[[], None] | None = None

    async def converse(self) -> None:
        """Introduce this process and listen to the supervisor until it is gone. Raises ``BadMessage`` for what it must not say."""
        try:
            self._channel.send(Hello(__version__))
            while (message := await self._channel.receive()) is not None:
                self._take(message)
        finally:
            self._replies.end()
            await self._channel.aclose()

    def listens(self, tellers: Mapping[What, Callable[[], str]], reload: Callable[[], None]) -> None:
        """Tell the supervisor that this process serves, and answers: ``tellers`` what it is asked, ``reload`` when it is wished."""
        self._tellers, self._reload = tellers, reload
        self._channel.send(Listening())

    async def farewell(self) -> None:
        """Tell the last metrics, and wait until they are on their way."""
        self._channel.send(Farewell(self._tellers["metrics"]() if self._tellers else ""))
        await self._channel.drain()

    async def _tell_others(self, revocation: Revocation) -> None:
        try:
            done = await self._replies.to(lambda number: self._channel.send(Publish(number, revocation)), PUBLISHED_SECONDS)
        except TimeoutError as error:
            raise TimedOut("idle") from error
        except BadMessage as error:
            raise Nonsense(str(error)) from error
        if not isinstance(done, Published):
            raise HungUp("supervisor")

    def _take(self, message: Message) -> None:
        match message:
            case Memory(entries):
                self.revocations.learn(entries)
            case Revoked(number, revocation):
                self.revocations.remember(revocation)
                self._channel.send(Heard(number))
            case Complete(number):
                self._channel.send(Heard(number))
            case Published(number):
                self._replies.came(number, message)
            case Ask(number, what):
                self._channel.send(Told(number, self._tellers[what]() if what in self._tellers else ""))
            case Begin():
                self.begin.set()
            case Reload():
                if self._reload is not None:
                    self._reload()
            case Stop():
                self._stop.set()
            case Alone():
                self.alone.set()
            case _:
                raise BadMessage("out of turn")
