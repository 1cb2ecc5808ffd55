"""Who is told of each request when it is over: the log, the metrics, and the clock that both rely on.

Owns which reasons are counted by themselves. Must never be given a path, a field, a cookie or a body.
"""

from dataclasses import dataclass
from typing import Final

from gateway.clock import Clock
from gateway.log import Log
from gateway.metrics import Metrics

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""The methods that the log names; another is "other"."""

_COUNTED_REASONS: Final = frozenset({"legacy_session_id"})


@dataclass(frozen=True, slots=True)
class AccessRecorder:
    """Hears of every request, once when it ``began`` and once when it was ``answered``."""

    log: Log
    metrics: Metrics
    clock: Clock

    def began(self) -> float:
        """A request is here; the monotonic second, for ``answered``."""
        self.metrics.began()
        return self.clock.monotonic()

    def answered(
        self,
        began: float,
        status: int,
        *,
        door: str,
        verdict: str = "",
        reason: str = "",
        app: str = "",
        route: str = "",
        method: str = "",
        peer: str = "",
        client: str = "",
        fingerprint: str = "",
        request_id: str = "",
    ) -> None:
        """It is over: one line and the counts of it. ``method`` as it was sent."""
        seconds = self.clock.monotonic() - began
        self.metrics.answered(door, verdict, status, seconds)
        if reason in _COUNTED_REASONS:
            self.metrics.happened(reason)
        words = (door, method if method in METHODS or not method else "other", app, route, verdict, reason)
        self.log.requests.tell(words, status, peer, client, fingerprint, request_id, int(seconds * 1e6) / 1000)
