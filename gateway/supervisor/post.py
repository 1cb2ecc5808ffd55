"""The place of one worker: it is filled, and filled again whenever its worker has died.

    filled ─▶ listening ─▶ dead ─▶ (pause) ─▶ filled …        until ``stop``: then the worker drains, and the place stays empty

Owns the life of one worker after another. Must never hold two at once, or fill the place again after ``stop``.
Rules from: DESIGN section 7, ``core.restarting``.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Literal

from gateway.clock import Clock
from gateway.core.restarting import Restarts
from gateway.supervisor.hand import Hand
from gateway.supervisor.messages import BadMessage
from gateway.supervisor.process import WorkerProcess
from gateway.supervisor.spreading import Spreading

PARTING_SECONDS = 2.0
"""How long a worker that has closed its channel may take to end."""
LISTENING_SECONDS = 90.0
"""How long a new worker may take until it listens."""

Start = Callable[[int], Awaitable[WorkerProcess]]
Tell = Callable[[str, Mapping[str, object]], None]
Left = Callable[[Hand], None]


class Post:
    """One place. ``keep`` runs until ``stop`` and the end of the last worker, or until it is cancelled: then the worker is killed.

    ``tried`` is set when the first worker listens or has died; one that ``died_first`` is not replaced, because whatever killed it is
    wrong with all of them. ``ended`` is set when the place stays empty.
    """

    def __init__(self, number: int, start: Start, spreading: Spreading, left: Left, clock: Clock, tell: Tell) -> None:
        """``start`` starts a process for this place; ``left`` hears of every worker that is dead."""
        self.number = number
        self.hand: Hand | None = None
        self.state: Literal["starting", "listening", "dead"] = "starting"
        self.died_first = False
        self.tried = asyncio.Event()
        self.ended = asyncio.Event()
        self._stopping = asyncio.Event()
        self._start = start
        self._spreading = spreading
        self._left = left
        self._clock = clock
        self._tell = tell

    async def keep(self) -> None:
        """Keep the place filled."""
        restarts = Restarts()
        try:
            while not (self._stopping.is_set() or self.died_first):
                began = self._clock.monotonic()
                code = await self._life()
                lived_seconds = self._clock.monotonic() - began
                restarts = restarts.after(lived_seconds)
                is_meant = self._stopping.is_set() and code == 0
                self._tell("worker_stopped" if is_meant else "worker_died", {"worker": self.number, "code": code, "seconds": lived_seconds})
                with suppress(TimeoutError):
                    async with asyncio.timeout(restarts.pause_seconds):
                        await self._stopping.wait()
        finally:
            self.ended.set()

    def stop(self) -> None:
        """Let the worker drain and end, and fill the place no more."""
        self._stopping.set()
        if self.hand is not None:
            self.hand.stop()

    async def _life(self) -> int:
        """One worker, from its start to the certainty that it is dead; the code with which it ended."""
        self.state = "starting"
        try:
            process = await self._start(self.number)
        except OSError as error:
            self._tell("worker_not_started", {"worker": self.number, "error": type(error).__name__})
            return 1
        else:
            return await self._with(process)
        finally:
            self.state = "dead"
            self.died_first = self.died_first or not self.tried.is_set()
            self.tried.set()

    async def _with(self, process: WorkerProcess) -> int:
        hand = self.hand = Hand(self.number, process.channel, self._spreading.memory, self._spreading.publish, process.kill)
        self._spreading.join(hand)
        watching = asyncio.create_task(self._watch(hand, process), name="waiting for a worker to listen")
        try:
            if self._stopping.is_set():
                hand.stop()
            await self._conversation(hand, process)
            with suppress(TimeoutError):
                async with asyncio.timeout(PARTING_SECONDS):
                    return await process.wait()
            await process.kill()
            return await process.wait()
        finally:
            watching.cancel()
            await asyncio.wait({watching})
            await asyncio.shield(process.kill())
            self._spreading.leave(hand)
            self.hand = None
            self._left(hand)

    async def _conversation(self, hand: Hand, process: WorkerProcess) -> None:
        try:
            await hand.converse()
        except BadMessage as error:
            await process.kill()  # at once: nobody knows any more what it has heard
            self._tell("worker_not_understood", {"worker": self.number, "reason": str(error)})

    async def _watch(self, hand: Hand, process: WorkerProcess) -> None:
        try:
            async with asyncio.timeout(LISTENING_SECONDS):
                await hand.listening.wait()
        except TimeoutError:
            await process.kill()
            return
        self.state = "listening"
        self.tried.set()
        self._tell("worker_started", {"worker": self.number})
