"""How often a client asked about sessions that do not exist: one address must not use up Okta's rate limit for all (K10).

Owns the count. Must never count a session that exists, and never say "signed out": who asks too often is told to wait. Asking about a
session that is known is no guess, whoever else is behind the same address.
"""

import ipaddress
from collections.abc import Callable

from cachetools import TTLCache

WINDOW_SECONDS = 60.0
MOST_CLIENTS = 50_000


class Guesses:
    """Questions of the current minute that found no session, by client: an IPv4 address, or 64 bits of IPv6, which one customer has."""

    def __init__(self, allowed: int, monotonic: Callable[[], float]) -> None:
        """``allowed``: in one minute for one client; an office behind one address has many expired sessions, so be generous."""
        self._allowed = allowed
        self._monotonic = monotonic
        self._counts: TTLCache[tuple[str, int], int] = TTLCache(MOST_CLIENTS, 2 * WINDOW_SECONDS, timer=monotonic)

    def wait_seconds(self, client: str) -> float:
        """How long this client has to wait before its next question; 0 where it need not, or where nobody knows who it is."""
        window = self._window(client)
        if window is None or self._counts.get(window, 0) < self._allowed:
            return 0.0
        return WINDOW_SECONDS - self._monotonic() % WINDOW_SECONDS

    def note(self, client: str) -> None:
        """One more question of this client that found nothing."""
        window = self._window(client)
        if window is not None:
            self._counts[window] = self._counts.get(window, 0) + 1

    def _window(self, client: str) -> tuple[str, int] | None:
        """None for a client without an address: under that word come all whom a proxy does not name."""
        place = _place(client)
        return (place, int(self._monotonic() // WINDOW_SECONDS)) if place is not None else None


def _place(client: str) -> str | None:
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return address.packed[:8].hex()
