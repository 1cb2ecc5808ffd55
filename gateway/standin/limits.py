"""Rate limits: buckets per minute, as Okta counts them.

Owns: how many calls of a bucket are left in this minute.
Must never: answer a request (server.py does).
Rules: Okta rate limits: `X-Rate-Limit-Limit`, `-Remaining`, `-Reset` (UTC epoch seconds); a window is 60 s from its first call, not a
wall-clock minute; the longest matching prefix is the bucket.
"""

import math
from dataclasses import dataclass

from gateway.standin.clock import Clock

WINDOW_SECONDS = 60.0
CALLS_PER_MINUTE = 600
_BUCKETS = ("/api/v1/authn", "/api/v1/sessions", "/api/v1/users", "/api/v1", "/oauth2", "/login/login.htm")


@dataclass(frozen=True, slots=True)
class Reading:
    """What the headers say after one call, and whether the call was one too many."""

    limit: int
    remaining: int
    reset: int
    is_exceeded: bool

    def fields(self) -> dict[str, str]:
        """Return the three header fields."""
        return {
            "X-Rate-Limit-Limit": str(self.limit),
            "X-Rate-Limit-Remaining": str(self.remaining),
            "X-Rate-Limit-Reset": str(self.reset),
        }


@dataclass(slots=True)
class _Window:
    began_at: float
    calls: int = 0


class RateLimits:
    """One window of a minute per bucket; `per_minute` may be changed at any time."""

    def __init__(self, clock: Clock, per_minute: int = CALLS_PER_MINUTE) -> None:
        self._clock = clock
        self.per_minute = per_minute
        self._windows: dict[str, _Window] = {}

    def take(self, path: str) -> Reading | None:
        """Count one call of this path and return the reading; None for a path without a bucket."""
        bucket = max((prefix for prefix in _BUCKETS if path.startswith(prefix)), key=len, default=None)
        if bucket is None:
            return None
        now = self._clock.now()
        window = self._windows.get(bucket)
        if window is None or now >= window.began_at + WINDOW_SECONDS:
            window = self._windows[bucket] = _Window(now)
        window.calls += 1
        reset = math.ceil(window.began_at + WINDOW_SECONDS)
        return Reading(self.per_minute, max(0, self.per_minute - window.calls), reset, window.calls > self.per_minute)
