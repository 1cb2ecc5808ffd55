"""How often clients asked about sessions that nobody knows: made-up cookies must not use up Okta's rate limit for everybody.

Owns the counts: so many guesses in a minute for one client, and a part of Okta's rate limit for all clients together. Must never count a
session that exists, and never say "signed out": who asks too often is told to wait. Asking about a session that is known is no guess,
whoever else is behind the same address.

A guess is counted when it is let through, not when its answer comes: so a thousand requests at once are counted too.
"""

from collections.abc import Callable
from typing import NamedTuple

from cachetools import TTLCache

from gateway.policy.http.clients import client_key
from gateway.policy.session.cache import RateLimits
from gateway.policy.session.guessing import GuessBudget

WINDOW_SECONDS = 60.0
MOST_CLIENTS = 50_000


class Wait(NamedTuple):
    """Why a guess is not let through (a word for the log), and after how many seconds it may be."""

    reason: str
    seconds: float


class Guesses:
    """The guesses of the current minute, by client: an IPv4 address, or 64 bits of IPv6, which one customer has."""

    def __init__(self, allowed: int, share: float, monotonic: Callable[[], float]) -> None:
        """``allowed``: in one minute for one client; an office behind one address has many expired sessions, so be generous.

        ``share``: the part of Okta's rate limit that all guesses together may use.
        """
        self._allowed = allowed
        self._monotonic = monotonic
        self._budget = GuessBudget(share)
        self._counts: TTLCache[tuple[str, int], int] = TTLCache(MOST_CLIENTS, 2 * WINDOW_SECONDS, timer=monotonic)

    def refusal(self, client: str) -> Wait | None:
        """Why this client must wait with its next guess; None where it need not."""
        window, now = self._window(client), self._monotonic()
        if window is not None and self._counts.get(window, 0) >= self._allowed:
            return Wait("client_limited", WINDOW_SECONDS - now % WINDOW_SECONDS)
        seconds = self._budget.wait_seconds(now)
        return Wait("guesses_limited", seconds) if seconds > 0 else None

    def note(self, client: str) -> None:
        """A guess of this client is let through."""
        self._add(client, 1)
        self._budget = self._budget.guessed(self._monotonic())

    def was_none(self, client: str) -> None:
        """It was none: a session was found, or Okta was not asked after all."""
        self._add(client, -1)
        self._budget = self._budget.was_none(self._monotonic())

    def after(self, limits: RateLimits | None, wall: float) -> None:
        """Okta answered, and named these limits."""
        self._budget = self._budget.after(limits, self._monotonic(), wall)

    def _add(self, client: str, many: int) -> None:
        window = self._window(client)
        if window is not None:
            self._counts[window] = max(0, self._counts.get(window, 0) + many)

    def _window(self, client: str) -> tuple[str, int] | None:
        """None for a client without an address: under that word come all whom a proxy does not name."""
        key = client_key(client)
        return (key, int(self._monotonic() // WINDOW_SECONDS)) if key else None
