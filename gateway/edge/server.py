"""The HTTP server of one address: it accepts connections, limits their number, and stops in an orderly way.

Owns the listening sockets, the count of connections, and the order of the steps when the server stops. Must never let a request run on
after its client has left, or lose a request that it has begun to read.

A connection above the limit ``connections`` is accepted, answered with 503 and closed. It is not left in the kernel's queue: to a client
or a front proxy that waits in that queue the machine looks dead, and both try again for minutes.

In this module a connection's *guest* is the ``asyncio.Protocol`` that gets its bytes. A *network* is the part of an address that stands for
one client (``policy.http.client_limits.network_of``).
"""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol, cast

from gateway.edge.connection import ClientConnection
from gateway.edge.handshakes import Handshake
from gateway.edge.rules import ClientRules, Connected, ConnectionHost, Listener
from gateway.edge.turned_away import TurnedAway
from gateway.memo import Memo
from gateway.policy.http.client_limits import ConnectionLimit, network_of
from gateway.policy.http.shares import Shares
from gateway.policy.routing.navigation import is_listed

Tell = Callable[[str, Mapping[str, object]], None]

BACKLOG = 1024
MOST_NETWORKS = 4096
MOST_TURNED_AWAY = 256
"""How many refused connections get the 503 at the same time; further ones are closed without an answer."""
ENDING_SECONDS = 1.0
"""How long a request may take to end after it was cancelled at the end of the drain time."""


def _untold(_: str, __: Mapping[str, object]) -> None:
    return None


class HttpServer(ConnectionHost):
    """All connections of one address. ``listener`` answers their requests."""

    def __init__(self, listener: Listener, rules: ClientRules | None = None, tell: Tell = _untold) -> None:
        """Call this inside the running event loop. ``tell`` is called when all connections are in use, and when there is room again."""
        super().__init__(listener, rules or ClientRules())
        self.connections: dict[Connected, str | None] = {}
        self.failed_handshakes: Counter[str] = Counter()
        self._loop = asyncio.get_running_loop()
        self._tell = tell
        self._limit = ConnectionLimit(self.rules.connections)
        self._shares = Shares.of(self.rules.connections)
        self._networks: Memo[str, str | None] = Memo(self._network_of, most=MOST_NETWORKS)
        self._held: dict[str, int] = {}
        self._leaving = 0
        self._is_over = asyncio.Event()
        self.present = 0

    @property
    def turned_away(self) -> int:
        """How many connections were refused because there was no room."""
        return self._limit.refused_count

    @property
    def head_seconds(self) -> float:
        """How long a client may take to send the head of a request."""
        return self.rules.head_seconds

    def guest(self) -> asyncio.Protocol:
        """The protocol for a new connection: a ``ClientConnection``, or a ``TurnedAway`` when there is no room."""
        if self._limit.admits(self.present):
            return cast(asyncio.Protocol, ClientConnection(self, self._loop))  # it has the methods of a Protocol, but is no subclass
        return self.no_room()

    def no_room(self) -> asyncio.Protocol:
        """The protocol that answers a refused connection with 503."""
        return TurnedAway(self._turned_away_has_come, self._turned_away_is_gone)

    def came(self) -> None:
        """Count one more connection."""
        self.present += 1
        self._log_if_full()

    def left(self) -> None:
        """Count one connection less."""
        self.present -= 1
        self._log_if_full()

    def unsecured(self, reason: str) -> None:
        """Count a TLS handshake that failed."""
        self.failed_handshakes[reason] += 1

    def arrived(self, connection: Connected, peer: str) -> bool:
        """Register a connection; False if connections are scarce and its client holds more than its share of them."""
        network = self._networks[peer]
        held = self._held.get(network, 0) if network is not None else 0
        if network is not None and not self._shares.may_take(held, self.present):
            self._limit.refused_count += 1
            return False
        if network is not None:
            self._held[network] = held + 1
        self.connections[connection] = network
        self.came()
        return True

    def gone(self, connection: Connected) -> None:
        """Forget a connection that has ended."""
        if connection in self.connections:
            network = self.connections.pop(connection)
            if network is not None and self._held[network] > 1:
                self._held[network] -= 1
            elif network is not None:
                del self._held[network]
            self.left()
        self._is_over.set()

    def _network_of(self, peer: str) -> str | None:
        """The part of an address that stands for one client; None for a trusted front proxy (many clients), or if it is no address."""
        return None if is_listed(peer, self.rules.trusted_proxies) else network_of(peer)

    def _turned_away_has_come(self) -> bool:
        """Count one more refused connection; False if too many are being answered already."""
        self._leaving += 1
        return self._leaving <= MOST_TURNED_AWAY

    def _turned_away_is_gone(self) -> None:
        self._leaving -= 1

    def _log_if_full(self) -> None:
        turned = self._limit.turned(self.present)
        if turned is not None:
            self._tell("connections_full" if turned else "connections_free", {"count": self.present})

    async def drain(self, seconds: float) -> None:
        """Wait at most ``seconds`` until all requests are answered and sent; each connection is closed as soon as it is idle."""
        for connection in tuple(self.connections):
            connection.retire()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.counting.quiet.wait()
                await self._all_gone()

    async def shutdown(self, seconds: float) -> None:
        """End every connection: idle ones at once, the others after their request. Each of the three waits takes at most ``seconds``."""
        for connection in tuple(self.connections):
            connection.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.counting.quiet.wait()
        running = {task for task in [connection.give_up() for connection in tuple(self.connections)] if task is not None}
        if running:
            await asyncio.wait(running, timeout=seconds)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._all_gone()

    async def _all_gone(self) -> None:
        while self.connections:
            self._is_over.clear()
            await self._is_over.wait()


