"""The servers of one app, and a connection to the right one of them.

Owns the way from a choice (``policy.routing.balancing``) to a connection, and the only repetition there is: a request that provably left
for nobody goes to the next server. Must never send anything itself, nor ask a server twice for one request.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from gateway.errors import AllDown, Busy, OutsideFailed
from gateway.outbound import Deadlines
from gateway.policy.routing.balancing import Balancer
from gateway.policy.routing.server_health import Server
from gateway.upstream.connection import Connection
from gateway.upstream.pool import ServerUse, Upstream


class ConnectionSource(Protocol):
    """Where connections come from: one ``Upstream``, or the ``Servers`` of an app."""

    @property
    def deadlines(self) -> Deadlines:
        """How long its servers, and clients that send to them, are waited for."""

    def idle(self, key: bytes | None = None, client: str = "") -> Connection | None:
        """A connection that is free now, or None where ``connection`` must be asked.

        ``client``: the address for which it is taken; empty where it is nobody's. One address has a share (``policy.http.shares``).
        """

    async def connection(self, key: bytes | None = None, client: str = "", *, is_new: bool = False) -> Connection:
        """A connection; ``OutsideFailed`` with ``left`` False where there is none. ``is_new``: one that nothing was sent over."""


class BalancerUse(ServerUse):
    """Tells the balancer how the requests to one server fare."""

    __slots__ = ("_balancer", "_monotonic", "_server")

    def __init__(self, balancer: Balancer, server: Server, monotonic: Callable[[], float]) -> None:
        """``server``: one of the balancer's."""
        self._balancer = balancer
        self._server = server
        self._monotonic = monotonic

    def began(self) -> None:
        """A request was sent to it."""
        self._balancer.began(self._server)

    def ended(self, failed: bool | None) -> None:
        """It is over."""
        self._balancer.ended(self._server, failed, self._monotonic())


class Servers:
    """The servers of one app. ``key``: what a sticky app is sticky by."""

    def __init__(self, balancer: Balancer, upstreams: Mapping[Server, Upstream], monotonic: Callable[[], float]) -> None:
        """``upstreams``: for each of the balancer's servers; theirs is to be closed by whoever made them."""
        self._balancer = balancer
        self._upstreams = dict(upstreams)
        self._monotonic = monotonic
        self._not_taken: Server | None = None
        self._sole = next(iter(self._upstreams.values())) if len(self._upstreams) == 1 else None

    def __len__(self) -> int:
        """Connections that are open or being opened."""
        return sum(len(upstream) for upstream in self._upstreams.values())

    @property
    def all(self) -> tuple[Upstream, ...]:
        """Each of them, for what all must be told."""
        return tuple(self._upstreams.values())

    @property
    def deadlines(self) -> Deadlines:
        """Those of the first server; they are the same for all."""
        return next(iter(self._upstreams.values())).deadlines

    def idle(self, key: bytes | None = None, client: str = "") -> Connection | None:
        """A connection that is free now, or None where ``connection`` must be asked: the choice is kept for that."""
        if self._sole is not None:
            return self._sole.idle(key, client) if self._balancer.is_open else None
        now = self._monotonic()
        chosen = self._not_taken or self._balancer.choose(now, key)
        found = self._upstreams[chosen].idle(key, client) if chosen is not None else None
        self._not_taken = chosen if found is None and key is None else None
        return found

    async def connection(self, key: bytes | None = None, client: str = "", *, is_new: bool = False) -> Connection:
        """A connection to the chosen server, or to the next where it cannot be reached; ``AllDown`` where nobody may be asked."""
        tried: list[Server] = []
        failure: OutsideFailed = AllDown()
        chosen, self._not_taken = self._not_taken, None
        while (chosen := chosen or self._balancer.choose(self._monotonic(), key, tried)) is not None:
            self._balancer.began(chosen)
            failed: bool | None = None
            try:
                return await self._upstreams[chosen].connection(key, client, is_new=is_new)
            except OutsideFailed as error:
                failed, failure = None if isinstance(error, Busy) else True, error
            finally:
                self._balancer.ended(chosen, failed, self._monotonic())
            tried.append(chosen)
            chosen = None
        raise failure
