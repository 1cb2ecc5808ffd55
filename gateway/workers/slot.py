"""One slot of the supervisor: it keeps one worker running, and starts a new one when the worker has died.

    starting ─▶ (waiting) ─▶ listening ─▶ dead ─▶ (pause) ─▶ starting …        until ``stop``: the worker drains, and is not replaced

Owns the lives of the workers of one slot, one after the other. Must never run two workers at once, or start one after ``stop``.
``policy.restarting`` decides the length of the pause.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Literal

from gateway.clock import Clock
from gateway.config import Settings
from gateway.observe import Tell
from gateway.policy.restarting import Restarts
from gateway.workers.handover import LISTENS, WAITS
from gateway.workers.process import WorkerProcess

PARTING_SECONDS = 2.0
"""How long a worker may take to end after it has closed its end of the socket pair. Then it is killed."""
LISTENING_SECONDS = 90.0
"""How long a new worker may take until it listens, or reports that it waits for the shared state. Each such report starts the time anew."""

State = Literal["starting", "waiting", "listening", "dead"]
Start = Callable[[int], Awaitable[WorkerProcess]]
Left = Callable[[WorkerProcess, str], None]


class WorkerSlot:
    """One slot. ``keep`` runs until ``stop`` was called and the last worker has ended. If ``keep`` is cancelled, the worker is killed.

    ``tried`` is set when the first worker listens or has died. ``died_first``: the first worker died before it listened. It is not
    replaced, because its problem would be the same for all. ``ended`` is set when no further worker will be started.
    """

    def __init__(
        self, number: int, start: Start, left: Left, clock: Clock, tell: Tell, listening_seconds: float = LISTENING_SECONDS
    ) -> None:
        """``start`` starts a process for this slot. ``left`` is called with every dead worker and its last metrics."""
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
        """Keep one worker running, until ``stop``."""
        restarts = Restarts()
        try:
            while not (self._stopping.is_set() or self.died_first):
                started_at = self._clock.monotonic()
                code = await self._life()
                lived_seconds = self._clock.monotonic() - started_at
                restarts = restarts.after(lived_seconds)
                is_meant = self._stopping.is_set() and code in (0, -signal.SIGTERM)  # the second: stopped before it had a signal handler
                self._tell("worker_stopped" if is_meant else "worker_died", {"worker": self.number, "code": code, "seconds": lived_seconds})
                with suppress(TimeoutError):
                    async with asyncio.timeout(restarts.pause_seconds):
                        await self._stopping.wait()
        finally:
            self.ended.set()

    def stop(self) -> None:
        """Let the worker drain and end, and start no other one."""
        self._stopping.set()
        if self.process is not None:
            self.process.stop()

    def reload(self, settings: Settings) -> None:
        """Send new settings to the worker."""
        if self.process is not None:
            self.process.reload(settings)

    async def _life(self) -> int:
        """Run one worker, from its start to its proven end; returns its exit code."""
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
        """Wait until the worker listens (True) or has ended (False). Raises ``TimeoutError`` if it sends nothing for too long."""
        while True:
            async with asyncio.timeout(self._listening_seconds):
                word = await process.message()
            if word != WAITS:
                return word == LISTENS
            self.state = "waiting"

    async def _with(self, process: WorkerProcess) -> int:
        self.process, last_metrics = process, ""
        try:
            if self._stopping.is_set():
                process.stop()
            if await self._listens(process):
                self.state = "listening"
                self.tried.set()
                self._tell("worker_started", {"worker": self.number})
                last_metrics = await process.last_metrics()
            async with asyncio.timeout(PARTING_SECONDS):
                return await process.wait()
        except TimeoutError:
            await process.kill()
            return await process.wait()
        finally:
            await asyncio.shield(process.kill())
            self.process = None
            self._left(process, last_metrics)
