"""Replaces a running gateway by one with another configuration, on the same sockets.

    reload ─▶ the new one starts ─▶ it listens too ─▶ the old one accepts nothing more ─▶ its requests end within listen.drain
                  └── it cannot ─▶ config_refused; the old one goes on

Owns that order. No connection is refused or lost, because both accept from one queue. WebSockets and event streams of the old gateway are
told to reconnect, as at a restart. Must never leave a half-started gateway behind, nor run two reloads at once.

``settle`` sets Python's garbage collector once, when the process has built everything that stays. A full collection looks at all living
objects (modules, configuration, pools). Under load it takes 26 ms every few seconds, measured, and every request of that moment waits. So
these objects are frozen. What is cached of requests is looked at once while it is young, and seldom after that: a look at 200,000 objects
takes 170 ms. A request leaves nothing for the collector (``tests/edge/test_garbage_collection.py``). It must never switch the collector
off: cycles must still be found.
"""

import asyncio
import gc
from contextlib import suppress

from gateway.background import BackgroundTasks
from gateway.compose.gateway import Gateway
from gateway.config import Settings, is_as_before
from gateway.errors import BadConfig
from gateway.observe import Log

FIRST_WORD_SECONDS = 2.0
"""How long a new connection may take to send its first request, before the former gateway closes it."""


class Running:
    """``gateway``: the gateway that serves now. End it with ``aclose``."""

    def __init__(self, gateway: Gateway, settings: Settings, log: Log) -> None:
        """``gateway`` was started with ``settings``."""
        self.gateway = gateway
        self.settings = settings
        self._log = log
        self._reload_lock = asyncio.Lock()
        self._background = BackgroundTasks()
        self._closing = asyncio.Event()

    def reload(self, settings: Settings) -> None:
        """Replace the gateway by one with these settings, in the background. The log says what happened."""
        self._background.start(self.replace(settings), "reload")

    async def replace(self, settings: Settings) -> None:
        """Like ``reload``, but returns when the new gateway serves, or was refused."""
        async with self._reload_lock:
            if self._closing.is_set():
                return
            if is_as_before(self.settings, settings):
                self.gateway.reload()
                self._log.tell("config_unchanged", {})
                return
            made = Gateway(settings, self._log, replaces=self.gateway)
            try:
                await made.start()
            except BadConfig as error:
                log_problems(self._log, error)
                return
            former, self.gateway, self.settings = self.gateway, made, settings
            former.accept_no_more()
            self._log.tell("config_loaded", {})
            self._background.start(self._leave(former), "former gateway")

    async def _leave(self, former: Gateway) -> None:
        """Close the former gateway after a moment.

        A client that connected just before has sent no request yet. It would take a closed new connection for an error, unlike a closed
        idle one.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_WORD_SECONDS):
                await self._closing.wait()
        await former.aclose()

    async def aclose(self) -> None:
        """Close the gateway and all former ones. Raises what a reload, or the end of a former gateway, failed with."""
        async with self._reload_lock:
            self._closing.set()
        await asyncio.gather(self.gateway.aclose(), *self._background)


def log_problems(log: Log, error: BadConfig) -> None:
    """Log one line for each problem."""
    for problem in error.problems:
        log.tell("config_refused", {"problem": problem})


YOUNG_OBJECTS, YOUNG_LOOKS, OLD_LOOKS = 10_000, 500, 5


def settle() -> None:
    """Freeze the objects that exist now, and collect less often. Call it in a process that serves, once it listens."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_LOOKS, OLD_LOOKS)
