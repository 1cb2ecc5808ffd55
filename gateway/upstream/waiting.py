"""The queue of requests that wait for a connection to one server, and who is served next.

Owns the order: clients take turns (round robin). If connections are scarce, clients that hold less than their share come first.
Must never keep a request that has stopped waiting. Rules from: ``policy.http.shares``.

In this module a *network* is the part of an address that stands for one client (``policy.http.client_limits.network_of``).
"""

import asyncio
from collections.abc import Iterable

from gateway.policy.http.client_limits import network_of
from gateway.policy.http.shares import Shares
from gateway.upstream.connection import Connection

Waiter = asyncio.Future[Connection | None]
"""Its result is a connection, or None: room for a new connection is reserved."""


def held_by_network(clients: Iterable[str]) -> dict[str, int]:
    """How many connections each client holds. ``clients``: the client's address of each connection, empty for a free one."""
    held: dict[str, int] = {}
    for client in clients:
        network = network_of(client) if client else None
        if network is not None:
            held[network] = held.get(network, 0) + 1
    return held


class WaitingClients:
    """The waiting requests, by client."""

    __slots__ = ("_shares", "_waiting")

    def __init__(self, shares: Shares) -> None:
        """An empty queue."""
        self._shares = shares
        self._waiting: dict[str, dict[Waiter, str]] = {}

    def __len__(self) -> int:
        """How many clients wait."""
        return len(self._waiting)

    def join(self, client: str, waiter: Waiter) -> None:
        """Queue a request behind the others of the same client."""
        self._waiting.setdefault(network_of(client) or "", {})[waiter] = client

    def leave(self, client: str, waiter: Waiter) -> None:
        """Remove a request from the queue, if it is still there."""
        network = network_of(client) or ""
        waiters = self._waiting.get(network)
        if waiters is not None:
            waiters.pop(waiter, None)
            if not waiters:
                del self._waiting[network]

    def next(self, held: dict[str, int], in_use: int) -> tuple[Waiter, str] | None:
        """Take the next request from the queue, with its client's address; None if no waiting client may have a connection.

        ``held``: connections of each client; ``in_use``: of all. First come clients that hold less than their share, in the order of
        their turns; then the others, if there is ample room.
        """
        allowed = [network for network in self._waiting if self._shares.may_take(held.get(network, 0), in_use)]
        modest = [network for network in allowed if held.get(network, 0) < self._shares.each]
        for network in (*modest, *allowed):
            found = self._first(network)
            if found is not None:
                return found
        return None

    def _first(self, network: str) -> tuple[Waiter, str] | None:
        """Take the first request of this client. The client goes to the end of the queue with its other requests."""
        waiters = self._waiting.pop(network, {})
        for waiter, client in tuple(waiters.items()):
            del waiters[waiter]
            if not waiter.done():
                if waiters:
                    self._waiting[network] = waiters
                return waiter, client
        return None
