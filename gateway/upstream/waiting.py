"""The queue of requests that wait for a connection to one server, and who is served next.

Owns the order: clients take turns (round robin). If connections are scarce, clients that hold less than their share come first.
Must never keep a request that has stopped waiting. Rules from: ``policy.http.shares``.

In this module a *place* is the part of an address that stands for one client (``policy.http.client_limits.place_of``).
"""

import asyncio
from collections.abc import Iterable

from gateway.policy.http.client_limits import place_of
from gateway.policy.http.shares import Shares
from gateway.upstream.connection import Connection

Waiter = asyncio.Future[Connection | None]
"""Its result is a connection, or None: room for a new connection is reserved."""


def held_by_place(clients: Iterable[str]) -> dict[str, int]:
    """How many connections each client holds. ``clients``: the client's address of each connection, empty for a free one."""
    held: dict[str, int] = {}
    for client in clients:
        place = place_of(client) if client else None
        if place is not None:
            held[place] = held.get(place, 0) + 1
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
        self._waiting.setdefault(place_of(client) or "", {})[waiter] = client

    def leave(self, client: str, waiter: Waiter) -> None:
        """Remove a request from the queue, if it is still there."""
        place = place_of(client) or ""
        waiters = self._waiting.get(place)
        if waiters is not None:
            waiters.pop(waiter, None)
            if not waiters:
                del self._waiting[place]

    def next(self, held: dict[str, int], in_use: int) -> tuple[Waiter, str] | None:
        """Take the next request from the queue, with its client's address; None if no waiting client may have a connection.

        ``held``: connections of each client; ``in_use``: of all. First come clients that hold less than their share, in the order of
        their turns; then the others, if there is ample room.
        """
        allowed = [place for place in self._waiting if self._shares.may_take(held.get(place, 0), in_use)]
        modest = [place for place in allowed if held.get(place, 0) < self._shares.each]
        for place in (*modest, *allowed):
            found = self._first(place)
            if found is not None:
                return found
        return None

    def _first(self, place: str) -> tuple[Waiter, str] | None:
        """Take the first request of this client. The client goes to the end of the queue with its other requests."""
        waiters = self._waiting.pop(place, {})
        for waiter, client in tuple(waiters.items()):
            del waiters[waiter]
            if not waiter.done():
                if waiters:
                    self._waiting[place] = waiters
                return waiter, client
        return None
