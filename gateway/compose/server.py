"""The HTTP server under a door: who may connect, and how everybody leaves.

Owns the listening sockets, the count of connections, and the order of stopping. Must never let a handler run on after its client has left,
or lose a request that it has begun to read. Rules from: STYLE "Async" (facts about aiohttp), ATTACKS D7, D8.

One connection more than ``connections`` is accepted, told 503 and closed, not left in the kernel's queue: to a client that waits there, and
to the proxy before us, the machine looks dead, and both try again for minutes.
"""

import asyncio
import os
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import cast

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from aiohttp.streams import StreamReader

from gateway.compose.clients import AtOnce, ClientRules, Counting, Refuse
from gateway.compose.connection import ClientConnection
from gateway.compose.ending import ClientRequest, Ending
from gateway.compose.handshakes import Handshake
from gateway.compose.tls import Certificates
from gateway.compose.turned_away import TurnedAway
from gateway.config import host_of, port_of
from gateway.core.crowds import House
from gateway.errors import BadConfig

Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Tell = Callable[[str, Mapping[str, object]], None]

BACKLOG = 1024
MOST_TURNED_AWAY = 256
"""So many are told at once that there is no room; others are closed without a word."""
ENDING_SECONDS = 1.0
"""How long a request may take to notice that the drain time is over."""


def _untold(_: str, __: Mapping[str, object]) -> None:
    return None


class Server(web.Server):
    """aiohttp's low-level server for one door; ``refuse`` answers what is no request."""

    def __init__(
        self, handle: Handle, refuse: Refuse, rules: ClientRules | None = None, tell: Tell = _untold, at_once: AtOnce | None = None
    ) -> None:
        """To be made inside the running event loop. ``tell`` hears that all connections are taken, and that there is room again.

        ``at_once`` is asked before ``handle``, for requests without a body.
        """
        super().__init__(self._counted, request_factory=self._request, handler_cancellation=True)
        self._handle = handle
        self._refuse = refuse
        self._rules = rules or ClientRules()
        self._tell = tell
        self._at_once = at_once
        self._counting = Counting()
        self._house = House(self._rules.connections)
        self._leaving = 0
        self.present = 0
        self.failed_handshakes: Counter[str] = Counter()

    @property
    def turned_away(self) -> int:
        """Connections for which there was no room."""
        return self._house.refused

    @property
    def head_seconds(self) -> float:
        """How long a client may take to say what it wants."""
        return self._rules.head_seconds

    def __call__(self) -> web.RequestHandler:
        """What stands at the transport of a new connection; aiohttp's declares its own class here, the loop asks for none."""
        made = ClientConnection(self, self._refuse, self._rules, asyncio.get_running_loop())
        made.at_once, made.counting = self._at_once, self._counting
        return cast(web.RequestHandler, made)  # the loop calls it, and nobody else

    def _request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: web.RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> web.BaseRequest:
        return ClientRequest(message, payload, protocol, writer, task, self._loop)

    def guest(self) -> asyncio.Protocol:
        """What a new connection is handed to: a handler, or, with no room left, the word that there is none."""
        if self._house.admits(self.present):
            return self()
        self._leaving += 1
        return TurnedAway(silently=self._leaving > MOST_TURNED_AWAY, gone=self._turned_away_is_gone)

    def came(self) -> None:
        """One more connection is here."""
        self.present += 1
        self._told()

    def left(self) -> None:
        """One connection less is here."""
        self.present -= 1
        self._told()

    def unsecured(self, reason: str) -> None:
        """A TLS handshake failed."""
        self.failed_handshakes[reason] += 1

    def _turned_away_is_gone(self) -> None:
        self._leaving -= 1

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """aiohttp's word for a connection that is ready for requests."""
        self.came()
        super().connection_made(handler, transport)

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        """aiohttp's word for its end."""
        self.left()
        super().connection_lost(handler, exc)

    def _told(self) -> None:
        turned = self._house.turned(self.present)
        if turned is not None:
            self._tell("connections_full" if turned else "connections_free", {"count": self.present})

    async def _counted(self, request: web.BaseRequest) -> web.StreamResponse:
        self._counting.began()
        try:
            return await self._handle(request)
        finally:
            self._counting.ended()

    async def drain(self, seconds: float) -> None:
        """Wait until no request is being answered, at most so long; connections end as they fall idle."""
        for connection in self.connections:
            if isinstance(connection, Ending):
                connection.retire()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._counting.quiet.wait()


class Listening:
    """A server on its socket, with TLS where there are ``certificates``."""

    def __init__(
        self, server: Server, bound: socket.socket, certificates: Certificates | None = None, leave: Callable[[], object] | None = None
    ) -> None:
        """``bound``: an address that is ours already, so that everything that can fail has failed before anything starts.

        ``leave``: called when nothing more is accepted, for whom no answer under way will ever end.
        """
        self._server = server
        self._bound = bound
        self._certificates = certificates
        self._leave = leave
        self._accepting: asyncio.Server | None = None
        self._handshakes: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen."""
        self._accepting = await asyncio.get_running_loop().create_server(self._guest, sock=self._bound, backlog=BACKLOG)

    async def aclose(self, drain_seconds: float) -> None:
        """Stop accepting, let running requests end within the drain time, then end them."""
        if self._accepting is not None:
            self._accepting.close()
            self._accepting = None
        for handshake in self._handshakes:
            handshake.cancel()
        if self._leave is not None:
            self._leave()
        await self._server.drain(drain_seconds)
        await self._server.shutdown(ENDING_SECONDS)
        self._bound.close()
        if self._handshakes:
            await asyncio.wait(self._handshakes)

    def _guest(self) -> asyncio.Protocol:
        guest = self._server.guest()
        if self._certificates is None:
            return guest
        return Handshake(self._server, guest, self._certificates.context, self._handshakes)


def bind(address: str, problem: Callable[[str], str]) -> socket.socket:
    """A socket at this address, not listening yet; `BadConfig` with the line that ``problem`` makes where it cannot be had."""
    host, port = host_of(address), port_of(address)
    try:
        if host is None and socket.has_dualstack_ipv6():
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        family = socket.AF_INET6 if host is not None and ":" in host else socket.AF_INET
        return socket.create_server((host or "", port), family=family)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else type(error).__name__
        raise BadConfig((problem(f"cannot listen on {address} ({why}); stop what listens there, or choose another address"),)) from error


def shown_address(bound: socket.socket) -> str:
    """`host:port` of a bound socket, for people and logs."""
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
