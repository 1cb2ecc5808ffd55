"""Rate limits: calls per minute in buckets, as Okta counts them.

Owns: how many calls of a bucket are left in this minute.
Must never: answer a request (server.py does).
Rules: Okta rate limits: `X-Rate-Limit-Limit`, `-Remaining`, `-Reset` (UTC epoch seconds); a window is 60 s from its first call, not a
wall-clock minute; the longest prefix that matches the path is the bucket. Two numbers are recorded (authn 500, sessions 375). The others
are those that Okta published for "One App" orgs until 2025, and 600 where it published none.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gateway.dev.standin.clock import Clock

WINDOW_SECONDS = 60.0
BUCKETS: Mapping[str, int] = MappingProxyType(
    {
        "/api/v1": 1200,
        "/api/v1/authn": 500,
        "/api/v1/sessions": 375,
        "/api/v1/users": 600,
        "/app/": 600,
        "/home/": 600,
        "/idp/idx": 1000,
        "/idp/idx/introspect": 2000,
        "/login/login.htm": 1200,
        "/login/sessionCookieRedirect": 600,
        "/login/step-up/redirect": 600,
        "/login/token/redirect": 600,
        "/oauth2": 1200,
    }
)


@dataclass(frozen=True, slots=True)
class Reading:
    """The numbers for the headers after one call, and whether the call was over the limit."""

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
    """One window of a minute per bucket. `per_minute` replaces the limit of every bucket, and may be changed at any time."""

    def __init__(self, clock: Clock, per_minute: int | None = None) -> None:
        self._clock = clock
        self.per_minute = per_minute
        self._windows: dict[str, _Window] = {}

    def take(self, path: str) -> Reading | None:
        """Count one call of this path and return the reading; None for a path without a bucket."""
        bucket = _bucket(path)
        if bucket is None:
            return None
        now = self._clock.now()
        window = self._windows.get(bucket)
        if window is None or now >= window.began_at + WINDOW_SECONDS:
            window = self._windows[bucket] = _Window(now)
        window.calls += 1
        reset = math.ceil(window.began_at + WINDOW_SECONDS)
        limit = self.limit(path)
        return Reading(limit, max(0, limit - window.calls), reset, window.calls > limit)

    def limit(self, path: str) -> int:
        """Return the limit of this path's bucket, in calls per minute; 0 for a path without one."""
        bucket = _bucket(path)
        if self.per_minute is not None:
            return self.per_minute
        return BUCKETS[bucket] if bucket is not None else 0


def _bucket(path: str) -> str | None:
    return max((prefix for prefix in BUCKETS if path.startswith(prefix)), key=len, default=None)
