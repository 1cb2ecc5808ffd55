"""The connections to one server behind the gateway: how many, which is free, and when an idle one is given up.

    taken ── answer with a body ──▶ idle ─────────────────────▶ taken, or closed after a while
      ▲   └─ answer without one ──▶ resting ── silent for a while ┘
      └───────────────────────────── a waiting request

Owns the pool. A connection is used by one request at a time; the one that was free last goes first, so that the others grow old and leave.
When they run short, one client may hold no more than its share, and the clients that wait take turns. Must never hand out a connection that
is closing, has been idle for longer than its server may keep it, or may owe a late body; send anything twice; or open more than
``connections``. Rules from: RFC 9112 §9.3.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.causes import cause_of
from gateway.errors import Busy, OutsideFailed, TimedOut, Unreachable
from gateway.outbound import Deadlines
from gateway.policy.http.client_limits import place_of
from gateway.policy.http.shares import Shares
from gateway.resolver import LiteralNames, Names
from gateway.upstream.connection import Connection, Home, Listening
from gateway.upstream.place import ServerAddress
from gateway.upstream.waiting import Waiter, WaitingClients, held_by_place

REST_SECONDS: Final = 5.0
"""So long a server must be silent behind an answer without a body. A late body comes 40 ms later at the most common worst: its server's
second write waits for an acknowledgement that the other side delays (RFC 1122 §4.2.3.2 allows 500 ms). On a machine with ten times more
to do than it can, one came more than a second later."""
MOST_RESTING: Final = 64


@dataclass(frozen=True, slots=True)
class PoolRules:
    """At most ``connections`` at once; an idle one is kept ``keep_alive_seconds``, which must be less than the server keeps it."""

    connections: int = 1000
    keep_alive_seconds: float = 4.0


class ServerUse:
    """Who is told how the requests to a server fare; this one does not care."""

    __slots__ = ()

    def began(self) -> None:
        """A request was sent to it."""

    def ended(self, failed: bool | None) -> None:
        """It is over (``connection.Home.ended``)."""


@dataclass(frozen=True, slots=True)
class ServerWatch:
    """``failed`` hears why a server could not be reached, or broke off; ``own_addresses``: where the gateway itself listens."""

    failed: Callable[[str, OutsideFailed], object] = lambda address, error: None
    own_addresses: tuple[Listening, ...] = ()


class Upstream(Home):
    """One server. ``idle`` where nothing may be waited for, ``connection`` where it may. Close it with ``close``."""

    def __init__(
        self,
        place: ServerAddress,
        deadlines: Deadlines,
        rules: PoolRules,
        standing: ServerUse | None = None,
        names: Names | None = None,
        watch: ServerWatch | None = None,
    ) -> None:
        """To be made inside the running event loop; connects to nothing yet. Without ``names``, only literal places are reached."""
        super().__init__(deadlines)
        self._watch = watch or ServerWatch()
        self._own = self._watch.own_addresses
        self._names: Names = names or LiteralNames()
        self._standing = standing or ServerUse()
        self.place = place
        self._rules = rules
        self._loop = asyncio.get_running_loop()
        self._shares = Shares.of(rules.connections)
        self._idle: list[Connection] = []
        self._resting: deque[Connection] = deque()
        self._all: set[Connection] = set()
        self._coming: list[str] = []
        self._waiting = WaitingClients(self._shares)
        self._sweep: asyncio.TimerHandle | None = None
        self._left = asyncio.Event()
        self._is_closed = False

    def __len__(self) -> int:
        """Connections that are open or being opened."""
        return len(self._all) + len(self._coming)

    @property
    def keep_seconds(self) -> float:
        """How long an idle connection is kept."""
        return self._rules.keep_alive_seconds

    @property
    def idle_count(self) -> int:
        """Connections that carry nothing just now."""
        return len(self._idle) + len(self._resting)

    def idle(self, key: bytes | None = None, client: str = "") -> Connection | None:
        """A connection that is free now, or None; one server is the same for every ``key``."""
        if len(self._all) - len(self._idle) >= self._shares.ample and not self._may_take(client):
            return None
        now = self._loop.time()
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open and now < connection.idle_until:
                connection.is_reused = True
                connection.client = client
                return connection
            connection.close()
        return self._rested(now, client) if self._resting else None

    def _rested(self, now: float, client: str) -> Connection | None:
        """The one that has been silent for longest, if for long enough."""
        while self._resting and self._resting[0].rests_until <= now:
            connection = self._resting.popleft()
            if connection.is_open and now < connection.idle_until and connection.is_silent():
                connection.is_reused = True
                connection.client = client
                return connection
            connection.close()
        return None

    async def connection(self, key: bytes | None = None, client: str = "", *, is_new: bool = False) -> Connection:
        """A free connection, or a new one; ``Busy`` where all are in use for as long as connecting may take, else ``Unreachable``
        or ``TimedOut``: whatever is raised here, nothing was sent. ``is_new``: never one that was used before."""
        found = self.idle(key, client) if not is_new else None
        if found is not None:
            return found
        if is_new and self._idle and len(self) >= self._rules.connections:
            self._leave(self._idle.pop(0))
        if len(self) < self._rules.connections and self._may_take(client):
            self._coming.append(client)
        else:
            if self._resting and len(self) >= self._rules.connections and self._may_take(client):
                self._resting.popleft().close()  # its end makes room
            given = await self._turn(client)
            if given is not None and not is_new:
                return given
            if given is not None:
                self._leave(given)
                self._coming.append(client)
        return await self._connect(client)

    def _in_use(self) -> int:
        return len(self) - self.idle_count

    def _may_take(self, client: str) -> bool:
        """Whether this client may have one more; whoever has no address of its own may."""
        place, in_use = place_of(client), self._in_use()
        if place is None or in_use < self._shares.ample:
            return True
        return self._shares.may_take(self._held().get(place, 0), in_use)

    def _held(self) -> dict[str, int]:
        return held_by_place([*(connection.client for connection in self._all), *self._coming])

    def failed(self, error: OutsideFailed) -> None:
        """The server is to blame."""
        self._watch.failed(str(self.place), error)

    def began(self) -> None:
        """A request was sent."""
        self._standing.began()

    def ended(self, failed: bool | None) -> None:
        """It is over."""
        self._standing.ended(failed)

    def take_back(self, connection: Connection) -> None:
        """Its exchange ended in order: the next who waits gets it, or it stays idle for a while."""
        connection.client = ""
        if self._waiting and self._give(connection):
            return
        if self._is_closed:
            connection.close()
            return
        connection.idle_until = self._loop.time() + self._rules.keep_alive_seconds
        self._idle.append(connection)
        self._sweep_later()

    def rest(self, connection: Connection) -> None:
        """As ``take_back``, but nobody gets it before its server was silent for a while; closed where somebody waits for room."""
        connection.client = ""
        if self._waiting or self._is_closed or len(self._resting) >= MOST_RESTING:
            connection.close()
            return
        now = self._loop.time()
        connection.rests_until = now + REST_SECONDS
        connection.idle_until = now + self._rules.keep_alive_seconds
        self._resting.append(connection)
        self._sweep_later()

    def lost(self, connection: Connection) -> None:
        """It is closed; there is room for another."""
        self._all.discard(connection)
        self._left.set()
        if connection.idle_until and connection in self._idle:
            self._idle.remove(connection)
        elif connection.rests_until and connection in self._resting:
            self._resting.remove(connection)
        self._make_room()

    def _leave(self, connection: Connection) -> None:
        """Close a connection that carries nothing, and have its room at once."""
        connection.abort()
        self._all.discard(connection)

    def close(self) -> None:
        """Close what is idle now, and the others as they end; those under way are their owners' to abort."""
        self._is_closed = True
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for connection in (*self._idle, *self._resting):
            connection.close()
        self._idle.clear()
        self._resting.clear()

    async def aclose(self) -> None:
        """Abort everything, and wait until it is gone."""
        self.close()
        for connection in tuple(self._all):
            connection.abort()
        while self._all:
            self._left.clear()
            await self._left.wait()

    async def _turn(self, client: str) -> Connection | None:
        """Wait for one of the others to end: its connection, or None where room for a new one is reserved."""
        waiter: Waiter = self._loop.create_future()
        self._waiting.join(client, waiter)
        try:
            async with asyncio.timeout(self.deadlines.connect):
                return await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():
                self._refused(waiter.result(), client)
            if isinstance(error, TimeoutError):
                raise Busy("connections") from error
            raise
        finally:
            self._waiting.leave(client, waiter)

    def _give(self, connection: Connection) -> bool:
        """Hand it to the next who waits."""
        found = self._waiting.next(self._held(), self._in_use() - 1)
        if found is None:
            return False
        waiter, client = found
        connection.is_reused, connection.client = True, client
        waiter.set_result(connection)
        return True

    def _refused(self, given: Connection | None, client: str) -> None:
        """Who was given this had stopped waiting at that very moment: let the next have it."""
        if given is not None:
            self.take_back(given)
        else:
            self._coming.remove(client)
            self._make_room()

    async def _connect(self, client: str) -> Connection:
        """A new connection, for which room is reserved."""
        made = Connection(self, self._loop)
        made.client = client
        stands = False
        try:
            async with asyncio.timeout(self.deadlines.connect):
                await self._open(made)
            if made.is_to(self._own):
                raise self._told(Unreachable("self_loop").because("self_loop"))
            stands = made.is_open
        except TimeoutError as error:
            raise self._told(TimedOut("connect").because("timed_out", "connect")) from error
        except OSError as error:  # refused, no such name, TLS (ssl.SSLError is one)
            raise self._told(Unreachable(type(error).__name__).because(*cause_of(error))) from error
        finally:
            self._coming.remove(client)
            if stands:
                self._all.add(made)
            else:
                # Whoever gives up between the connection and its word for it gets a transport that is closed and never says so (uvloop).
                made.abort()
                self._make_room()
        return made

    def _told(self, error: OutsideFailed) -> OutsideFailed:
        self.failed(error)
        return error

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
        if (
            self._waiting
            and len(self) < self._rules.connections
            and (found := self._waiting.next(self._held(), self._in_use())) is not None
        ):
            waiter, client = found
            self._coming.append(client)
            waiter.set_result(None)

    def _sweep_later(self) -> None:
        if self._sweep is None:
            self._sweep = self._loop.call_later(self._rules.keep_alive_seconds, self._swept)

    def _swept(self) -> None:
        """Close what was idle for too long; the oldest stand first."""
        self._sweep = None
        now = self._loop.time()
        while self._idle and self._idle[0].idle_until <= now:
            self._idle.pop(0).close()
        while self._resting and self._resting[0].idle_until <= now:
            self._resting.popleft().close()
        ends = [each[0].idle_until for each in (self._idle, self._resting) if each]
        if ends:
            self._sweep = self._loop.call_at(min(ends), self._swept)
