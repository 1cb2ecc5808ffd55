"""The supervisor's end of one worker: what the worker has heard, and what it is asked.

    Hello ─▶ it learns ─▶ Heard ─▶ it begins ─▶ Listening ─▶ … ─▶ gone

Owns that order, and the rule for a worker that does not confirm a revocation in time: it is killed, and then it counts as told, because a
dead worker answers nobody. Must never let a worker listen that has not confirmed everything revoked before. Rules from: DESIGN section 7.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import islice

from gateway import __version__
from gateway.revocations import LocalRevocations, Revocation
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

HEARD_SECONDS = 1.0
"""How long a worker may take to confirm a revocation; then it is killed."""
LEARNT_SECONDS = 60.0
"""How long a new worker may take to learn everything that was revoked before it began."""
TOLD_SECONDS = 1.0
"""How long a worker may take to tell its metrics, or whether it is ready."""
ENTRIES_AT_ONCE = 1000

Publishing = Callable[["Hand", int, Revocation], None]
Kill = Callable[[], Awaitable[None]]


class Hand:
    """One living worker, as the supervisor holds it."""

    def __init__(self, number: int, channel: Channel, memory: LocalRevocations, publishing: Publishing, kill: Kill) -> None:
        """``memory``: all revocations; ``publishing`` begins to spread one, ``kill`` returns when the worker is dead."""
        self.number = number
        self.listening = asyncio.Event()
        self.last_words = ""
        self._channel = channel
        self._memory = memory
        self._publishing = publishing
        self._kill = kill
        self._replies: Replies[Message] = Replies()
        self._teaching: asyncio.Task[None] | None = None
        self._confirms = False

    async def converse(self) -> None:
        """Listen to the worker until it is gone. Raises ``BadMessage`` where it says what it must not."""
        try:
            while (message := await self._channel.receive()) is not None:
                self._take(message)
        finally:
            self._replies.end()
            if self._teaching is not None:
                self._teaching.cancel()
                await asyncio.wait({self._teaching})
            await self._channel.aclose()

    async def tell(self, revocation: Revocation) -> None:
        """Returns when the revocation is in force in this worker, or will be before it serves anybody, or the worker is dead."""
        if self._teaching is None:
            return  # it has not begun to learn, and this is part of what it will
        try:
            if not self._confirms:
                self._channel.send(Revoked(0, revocation))  # it reads this before it is let begin
                return
            heard = await self._replies.to(lambda number: self._channel.send(Revoked(number, revocation)), HEARD_SECONDS)
        except (TimeoutError, BadMessage):
            heard = None
        if not isinstance(heard, Heard):
            await self._kill()

    def published(self, number: int) -> None:
        """Tell the worker that its own revocation with this number holds everywhere."""
        self._say(Published(number))

    async def ask(self, what: What) -> str | None:
        """What the worker says of itself; None where it does not, in time."""
        try:
            told = await self._replies.to(lambda number: self._channel.send(Ask(number, what)), TOLD_SECONDS)
        except (TimeoutError, BadMessage):
            return None
        return told.text if isinstance(told, Told) else None

    def reload(self) -> None:
        """Ask the worker to read again what may change while it runs."""
        self._say(Reload())

    def stop(self) -> None:
        """Ask the worker to drain and end."""
        self._say(Stop())

    def alone(self) -> None:
        """Tell the worker that all others have ended."""
        self._say(Alone())

    def _say(self, message: Message) -> None:
        with suppress(BadMessage):  # one that does not read confirms nothing either, and that ends it
            self._channel.send(message)

    def _take(self, message: Message) -> None:
        match message:
            case Hello(version) if self._teaching is None:
                if version != __version__:
                    raise BadMessage("another version")
                self._teaching = asyncio.create_task(self._teach(), name="teaching a worker")
            case Heard(number) | Told(number, _):
                self._replies.came(number, message)
            case Publish(number, revocation):
                self._publishing(self, number, revocation)
            case Listening() if self._confirms:
                self.listening.set()
            case Farewell(text):
                self.last_words = text
            case _:
                raise BadMessage("out of turn")

    async def _teach(self) -> None:
        entries = iter(tuple(self._memory.everything()))
        try:
            while piece := tuple(islice(entries, ENTRIES_AT_ONCE)):
                self._channel.send(Memory(piece))
                await self._channel.drain()
            heard = await self._replies.to(lambda number: self._channel.send(Complete(number)), LEARNT_SECONDS)
        except (TimeoutError, BadMessage):
            heard = None
        if isinstance(heard, Heard):
            self._confirms = True
            self._say(Begin())
        else:
            await self._kill()
