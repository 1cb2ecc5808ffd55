"""The HTTP server of one address: who may connect, and how everybody leaves.

Owns the listening sockets, the count of connections, and the order of stopping. Must never let anything run on after its client
has left, or lose a request that it has begun to read.

One connection more than ``connections`` is accepted, told 503 and closed, not left in the kernel's queue: to a client that waits there, and
to the proxy before us, the machine looks dead, and both try again for minutes.
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
from gateway.policy.http.client_limits import ConnectionLimit, place_of
from gateway.policy.http.shares import Shares
from gateway.policy.learned import Learned
from gateway.policy.routing.navigation import is_listed

Tell = Callable[[str, Mapping[str, object]], None]

BACKLOG = 1024
MOST_PLACES = 4096
MOST_TURNED_AWAY = 256
"""So many are told at once that there is no room; others are closed without a word."""
ENDING_SECONDS = 1.0
"""How long a request may take to notice that the drain time is over."""


def _untold(_: str, __: Mapping[str, object]) -> None:
    return None


class HttpServer(ConnectionHost):
    """The connections of one address; ``listener`` answers what comes by them."""

    def __init__(self, listener: Listener, rules: ClientRules | None = None, tell: Tell = _untold) -> None:
        """To be made inside the running event loop. ``tell`` hears that all connections are taken, and that there is room again."""
        super().__init__(listener, rules or ClientRules())
        self.connections: dict[Connected, str | None] = {}
        self.failed_handshakes: Counter[str] = Counter()
        self._loop = asyncio.get_running_loop()
        self._tell = tell
        self._crowd = ConnectionLimit(self.rules.connections)
        self._shares = Shares.of(self.rules.connections)
        self._places: Learned[str, str | None] = Learned(self._place_of, most=MOST_PLACES)
        self._held: dict[str, int] = {}
        self._leaving = 0
        self._is_over = asyncio.Event()
        self.present = 0

    @property
    def turned_away(self) -> int:
        """Connections for which there was no room."""
        return self._crowd.refused

    @property
    def head_seconds(self) -> float:
        """How long a client may take to say what it wants."""
        return self.rules.head_seconds

    def guest(self) -> asyncio.Protocol:
        """What a new connection is handed to: one that reads requests, or, with no room left, the word that there is none."""
        if self._crowd.admits(self.present):
            return cast(asyncio.Protocol, ClientConnection(self, self._loop))  # the loop asks for its methods, and for no class
        return self.no_room()

    def no_room(self) -> asyncio.Protocol:
        """What tells a client that there is no room."""
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

    def arrived(self, connection: Connected, peer: str) -> bool:
        """A connection is ready for requests; False where its client holds more than its share, once connections run short."""
        place = self._places[peer]
        held = self._held.get(place, 0) if place is not None else 0
        if place is not None and not self._shares.may_take(held, self.present):
            self._crowd.refused += 1
            return False
        if place is not None:
            self._held[place] = held + 1
        self.connections[connection] = place
        self.came()
        return True

    def gone(self, connection: Connected) -> None:
        """It has ended."""
        if connection in self.connections:
            place = self.connections.pop(connection)
            if place is not None and self._held[place] > 1:
                self._held[place] -= 1
            elif place is not None:
                del self._held[place]
            self.left()
        self._is_over.set()

    def _place_of(self, peer: str) -> str | None:
        """What of an address stands for one client; None for one by which many come."""
        return None if is_listed(peer, self.rules.trusted_proxies) else place_of(peer)

    def _turned_away_is_gone(self) -> None:
        self._leaving -= 1

    def _told(self) -> None:
        turned = self._crowd.turned(self.present)
        if turned is not None:
            self._tell("connections_full" if turned else "connections_free", {"count": self.present})

    async def drain(self, seconds: float) -> None:
        """Wait until no request is being answered and every answer is sent, at most so long; connections end as they fall idle."""
        for connection in tuple(self.connections):
            connection.retire()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.counting.quiet.wait()
                await self._all_gone()

    async def shutdown(self, seconds: float) -> None:
        """End every connection: idle ones now, others once they have noticed, at most so much later whatever is under way."""
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
    """Where certificates are."""

    context: ssl.SSLContext
    """What new connections are secured by."""


class Listening:
    """A server on its socket, with TLS where there are ``certificates``."""

    def __init__(
        self,
        server: HttpServer,
        bound: socket.socket,
        certificates: Securing | None = None,
        leave: Callable[[], object] | None = None,
        plain: HttpServer | None = None,
    ) -> None:
        """``bound``: an address that is ours already, so that everything that can fail has failed before anything starts.

        ``leave``: called when nothing more is accepted, for whom no answer under way will ever end. ``plain``: answers those who speak
        plain http where there are certificates; None: they are cut off.
        """
        self._server = server
        self._bound = bound
        self._certificates = certificates
        self._leave = leave
        self._plain = plain
        self._accepting: asyncio.Server | None = None
        self._handshakes: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen."""
        self._accepting = await asyncio.get_running_loop().create_server(self._guest, sock=self._bound, backlog=BACKLOG)

    def accept_no_more(self) -> None:
        """Leave new connections to whoever else listens on the same socket; those that are here stay."""
        if self._accepting is not None:
            self._accepting.close()
            self._accepting = None

    async def aclose(self, drain_seconds: float) -> None:
        """Stop accepting, let running requests end within the drain time, then end them."""
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
