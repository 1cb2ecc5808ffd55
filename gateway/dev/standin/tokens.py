"""One-time values: session tokens, state tokens, activation tokens, authorization codes, pushed requests, access and refresh tokens.

Owns: which one-time values exist, their meaning, and their end.
Must never: decide whether a token may be redeemed (presence.py does).
Rules: Authentication API "Session token": valid for five minutes, once, and as good as the user's credentials. A refresh token ends if it
is not used for seven days.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from cachetools import FIFOCache

from gateway.dev.standin.clock import Clock

SESSION_TOKEN_SECONDS = 300.0
STATE_TOKEN_SECONDS = 300.0
CODE_SECONDS = 300.0
PUSHED_REQUEST_SECONDS = 3600.0
ACTIVATION_SECONDS = 604_800.0
ACCESS_TOKEN_SECONDS = 3600.0
REFRESH_TOKEN_SECONDS = 604_800.0
PROMPT_SECONDS = 600.0
INTERACTION_SECONDS = 3600.0
_MOST_KEPT = 10_000

Meaning = TypeVar("Meaning")


@dataclass(frozen=True, slots=True)
class _Kept(Generic[Meaning]):
    meaning: Meaning
    expires_at: float


class Tokens(Generic[Meaning]):
    """Values of one kind with their meanings. If there are too many, the oldest are dropped."""

    def __init__(self, clock: Clock, prefix: str, lifetime_seconds: float) -> None:
        self._clock = clock
        self._prefix = prefix
        self.lifetime_seconds = lifetime_seconds
        self._kept: FIFOCache[str, _Kept[Meaning]] = FIFOCache(_MOST_KEPT)

    def issue(self, meaning: Meaning) -> str:
        """Make a new value with this meaning, valid for the lifetime of its kind."""
        value = self._prefix + secrets.token_urlsafe(24)
        self._keep(value, meaning)
        return value

    def adopt(self, value: str, meaning: Meaning) -> str:
        """Store a value that was made elsewhere (a signed access token) with its meaning, and return it."""
        self._keep(value, meaning)
        return value

    def adopt_once(self, value: str, meaning: Meaning) -> bool:
        """Store a value, and return whether it was new."""
        is_new = self.meaning(value) is None
        self._keep(value, meaning)
        return is_new

    def end_where(self, is_over: Callable[[Meaning], bool]) -> None:
        """Remove all values whose meaning satisfies the condition."""
        for value in [value for value, kept in self._kept.items() if is_over(kept.meaning)]:
            del self._kept[value]

    def meaning(self, value: str) -> Meaning | None:
        """Return the meaning of a live value. The value stays valid."""
        kept = self._kept.get(value)
        return kept.meaning if kept is not None and kept.expires_at > self._clock.now() else None

    def spend(self, value: str) -> Meaning | None:
        """Return the meaning of a live value, and remove the value. A second call with the same value returns None."""
        meaning = self.meaning(value)
        self._kept.pop(value, None)
        return meaning

    def expires_at(self, value: str) -> float:
        """Return the time at which a value ends; KeyError if it is unknown."""
        return self._kept[value].expires_at

    def _keep(self, value: str, meaning: Meaning) -> None:
        self._kept[value] = _Kept(meaning, self._clock.now() + self.lifetime_seconds)
