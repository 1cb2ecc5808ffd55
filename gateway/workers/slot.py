"""The place of one worker: it is filled, and filled again whenever its worker has died.

    filled ─▶ (waiting) ─▶ listening ─▶ dead ─▶ (pause) ─▶ filled …        until ``stop``: then the worker drains, and the place stays empty

Owns the life of one worker after another. Must never hold two at once, or fill the place again after ``stop``. How long it stays empty is
said in ``policy.restarting``.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Literal

from gateway.clock import Clock
from gateway.config import Settings
from gateway.policy.restarting import Restarts
from gateway.workers.handover import LISTENS, WAITS
from gateway.workers.process import WorkerProcess

PARTING_SECONDS = 2.0
"""How long a worker that has closed its end of the socket pair may take to end."""
LISTENING_SECONDS = 90.0
"""How long a new worker may take until it listens, or says that it waits for a shared state that is away: then it may go on for ever."""

State = Literal["starting", "waiting", "listening", "dead"]
Start = Callable[[int], Awaitable[WorkerProcess]]
Tell = Callable[[str, Mapping[str, object]], None]
Left = Callable[[WorkerProcess, str], None]


class WorkerSlot:
    """One place. ``keep`` runs until ``stop`` and the end of the last worker, or until it is cancelled: then the worker is killed.

    ``tried`` is set when the first worker listens or has died; one that ``died_first`` is not replaced, because whatever killed it is
    wrong with all of them. ``ended`` is set when the place stays empty.
    """

    def __init__(
        self, number: int, start: Start, left: Left, clock: Clock, tell: Tell, listening_seconds: float = LISTENING_SECONDS
    ) -> None:
        """``start`` starts a process for this place; ``left`` hears of every worker that is dead, and its last metrics."""
        self.number = number
        self.process: WorkerProcess | None = None
        self.state: State = "starting"
        self.died_first = False
        self.tried = asyncio.Event()
        self.ended = asyncio.Event()
        self._stopping = asyncio.Event()
        self._start = start
        self._left = left
        self._clock = clock
        self._tell = tell
        self._listening_seconds = listening_seconds

    async def keep(self) -> None:
        """Keep the place filled."""
        restarts = Restarts()
        try:
            while not (self._stopping.is_set() or self.died_first):
                began = self._clock.monotonic()
                code = await self._life()
                lived_seconds = self._clock.monotonic() - began
                restarts = restarts.after(lived_seconds)
                is_meant = self._stopping.is_set() and code in (0, -signal.SIGTERM)  # by the signal, before it could drain
                self._tell("worker_stopped" if is_meant else "worker_died", {"worker": self.number, "code": code, "seconds": lived_seconds})
                with suppress(TimeoutError):
                    async with asyncio.timeout(restarts.pause_seconds):
                        await self._stopping.wait()
        finally:
            self.ended.set()

    def stop(self) -> None:
        """Let the worker drain and end, and fill the place no more."""
        self._stopping.set()
        if self.process is not None:
            self.process.stop()

    def reload(self, settings: Settings) -> None:
        """Let the worker take these settings over."""
        if self.process is not None:
            self.process.reload(settings)

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

    async def _listens(self, process: WorkerProcess) -> bool:
        """Returns when the worker listens; False where it is gone before. ``TimeoutError`` where it says nothing for too long."""
        while True:
            async with asyncio.timeout(self._listening_seconds):
                word = await process.word()
            if word != WAITS:
                return word == LISTENS
            self.state = "waiting"

    async def _with(self, process: WorkerProcess) -> int:
        self.process, last_words = process, ""
        try:
            if self._stopping.is_set():
                process.stop()
            if await self._listens(process):
                self.state = "listening"
                self.tried.set()
                self._tell("worker_started", {"worker": self.number})
                last_words = await process.last_words()
            async with asyncio.timeout(PARTING_SECONDS):
                return await process.wait()
        except TimeoutError:
            await process.kill()
            return await process.wait()
        finally:
            await asyncio.shield(process.kill())
            self.process = None
            self._left(process, last_words)
