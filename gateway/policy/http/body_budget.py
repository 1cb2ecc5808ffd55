"""How many bytes of bodies the gateway may hold in memory at once: for all clients together, and for one client.

Bytes are counted when they arrive, not when a head announces them. The first bytes of every body are free, so that a small form is always
accepted, even if other clients use up the budget. If a trusted proxy does not name its client, the body counts for the total only:
otherwise many clients would share one limit. ``policy.http.client_limits`` says what counts as one client; its key is called *network*
here.
"""

from typing import Final

from gateway.policy.http.client_limits import network_of

ALL_BYTES: Final = 64 * 1024 * 1024
SHARE_OF_ONE: Final = 8
"""One client may hold an eighth of the total."""
FREE_BYTES: Final = 4 * 1024
"""Of each body. With 20,000 connections, the free bytes are at most 80 MiB more."""


class BodyBudget:
    """Counts the bytes that all bodies hold, and those of each client. A client that holds none is forgotten."""

    __slots__ = ("_held", "_of_one", "_total", "held", "refused_count")

    def __init__(self, total: int = ALL_BYTES) -> None:
        """``total``: the limit in bytes. ``held``: bytes in use. ``refused_count``: how often there was no room."""
        self._total = total
        self._of_one = total // SHARE_OF_ONE
        self._held: dict[str, int] = {}
        self.held = self.refused_count = 0

    def __len__(self) -> int:
        """How many clients hold bytes."""
        return len(self._held)

    def take(self, network: str | None, count: int) -> bool:
        """Take ``count`` bytes if there is room. Returns whether there was. ``network``: the client
        (``policy.http.client_limits.network_of``).
        """
        mine = self._held.get(network, 0) if network is not None else 0
        if self.held + count > self._total or (network is not None and mine + count > self._of_one):
            self.refused_count += 1
            return False
        self.held += count
        if network is not None and count:
            self._held[network] = mine + count
        return True

    def give_back(self, network: str | None, count: int) -> None:
        """Release ``count`` bytes that ``take`` took for this client."""
        self.held -= count
        if network is None or not count:
            return
        left = self._held[network] - count
        if left:
            self._held[network] = left
        else:
            del self._held[network]


class BodyRoom:
    """The bytes that the body of one request took from the budget. Call ``release`` when the body is no longer held."""

    __slots__ = ("_budget", "_network", "_taken")

    def __init__(self, budget: BodyBudget, client: str) -> None:
        """``client``: the believed address."""
        self._budget = budget
        self._network = network_of(client)
        self._taken = 0

    def holds(self, size: int) -> bool:
        """Take room for a body that has ``size`` bytes by now. Returns whether there was room."""
        more = size - FREE_BYTES - self._taken
        if more <= 0:
            return True
        if not self._budget.take(self._network, more):
            return False
        self._taken += more
        return True

    def release(self) -> None:
        """Return all bytes of this body to the budget."""
        self._budget.give_back(self._network, self._taken)
        self._taken = 0
