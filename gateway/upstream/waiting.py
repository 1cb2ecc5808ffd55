"""Who waits for a connection to one server, and who is next.

Owns the order: clients take turns, and where connections are short those come first that hold less than their share. Must never keep
anybody who has stopped waiting. Rules from: ``policy.http.shares``.
"""

import asyncio
from collections.abc import Iterable

from gateway.policy.http.client_limits import place_of
from gateway.policy.http.shares import Shares
from gateway.upstream.connection import Connection

Waiter = asyncio.Future[Connection | None]
"""Is given a connection, or None where room for a new one is reserved."""


def held_by_place(clients: Iterable[str]) -> dict[str, int]:
    """How many connections each client holds; ``clients``: the address of each connection, empty where it is free."""
    held: dict[str, int] = {}
    for client in clients:
        place = place_of(client) if client else None
        if place is not None:
            held[place] = held.get(place, 0) + 1
    return held


class WaitingClients:
    """Those that wait, by client."""

    __slots__ = ("_shares", "_waiting")

    def __init__(self, shares: Shares) -> None:
        """Nobody waits yet."""
        self._shares = shares
        self._waiting: dict[str, dict[Waiter, str]] = {}

    def __len__(self) -> int:
        """How many clients wait."""
        return len(self._waiting)

    def join(self, client: str, waiter: Waiter) -> None:
        """Wait behind the others of this client."""
        self._waiting.setdefault(place_of(client) or "", {})[waiter] = client

    def leave(self, client: str, waiter: Waiter) -> None:
        """It waits no more."""
        place = place_of(client) or ""
        waiters = self._waiting.get(place)
        if waiters is not None:
            waiters.pop(waiter, None)
            if not waiters:
                del self._waiting[place]

    def next(self, held: dict[str, int], in_use: int) -> tuple[Waiter, str] | None:
        """Who is served next while so many are in use, and for which address; None where nobody may be.

        Of the clients that hold less than their share it is the one whose turn it is, else, where there is ample room, the first.
        """
        allowed = [place for place in self._waiting if self._shares.may_take(held.get(place, 0), in_use)]
        modest = [place for place in allowed if held.get(place, 0) < self._shares.each]
        for place in (*modest, *allowed):
            found = self._first(place)
            if found is not None:
                return found
        return None

    def _first(self, place: str) -> tuple[Waiter, str] | None:
        """The first that still waits there; the others there come behind everybody."""
        waiters = self._waiting.pop(place, {})
        for waiter, client in tuple(waiters.items()):
            del waiters[waiter]
            if not waiter.done():
                if waiters:
                    self._waiting[place] = waiters
                return waiter, client
        return None
