"""How many bytes of bodies may be held at once: by all clients together, and by one of them.

Owns the counts. A body is counted as it arrives, not as its head announces it. The first bytes of every body are free, so that a small form
always finds room, whoever fills the rest. Must never count a client whom a trusted proxy does not name as one: under that word come many.
Who counts as one client is said in ``policy.http.client_limits``.
"""

from typing import Final

from gateway.policy.http.client_limits import place_of

ALL_BYTES: Final = 64 * 1024 * 1024
SHARE_OF_ONE: Final = 8
"""One client has an eighth of all."""
FREE_BYTES: Final = 4 * 1024
"""Of each body. With 20,000 connections this is at most 80 MiB more."""


class BodyBudget:
    """The bytes that all bodies may take together, and those that each client has taken. Clients that hold nothing are forgotten."""

    __slots__ = ("_held", "_of_one", "_total", "held", "refused")

    def __init__(self, total: int = ALL_BYTES) -> None:
        """``total``: bytes. ``held``: how many are taken; ``refused``: how often there was no room."""
        self._total = total
        self._of_one = total // SHARE_OF_ONE
        self._held: dict[str, int] = {}
        self.held = self.refused = 0

    def __len__(self) -> int:
        """How many clients hold something."""
        return len(self._held)

    def take(self, place: str | None, count: int) -> bool:
        """Whether there was room for so many bytes more; then they are taken. ``place``: the client
        (``policy.http.client_limits.place_of``)."""
        mine = self._held.get(place, 0) if place is not None else 0
        if self.held + count > self._total or (place is not None and mine + count > self._of_one):
            self.refused += 1
            return False
        self.held += count
        if place is not None and count:
            self._held[place] = mine + count
        return True

    def give_back(self, place: str | None, count: int) -> None:
        """So many bytes that were taken are free again."""
        self.held -= count
        if place is None or not count:
            return
        left = self._held[place] - count
        if left:
            self._held[place] = left
        else:
            del self._held[place]


class BodyRoom:
    """What the body of one request has taken of the budget. ``release`` it once the body is no longer held."""

    __slots__ = ("_budget", "_place", "_taken")

    def __init__(self, budget: BodyBudget, client: str) -> None:
        """``client``: the believed address."""
        self._budget = budget
        self._place = place_of(client)
        self._taken = 0

    def holds(self, size: int) -> bool:
        """Whether a body of this request may be so large by now; the room for it is then taken."""
        more = size - FREE_BYTES - self._taken
        if more <= 0:
            return True
        if not self._budget.take(self._place, more):
            return False
        self._taken += more
        return True

    def release(self) -> None:
        """Give everything back."""
        self._budget.give_back(self._place, self._taken)
        self._taken = 0
