"""The supervisor: it runs all workers of one gateway, and the admin address.

    both addresses bound ─▶ admin listens ─▶ workers start ─▶ all listen: ready
    stop ─▶ not ready ─▶ every worker drains (listen.drain) ─▶ admin closed

Owns that order. Must never serve an app's request itself, report that it runs when only some of the workers started, or end before all
workers have ended.
"""

import asyncio
import os
import socket
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from functools import partial

from gateway.clock import Clock
from gateway.compose.addresses import bind, shown_address
from gateway.config import Settings, host_of, reloaded
from gateway.doors.refusals import refusal
from gateway.edge.handling import Handling
from gateway.edge.server import HttpServer, Listening
from gateway.errors import BadConfig
from gateway.observe import Log
from gateway.observe.metrics import Metrics
from gateway.workers.admin import AdminAddress, WorkerAddress
from gateway.workers.process import WorkerProcess
from gateway.workers.running import log_problems
from gateway.workers.slot import WorkerSlot
from gateway.workers.sockets import UnnamedSocket, reserved
from gateway.workers.state_folder import settings_with_state

ENDING_SECONDS = 5.0
"""How long workers may take to end after their drain time. Then they are killed."""


class Supervisor:
    """Runs ``listen.workers`` workers. Call ``run`` inside an event loop."""

    def __init__(self, settings: Settings, log: Log, stop: asyncio.Event) -> None:
        """``stop``: set it to end everything."""
        self._settings = settings
        self._shared: Settings | None = None  # the settings that workers get: the same, with the folder of the shared state
        self._log = log
        self._stop = stop
        self._metrics = Metrics()
        self._admin = AdminAddress(host_of(settings.config.admin.address), self._metrics)

    async def run(self) -> None:
        """Serve until ``stop`` is set. Raises ``BadConfig`` if an address is in use or a worker cannot start; then nothing runs on."""
        async with AsyncExitStack() as opened:
            listen, admin = self._settings.config.listen, self._settings.config.admin
            public = reserved(listen.address, lambda text: self._settings.problem(("listen", "address"), text))
            opened.callback(public.close)
            if listen.redirect_address:
                problem = partial(self._settings.problem, ("listen", "redirect_address"))
                opened.callback(reserved(listen.redirect_address, problem).close)
            admin_socket = bind(admin.address, lambda text: self._settings.problem(("admin", "address"), text))
            opened.callback(admin_socket.close)
            self._shared = opened.enter_context(settings_with_state(self._settings))
            self._admin.workers = [self._place(number, public, opened) for number in range(listen.workers)]
            listening = Listening(HttpServer(Handling(self._admin.handle, lambda malformed: refusal(malformed, ()))), admin_socket)
            opened.push_async_callback(listening.aclose, 0.0)
            await listening.start()
            await self._kept({"address": shown_address(public), "admin": shown_address(admin_socket), "workers": listen.workers})

    def reload(self) -> None:
        """Read the configuration again, and send it to every worker. If it has a problem, the old one stays in use."""
        try:
            found = reloaded(self._settings, os.environ)
        except BadConfig as error:
            log_problems(self._log, error)
            return
        self._settings = found
        state = self._shared.config.state if self._shared is not None else found.config.state
        self._shared = replace(found, config=found.config.model_copy(update={"state": state}))
        for slot in self._slots:
            slot.reload(self._shared)

    @property
    def _slots(self) -> list[WorkerSlot]:
        return [worker.slot for worker in self._admin.workers]

    async def _kept(self, figures: Mapping[str, object]) -> None:
        """Run all slots until ``stop`` is set. However this ends, no worker is left running."""
        slots = self._slots
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(slot.keep(), name=f"worker {slot.number}") for slot in slots]
            await _either(_all(slot.tried for slot in slots), self._stop.wait())
            half = next((slot.number for slot in slots if slot.died_first), None) if not self._stop.is_set() else None
            if half is None and not self._stop.is_set():
                self._log.write("info", "listening", figures)
                await self._stop.wait()
            self._log.write("info", "stopping")
            await self._drained()
            for task in tasks:
                task.cancel()
        if half is not None:
            raise BadConfig((f"worker {half} ended before it listened; what it said stands above",))
        self._log.write("info", "stopped")

    async def _drained(self) -> None:
        """Stop all workers, and wait until they have ended or their time is over."""
        self._admin.is_stopping = True
        for slot in self._slots:
            slot.stop()
        await _within(self._settings.config.listen.drain + ENDING_SECONDS, _all(slot.ended for slot in self._slots))

    def _place(self, number: int, public: socket.socket, opened: AsyncExitStack) -> WorkerAddress:
        try:
            admin = UnnamedSocket.made()
        except OSError as error:
            text = f"more than one worker needs a folder for temporary files ({error.strerror}); set TMPDIR to one, or use 1"
            raise BadConfig((self._settings.problem(("listen", "workers"), text),)) from error
        opened.callback(admin.close)
        pid = os.getpid()

        async def start(number: int) -> WorkerProcess:
            return await WorkerProcess.started(self._shared or self._settings, number, public, admin.listening, pid)

        return WorkerAddress(WorkerSlot(number, start, self._admin.left, Clock(), self._tell), admin.path)

    def _tell(self, event: str, figures: Mapping[str, object]) -> None:
        self._metrics.happened(event)
        self._log.tell(event, figures)


async def _all(events: Iterable[asyncio.Event]) -> None:
    for event in tuple(events):
        await event.wait()


async def _either(one: Coroutine[None, None, object], other: Coroutine[None, None, object]) -> None:
    tasks = {asyncio.create_task(one), asyncio.create_task(other)}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _within(seconds: float, wait: Coroutine[None, None, object]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await wait
