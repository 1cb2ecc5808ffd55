"""The connection pool of one server: it gives out free connections, opens new ones, and closes idle ones.

    in use ── answer with a body ──▶ idle ─────────────────────▶ in use, or closed after a while
      ▲   └─ answer without one ───▶ resting ── silent for 5 s ──┘
      └───────────────────────────── given to a waiting request

Owns the pool. A connection carries one request at a time. The connection that became idle last is given out first, so that surplus ones
reach their time limit and are closed. When connections are scarce, one client may hold only its share (``policy.http.shares``), and the
waiting clients take turns.

*Resting*: some servers wrongly send a body after an answer that has none (204, 304, HEAD), a moment later. The next request on that
connection would read it as its own answer. So the pool waits until the server has been silent for ``REST_SECONDS``.
If ``keep_alive_seconds`` is not longer than ``REST_SECONDS``, a resting connection is never given out, only closed.

Must never give out a connection that is closing, that was idle for too long, or that may still get such a late body. Must never send
anything twice, or open more than ``connections``. Rules from: RFC 9112 §9.3.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.causes import cause_of
from gateway.errors import Busy, OutsideFailed, TimedOut, Unreachable
from gateway.outbound import Timeouts
from gateway.policy.http.client_limits import network_of
from gateway.policy.http.shares import Shares
from gateway.resolver import LiteralNames, Names
from gateway.upstream.connection import Connection, Home, Listening
from gateway.upstream.server_address import ServerAddress
from gateway.upstream.waiting import Waiter, WaitingClients, held_by_network

REST_SECONDS: Final = 5.0
"""How long a server must be silent after an answer without a body. A late body usually comes within 40 ms: the server's second write waits
for an acknowledgement that the other side delays (RFC 1122 §4.2.3.2 allows 500 ms). On a machine with ten times more work than it can do,
one came more than a second later."""
MOST_RESTING: Final = 64


@dataclass(frozen=True, slots=True)
class PoolRules:
    """``connections``: the limit. ``keep_alive_seconds``: how long an idle one is kept; must be shorter than the server keeps it."""

    connections: int = 1000
    keep_alive_seconds: float = 4.0


class ServerUse:
    """Gets the begin and the end of each request to a server. This base class ignores them; ``servers.BalancerUse`` tells the balancer."""

    __slots__ = ()

    def request_started(self) -> None:
        """A request was sent to the server."""

    def request_ended(self, failed: bool | None) -> None:
        """A request is over; ``failed`` as in ``connection.Home.request_ended``."""


@dataclass(frozen=True, slots=True)
class ServerWatch:
    """``failed``: called with the reason when a server cannot be reached, or breaks off. ``own_addresses``: the gateway's own listeners."""

    failed: Callable[[str, OutsideFailed], object] = lambda address, error: None
    own_addresses: tuple[Listening, ...] = ()


