"""All servers of one app: ``Servers`` gives a connection to the one that the balancer chooses.

``policy.routing.balancing`` chooses the server. If the gateway cannot connect to it, nothing was sent, so the next server is tried.
Must never send anything itself, or try a server twice for one request.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from gateway.errors import AllDown, Busy, OutsideFailed
from gateway.outbound import Timeouts
from gateway.policy.routing.balancing import Balancer
from gateway.policy.routing.server_health import Server
from gateway.upstream.connection import Connection
from gateway.upstream.pool import ServerUse, Upstream


class ConnectionSource(Protocol):
    """Gives connections: one ``Upstream``, or the ``Servers`` of an app."""

    @property
    def timeouts(self) -> Timeouts:
        """The timeouts for its servers, and for clients that send a body to them."""

    def idle(self, key: bytes | None = None, client: str = "") -> Connection | None:
        """A free connection, or None: then call ``connection``, which may wait.

        ``client``: the client's address, for its share of the connections (``policy.http.shares``); empty for the gateway's own requests.
        """

    async def connection(self, key: bytes | None = None, client: str = "", *, is_new: bool = False) -> Connection:
        """A connection. ``is_new``: one that was never used. Raises ``OutsideFailed`` with ``left`` False: nothing was sent."""


class BalancerUse(ServerUse):
    """Tells the balancer when a request to one server begins and ends."""

    __slots__ = ("_balancer", "_monotonic", "_server")

    def __init__(self, balancer: Balancer, server: Server, monotonic: Callable[[], float]) -> None:
        """``server``: one of the balancer's servers. ``monotonic``: the time in seconds."""
        self._balancer = balancer
        self._server = server
        self._monotonic = monotonic

    def request_started(self) -> None:
        """A request was sent to the server."""
        self._balancer.request_started(self._server)

    def request_ended(self, failed: bool | None) -> None:
        """A request is over; ``failed`` as in ``connection.Home.request_ended``."""
        self._balancer.request_ended(self._server, failed, self._monotonic())


class Servers:
    """The servers of one app. ``key``: the value that a sticky app chooses its server by."""

    def __init__(self, balancer: Balancer, upstreams: Mapping[Server, Upstream], monotonic: Callable[[], float]) -> None:
        """``upstreams``: a pool for each of the balancer's servers. This class does not close them; the caller that made them does."""
        self._balancer = balancer
        self._upstreams = dict(upstreams)
        self._monotonic = monotonic
        self._not_taken: Server | None = None
        self._sole = next(iter(self._upstreams.values())) if len(self._upstreams) == 1 else None

    def __len__(self) -> int:
        """The number of connections that are open or being opened."""
        return sum(len(upstream) for upstream in self._upstreams.values())

    @property
    def all(self) -> tuple[Upstream, ...]:
        """The pools of all servers."""
        return tuple(self._upstreams.values())

    @property
    def timeouts(self) -> Timeouts:
        """The timeouts, which are the same for all servers."""
        return next(iter(self._upstreams.values())).timeouts

    def idle(self, key: bytes | None = None, client: str = "") -> Connection | None:
        """A free connection, or None: then call ``connection``, which may wait. The chosen server is remembered for that call."""
        if self._sole is not None:
            return self._sole.idle(key, client) if self._balancer.is_open else None
        now = self._monotonic()
        chosen = self._not_taken or self._balancer.choose(now, key)
        found = self._upstreams[chosen].idle(key, client) if chosen is not None else None
        self._not_taken = chosen if found is None and key is None else None
        return found

    async def connection(self, key: bytes | None = None, client: str = "", *, is_new: bool = False) -> Connection:
        """A connection to the chosen server, or to the next one if it cannot be reached. Raises ``AllDown`` if no server is in service."""
        tried: list[Server] = []
        failure: OutsideFailed = AllDown()
        chosen, self._not_taken = self._not_taken, None
        while (chosen := chosen or self._balancer.choose(self._monotonic(), key, tried)) is not None:
            self._balancer.request_started(chosen)
            failed: bool | None = None
            try:
                return await self._upstreams[chosen].connection(key, client, is_new=is_new)
            except OutsideFailed as error:
                failed, failure = None if isinstance(error, Busy) else True, error
            finally:
                self._balancer.request_ended(chosen, failed, self._monotonic())
            tried.append(chosen)
            chosen = None
        raise failure
