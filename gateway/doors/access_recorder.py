"""Reports each finished request to the log and to the metrics, and owns the clock that both use.

Owns which reasons have a counter of their own. Must never be given a path, a field, a cookie or a body.
"""

from dataclasses import dataclass
from typing import Final

from gateway.clock import Clock
from gateway.observe import Log
from gateway.observe.metrics import Metrics

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""The methods that the log names. Any other method is logged as "other", so that clients cannot write words into the log."""

_COUNTED_REASONS: Final = frozenset({"legacy_session_id"})


@dataclass(frozen=True, slots=True)
class AccessRecorder:
    """Gets each request twice: ``request_started`` at its start, ``answered`` at its end."""

    log: Log
    metrics: Metrics
    clock: Clock

    def request_started(self) -> float:
        """Count a new request. Returns the monotonic time in seconds, for ``answered``."""
        self.metrics.request_started()
        return self.clock.monotonic()

    def answered(
        self,
        started_at: float,
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
        """The request is over: write one log line and count it. ``method`` as the client sent it."""
        seconds = self.clock.monotonic() - started_at
        self.metrics.answered(door, verdict, status, seconds)
        if reason in _COUNTED_REASONS:
            self.metrics.happened(reason)
        words = (door, method if method in METHODS or not method else "other", app, route, verdict, reason)
        self.log.requests.tell(words, status, peer, client, fingerprint, request_id, int(seconds * 1e6) / 1000)