class Upstream(Home):
    """The pool of one server. ``idle`` gives a connection without waiting, ``connection`` waits for one. Close it with ``close``."""

    def __init__(
        self,
        address: ServerAddress,
        timeouts: Timeouts,
        rules: PoolRules,
        use: ServerUse | None = None,
        names: Names | None = None,
        watch: ServerWatch | None = None,
    ) -> None:
        """Call this inside the running event loop. Nothing is connected yet. Without ``names``, only literal addresses can be reached."""
        super().__init__(timeouts)
        self._watch = watch or ServerWatch()
        self._own = self._watch.own_addresses
        self._names: Names = names or LiteralNames()
        self._use = use or ServerUse()
        self.address = address
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
        """The number of connections that are open or being opened."""
        return len(self._all) + len(self._coming)

    @property
    def keep_seconds(self) -> float:
        """How long an idle connection is kept, in seconds."""
        return self._rules.keep_alive_seconds

    @property
    def idle_count(self) -> int:
        """The number of connections that carry no request now."""
        return len(self._idle) + len(self._resting)

    def idle(self, key: bytes | None = None, client: str = "") -> Connection | None:
        """A free connection, or None: then call ``connection``, which may wait. ``key`` is ignored: there is only one server."""
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
        """The resting connection that was silent for the longest time, if that is long enough; else None."""
        while self._resting and self._resting[0].rests_until <= now:
            connection = self._resting.popleft()
            if connection.is_open and now < connection.idle_until and connection.is_silent():
                connection.is_reused = True
                connection.client = client
                return connection
            connection.close()
        return None

    async def connection(self, key: bytes | None = None, client: str = "", *, is_new: bool = False) -> Connection:
        """A free connection, or a new one. ``is_new``: never one that was used before.

        Raises ``Busy`` if no connection became free within the connect deadline, else ``Unreachable`` or ``TimedOut``. Nothing was sent."""
        found = self.idle(key, client) if not is_new else None
        if found is not None:
            return found
        if is_new and self._idle and len(self) >= self._rules.connections:
            self._leave(self._idle.pop(0))
        if len(self) < self._rules.connections and self._may_take(client):
            self._coming.append(client)
        else:
            if self._resting and len(self) >= self._rules.connections and self._may_take(client):
                self._resting.popleft().close()  # when it is closed, there is room for a new one
            given = await self._wait_for_connection(client)
            if given is not None and not is_new:
                return given
            if given is not None:
                self._leave(given)
                self._coming.append(client)
        return await self._connect(client)

    def _in_use(self) -> int:
        return len(self) - self.idle_count

    def _may_take(self, client: str) -> bool:
        """Whether this client may have one more connection. The limit is only for clients with an address of their own."""
        network, in_use = network_of(client), self._in_use()
        if network is None or in_use < self._shares.ample:
            return True
        return self._shares.may_take(self._held().get(network, 0), in_use)

    def _held(self) -> dict[str, int]:
        return held_by_network([*(connection.client for connection in self._all), *self._coming])

    def failed(self, error: OutsideFailed) -> None:
        """The server caused an error: report it."""
        self._watch.failed(str(self.address), error)

    def request_started(self) -> None:
        """A request was sent to the server."""
        self._use.request_started()

    def request_ended(self, failed: bool | None) -> None:
        """A request is over; ``failed`` as in ``connection.Home.request_ended``."""
        self._use.request_ended(failed)

    def take_back(self, connection: Connection) -> None:
        """A connection is free: give it to the next waiting request, or keep it as idle."""
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
        """As ``take_back``, but it is given out only after a time of silence. If a request waits for a connection, it is closed instead."""
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
        """A connection is closed: there is room for another one."""
        self._all.discard(connection)
        self._left.set()
        if connection.idle_until and connection in self._idle:
            self._idle.remove(connection)
        elif connection.rests_until and connection in self._resting:
            self._resting.remove(connection)
        self._make_room()

    def _leave(self, connection: Connection) -> None:
        """Close a connection that carries no request, and count it as closed at once."""
        connection.abort()
        self._all.discard(connection)

    def close(self) -> None:
        """Close the idle connections now, and the others after their answers. The owner of a running request may abort it."""
        self._is_closed = True
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for connection in (*self._idle, *self._resting):
            connection.close()
        self._idle.clear()
        self._resting.clear()

    async def aclose(self) -> None:
        """Abort all connections, and wait until they are closed."""
        self.close()
        for connection in tuple(self._all):
            connection.abort()
        while self._all:
            self._left.clear()
            await self._left.wait()

    async def _wait_for_connection(self, client: str) -> Connection | None:
        """Wait for another request to end: its connection, or None if room for a new connection is reserved for this client."""
        waiter: Waiter = self._loop.create_future()
        self._waiting.join(client, waiter)
        try:
            async with asyncio.timeout(self.timeouts.connect):
                return await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():
                self._pass_on(waiter.result(), client)
            if isinstance(error, TimeoutError):
                raise Busy("connections") from error
            raise
        finally:
            self._waiting.leave(client, waiter)

    def _give(self, connection: Connection) -> bool:
        """Give the connection to the next waiting request; False if there is none that may have it."""
        found = self._waiting.next(self._held(), self._in_use() - 1)
        if found is None:
            return False
        waiter, client = found
        connection.is_reused, connection.client = True, client
        waiter.set_result(connection)
        return True

    def _pass_on(self, given: Connection | None, client: str) -> None:
        """A request stopped waiting at the moment when it was given a connection: give it to the next one."""
        if given is not None:
            self.take_back(given)
        else:
            self._coming.remove(client)
            self._make_room()

    async def _connect(self, client: str) -> Connection:
        """Open a new connection. Room for it is already reserved."""
        made = Connection(self, self._loop)
        made.client = client
        stands = False
        try:
            async with asyncio.timeout(self.timeouts.connect):
                await self._open(made)
            if made.is_to(self._own):
                raise self._report(Unreachable("self_loop").because("self_loop"))
            stands = made.is_open
        except TimeoutError as error:
            raise self._report(TimedOut("connect").because("timed_out", "connect")) from error
        except OSError as error:  # refused, no such name, TLS (ssl.SSLError is one)
            raise self._report(Unreachable(type(error).__name__).because(*cause_of(error))) from error
        finally:
            self._coming.remove(client)
            if stands:
                self._all.add(made)
            else:
                # If this task is cancelled just when the connection is made, uvloop closes it without calling ``connection_lost``.
                made.abort()
                self._make_room()
        return made

    def _report(self, error: OutsideFailed) -> OutsideFailed:
        self.failed(error)
        return error

    async def _open(self, made: Connection) -> None:
        server = self.address
        name = (server.server_name or server.host) if server.tls is not None else None
        if server.path is not None:
            await self._loop.create_unix_connection(lambda: made, server.path, ssl=server.tls, server_hostname=name)
            return
        failed: OSError | None = None
        for address in await self._names.addresses(server.host):
            try:
                await self._loop.create_connection(lambda: made, address, server.port, ssl=server.tls, server_hostname=name)
                return
            except ssl.SSLError:  # the server answered: its other addresses would fail in the same way
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
        """Close the connections that were idle for too long. The oldest ones are first in both lists."""
        self._sweep = None
        now = self._loop.time()
        while self._idle and self._idle[0].idle_until <= now:
            self._idle.pop(0).close()
        while self._resting and self._resting[0].idle_until <= now:
            self._resting.popleft().close()
        ends = [each[0].idle_until for each in (self._idle, self._resting) if each]
        if ends:
            self._sweep = self._loop.call_at(min(ends), self._swept)
