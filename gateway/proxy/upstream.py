"""The connections to one server behind the gateway: how many, which is free, and when an idle one is given up.

Owns the pool. A connection is used by one request at a time; the one that was free last goes first, so that the others grow old and leave.
Must never hand out a connection that is closing or has been idle for longer than its server may keep it, send anything twice, or open more
than ``connections``. Rules from: STYLE "Async" (bounded, every wait has a deadline), RFC 9112 §9.3; ATTACKS D5, D7.
"""

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass

from gateway.errors import Busy, TimedOut, Unreachable
from gateway.outbound import Deadlines
from gateway.proxy.connection import Connection, Home
from gateway.proxy.place import Place
from gateway.resolver import LiteralNames, Names


@dataclass(frozen=True, slots=True)
class PoolRules:
    """At most ``connections`` at once; an idle one is kept ``keep_alive_seconds``, which must be less than the server keeps it."""

    connections: int = 1000
    keep_alive_seconds: float = 4.0


class Standing:
    """Who is told how the requests to a server fare; this one does not care."""

    __slots__ = ()

    def began(self) -> None:
        """A request was sent to it."""

    def ended(self, failed: bool | None) -> None:
        """It is over (``connection.Home.ended``)."""


class Upstream(Home):
    """One server. ``idle`` where nothing may be waited for, ``connection`` where it may. Close it with ``close``."""

    def __init__(
        self, place: Place, deadlines: Deadlines, rules: PoolRules, standing: Standing | None = None, names: Names | None = None
    ) -> None:
        """To be made inside the running event loop; connects to nothing yet. Without ``names``, only literal places are reached."""
        super().__init__(deadlines)
        self._names: Names = names or LiteralNames()
        self._standing = standing or Standing()
        self.place = place
        self._rules = rules
        self._loop = asyncio.get_running_loop()
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()
        self._coming = 0
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._sweep: asyncio.TimerHandle | None = None
        self._left = asyncio.Event()
        self._is_closed = False

    def __len__(self) -> int:
        """Connections that are open or being opened."""
        return len(self._all) + self._coming

    @property
    def idle_count(self) -> int:
        """Connections that carry nothing just now."""
        return len(self._idle)

    def idle(self, key: bytes | None = None) -> Connection | None:
        """A connection that is free now, or None; one server is the same for every ``key``."""
        now = self._loop.time()
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open and now < connection.idle_until:
                connection.is_reused = True
                return connection
            connection.close()
        return None

    async def connection(self, key: bytes | None = None) -> Connection:
        """A free connection, or a new one; ``Busy`` where all are in use for as long as connecting may take, else ``Unreachable``
        or ``TimedOut``: whatever is raised here, nothing was sent."""
        found = self.idle()
        if found is not None:
            return found
        if len(self) < self._rules.connections:
            self._coming += 1
        elif (given := await self._turn()) is not None:
            return given
        return await self._connect()

    def began(self) -> None:
        """A request was sent."""
        self._standing.began()

    def ended(self, failed: bool | None) -> None:
        """It is over."""
        self._standing.ended(failed)

    def take_back(self, connection: Connection) -> None:
        """Its exchange ended in order: the next who waits gets it, or it stays idle for a while."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                connection.is_reused = True
                waiter.set_result(connection)
                return
        if self._is_closed:
            connection.close()
            return
        connection.idle_until = self._loop.time() + self._rules.keep_alive_seconds
        self._idle.append(connection)
        if self._sweep is None:
            self._sweep = self._loop.call_later(self._rules.keep_alive_seconds, self._swept)

    def lost(self, connection: Connection) -> None:
        """It is closed; there is room for another."""
        self._all.discard(connection)
        self._left.set()
        if connection.idle_until and connection in self._idle:
            self._idle.remove(connection)
        self._make_room()

    def close(self) -> None:
        """Close what is idle now, and the others as they end; those under way are their owners' to abort."""
        self._is_closed = True
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    async def aclose(self) -> None:
        """Abort everything, and wait until it is gone."""
        self.close()
        for connection in tuple(self._all):
            connection.abort()
        while self._all:
            self._left.clear()
            await self._left.wait()

    async def _turn(self) -> Connection | None:
        """Wait for one of the others to end: its connection, or None where room for a new one is reserved."""
        waiter: asyncio.Future[Connection | None] = self._loop.create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(self.deadlines.connect):
                return await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():
                self._refused(waiter.result())
            if isinstance(error, TimeoutError):
                raise Busy("connections") from error
            raise

    def _refused(self, given: Connection | None) -> None:
        """Who was given this had stopped waiting at that very moment: let the next have it."""
        if given is not None:
            self.take_back(given)
        else:
            self._coming -= 1
            self._make_room()

    async def _connect(self) -> Connection:
        """A new connection, for which room is reserved."""
        made = Connection(self, self._loop)
        stands = False
        try:
            async with asyncio.timeout(self.deadlines.connect):
                await self._open(made)
            stands = made.is_open
        except TimeoutError as error:
            raise TimedOut("connect") from error
        except OSError as error:  # refused, no such name, TLS (ssl.SSLError is one)
            raise Unreachable(type(error).__name__) from error
        finally:
            self._coming -= 1
            if stands:
                self._all.add(made)
            else:
                # Whoever gives up between the connection and its word for it gets a transport that is closed and never says so (uvloop).
                made.abort()
                self._make_room()
        return made

    async def _open(self, made: Connection) -> None:
        place = self.place
        name = (place.server_name or place.host) if place.tls is not None else None
        if place.path is not None:
            await self._loop.create_unix_connection(lambda: made, place.path, ssl=place.tls, server_hostname=name)
            return
        failed: OSError | None = None
        for address in await self._names.addresses(place.host):
            try:
                await self._loop.create_connection(lambda: made, address, place.port, ssl=place.tls, server_hostname=name)
                return
            except ssl.SSLError:  # the server answered: another address of it would not do better
                raise
            except OSError as error:
                failed = error
        if failed is not None:
            raise failed

    def _make_room(self) -> None:
        while self._waiting and len(self) < self._rules.connections:
            waiter = self._waiting.popleft()
            if not waiter.done():
                self._coming += 1
                waiter.set_result(None)
                return

    def _swept(self) -> None:
        """Close what was idle for too long; the oldest stand first."""
        self._sweep = None
        now = self._loop.time()
        while self._idle and self._idle[0].idle_until <= now:
            self._idle.pop(0).close()
        if self._idle:
            self._sweep = self._loop.call_at(self._idle[0].idle_until, self._swept)
