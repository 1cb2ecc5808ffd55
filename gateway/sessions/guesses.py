"""The limit on guesses: questions to Okta about cookies that this gateway does not know, so that a client may have made them up.

Made-up cookies must not use up Okta's rate limit for everybody. So each client has a number of guesses per minute, and all clients together
have a part of Okta's rate limit. A question about a known session is not a guess, even if other clients share its address.

It must never count a session that exists, and never answer "signed out": a client that guesses too often must wait.
A guess is counted when it is sent, not when its answer arrives, so a thousand requests at the same moment are counted too.
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
    """A refused guess: the reason (a word for the log), and after how many seconds the client may try again."""

    reason: str
    seconds: float


class Guesses:
    """The guesses of the current minute by client: an IPv4 address, or the first 64 bits of an IPv6 address (one customer's network)."""

    def __init__(self, allowed: int, share: float, monotonic: Callable[[], float]) -> None:
        """``allowed``: guesses per minute and client. Be generous: an office behind one address has many expired sessions.

        ``share``: the part of Okta's rate limit that all guesses together may use (0 to 1).
        """
        self._allowed = allowed
        self._monotonic = monotonic
        self._budget = GuessBudget(share)
        self._counts: TTLCache[tuple[str, int], int] = TTLCache(MOST_CLIENTS, 2 * WINDOW_SECONDS, timer=monotonic)

    def refusal(self, client: str) -> Wait | None:
        """Why this client must wait with its next guess; None if it may guess now."""
        window, now = self._window(client), self._monotonic()
        if window is not None and self._counts.get(window, 0) >= self._allowed:
            return Wait("client_limited", WINDOW_SECONDS - now % WINDOW_SECONDS)
        seconds = self._budget.wait_seconds(now)
        return Wait("guesses_limited", seconds) if seconds > 0 else None

    def note(self, client: str) -> None:
        """Count a guess of this client that is sent now."""
        self._add(client, 1)
        self._budget = self._budget.guessed(self._monotonic())

    def was_none(self, client: str) -> None:
        """Take back the count of a guess, because it was a real session, or because the question was not sent after all."""
        self._add(client, -1)
        self._budget = self._budget.was_none(self._monotonic())

    def after(self, limits: RateLimits | None, wall: float) -> None:
        """Take over the rate limits of Okta's answer; ``wall``: Unix seconds."""
        self._budget = self._budget.after(limits, self._monotonic(), wall)

    def _add(self, client: str, many: int) -> None:
        window = self._window(client)
        if window is not None:
            self._counts[window] = max(0, self._counts.get(window, 0) + many)

    def _window(self, client: str) -> tuple[str, int] | None:
        """The client and the current minute. None for a client without an address: many clients of a proxy may share that name."""
        key = client_key(client)
        return (key, int(self._monotonic() // WINDOW_SECONDS)) if key else None
