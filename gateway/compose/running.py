"""A gateway that can be given another configuration while it runs: a second one takes its place, on the same sockets.

    reload ─▶ the new one starts ─▶ it listens too ─▶ the old one accepts nothing more ─▶ its requests end within listen.drain
                  └── it cannot ─▶ config_refused; the old one goes on

Owns that order. No connection is refused or lost: both listen on one queue of connections. WebSockets and event streams of the old one are
told to come again, as at a restart. Must never leave half of a gateway behind, or run two reloads at once.
"""

import asyncio
from contextlib import suppress

from gateway.compose.gateway import Gateway
from gateway.config import Settings, is_as_before
from gateway.errors import BadConfig
from gateway.log import Log

FIRST_WORD_SECONDS = 2.0
"""How long a new connection may take to its first request before its gateway, which leaves, ends it."""


class Running:
    """``gateway``: the one that serves now, which was started. End it with ``aclose``."""

    def __init__(self, gateway: Gateway, settings: Settings, log: Log) -> None:
        """``settings``: its own."""
        self.gateway = gateway
        self.settings = settings
        self._log = log
        self._turn = asyncio.Lock()
        self._leaving: set[asyncio.Task[None]] = set()
        self._reloads: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    def reload(self, settings: Settings) -> None:
        """Take these settings over, in the background; the log says what came of it."""
        task = asyncio.create_task(self.replace(settings), name="reload")
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    async def replace(self, settings: Settings) -> None:
        """The same, and returns when the new gateway serves, or was refused."""
        async with self._turn:
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
                refused(self._log, error)
                return
            former, self.gateway, self.settings = self.gateway, made, settings
            former.accept_no_more()
            self._log.tell("config_loaded", {})
            leaving = asyncio.create_task(self._leave(former), name="former gateway")
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)

    async def _leave(self, former: Gateway) -> None:
        """Who connected in the last moment has not asked yet: the end of a new connection is no ordinary one, as that of an idle one is."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_WORD_SECONDS):
                await self._closing.wait()
        await former.aclose()

    async def aclose(self) -> None:
        """Let everything end, former gateways too."""
        async with self._turn:
            self._closing.set()
        await asyncio.gather(self.gateway.aclose(), *self._leaving, *self._reloads)


def refused(log: Log, error: BadConfig) -> None:
    """One line for each problem."""
    for problem in error.problems:
        log.tell("config_refused", {"problem": problem})
