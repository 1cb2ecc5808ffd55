"""A whole gateway: sockets, doors, and the order in which they come and go.

    start   both addresses bound ─▶ parts ─▶ doors ─▶ admin listens ─▶ public listens ─▶ ready
    aclose  not ready ─▶ nothing accepted ─▶ running requests end (listen.drain) ─▶ admin closed ─▶ parts closed

Owns that order: whatever fails while starting leaves nothing behind, and whatever is cut short while stopping is safe. Must never look at a
request. Rules from: DESIGN section 8, ATTACKS D8, D12.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack

from gateway.clock import Clock
from gateway.compose.app import app_door
from gateway.compose.login import login_door
from gateway.compose.parts import Parts, make_parts, watch
from gateway.compose.server import Handle, Listening, Server, bind, shown_address
from gateway.config import Settings, host_of
from gateway.doors.health import Health
from gateway.doors.listener import Believed, Listener, Witness, refusal
from gateway.log import Log
from gateway.metrics import Metrics

Around = Callable[[Handle], Handle]
"""Puts something before the listener: `dev` serves its demo hosts on the same port."""


class Gateway:
    """One gateway. ``start`` it inside an event loop, ``aclose`` it in the same."""

    def __init__(
        self, settings: Settings, log: Log, *, clock: Clock | None = None, public: socket.socket | None = None, around: Around | None = None
    ) -> None:
        """``public``: a socket that is bound already, in place of ``listen.address``."""
        self._settings = settings
        self._witness = Witness(log, Metrics(), clock or Clock())
        self._public = public
        self._around = around or _nothing_around
        self._admin: socket.socket | None = None
        self._stopping = asyncio.Event()
        self._open = AsyncExitStack()

    @property
    def address(self) -> str:
        """Where browsers are answered, `host:port`; only while it runs."""
        return shown_address(_open(self._public))

    @property
    def admin_address(self) -> str:
        """Where health and metrics are answered, `host:port`; only while it runs."""
        return shown_address(_open(self._admin))

    @property
    def public_port(self) -> int:
        """The port of ``address``."""
        return int(self.address.rpartition(":")[2])

    @property
    def admin_port(self) -> int:
        """The port of ``admin_address``."""
        return int(self.admin_address.rpartition(":")[2])

    @property
    def metrics(self) -> Metrics:
        """What this gateway counts."""
        return self._witness.metrics

    async def start(self) -> None:
        """Listen on both addresses; `BadConfig` when one is taken, and then nothing was started."""
        async with AsyncExitStack() as opened:
            public, admin = self._bound(opened)
            parts = make_parts(self._settings, self._witness.clock, self._tell)
            opened.push_async_callback(parts.aclose)
            watch(parts, self.metrics)
            health = Health(self.metrics, lambda: self._unready(parts), host_of(self._settings.config.admin.address))
            await self._listen(Server(health.handle, lambda request, malformed: refusal(malformed, ())), admin, opened, 0.0)
            listener, around = await self._listener(parts, opened), self._around
            drain_seconds = self._settings.config.listen.drain
            await self._listen(Server(around(listener.handle), listener.unparsable), public, opened, drain_seconds)
            self._open = opened.pop_all()

    async def aclose(self) -> None:
        """Become unready, accept nothing more, let running requests end within ``listen.drain``, then end everything."""
        self._stopping.set()
        await self._open.aclose()

    def _bound(self, opened: AsyncExitStack) -> tuple[socket.socket, socket.socket]:
        listen, admin = self._settings.config.listen.address, self._settings.config.admin.address
        if self._public is None:
            self._public = bind(listen, lambda text: self._settings.problem(("listen", "address"), text))
        opened.callback(self._public.close)
        self._admin = bind(admin, lambda text: self._settings.problem(("admin", "address"), text))
        opened.callback(self._admin.close)
        return self._public, self._admin

    async def _listen(self, server: Server, bound: socket.socket, opened: AsyncExitStack, drain_seconds: float) -> None:
        listening = Listening(server, bound)
        opened.push_async_callback(listening.aclose, drain_seconds)
        await listening.start()

    async def _listener(self, parts: Parts, opened: AsyncExitStack) -> Listener:
        listen = self._settings.config.listen
        believed = Believed(listen.trusted_proxies, listen.fields_size)
        return Listener(parts.table, login_door(parts, opened), app_door(parts, opened), believed, self._witness)

    def _unready(self, parts: Parts) -> Mapping[str, str]:
        reasons = {}
        if self._stopping.is_set():
            reasons["process"] = "stopping"
        if not parts.revocations.ready:
            reasons["revocations"] = "not shared"
        return reasons

    def _tell(self, event: str, figures: Mapping[str, object]) -> None:
        self._witness.metrics.happened(event)
        self._witness.log.tell(event, figures)


def _nothing_around(handle: Handle) -> Handle:
    return handle


def _open(bound: socket.socket | None) -> socket.socket:
    if bound is None or bound.fileno() < 0:
        raise RuntimeError("the gateway does not listen")
    return bound