class Securing(Protocol):
    """Holds the TLS certificates, which may be reloaded."""

    context: ssl.SSLContext
    """The TLS context for new connections."""


class Listening:
    """A server on its listening socket, with TLS if there are ``certificates``."""

    def __init__(
        self,
        server: HttpServer,
        bound: socket.socket,
        certificates: Securing | None = None,
        leave: Callable[[], object] | None = None,
        plain: HttpServer | None = None,
    ) -> None:
        """``bound``: a socket that is already bound to its address, so that a bad address is found before anything starts.

        ``leave``: called when the server stops accepting, to end WebSockets and streams, which would not end by themselves.
        ``plain``: the server for clients that send plain http to a TLS address; None: their connections are closed.
        """
        self._server = server
        self._bound = bound
        self._certificates = certificates
        self._leave = leave
        self._plain = plain
        self._accepting: asyncio.Server | None = None
        self._handshakes: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to accept connections."""
        self._accepting = await asyncio.get_running_loop().create_server(self._guest, sock=self._bound, backlog=BACKLOG)

    def accept_no_more(self) -> None:
        """Stop accepting; open connections stay. Other processes that listen on the same socket get the new connections."""
        if self._accepting is not None:
            self._accepting.close()
            self._accepting = None

    async def aclose(self, drain_seconds: float) -> None:
        """Stop the server: accept no more, let running requests end within ``drain_seconds``, then cancel the rest."""
        self.accept_no_more()
        for handshake in self._handshakes:
            handshake.cancel()
        if self._leave is not None:
            self._leave()
        await self._server.drain(drain_seconds)
        await self._server.shutdown(ENDING_SECONDS)
        if self._plain is not None:
            await self._plain.shutdown(ENDING_SECONDS)
        self._bound.close()
        if self._handshakes:
            await asyncio.wait(self._handshakes)

    def _guest(self) -> asyncio.Protocol:
        guest = self._server.guest()
        if self._certificates is None:
            return guest
        plain_guest = self._plain.guest if self._plain is not None else None
        return Handshake(self._server, guest, self._certificates.context, self._handshakes, plain_guest)
