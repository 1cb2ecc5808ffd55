"""How one server of an app stands: running requests, failures in a row, and what active checks found.

Owns what puts a server out and brings it back. Must never choose between servers (``balancing``), connect, wait or ask the time:
``now`` is given, in seconds of a clock that never goes back. A server stands in two ways at once, and takes requests only when both
allow it::

    requests   IN ── 3 failures in a row ──▶ OUT (5 s, doubled up to 60 s) ── time over ──▶ one request as a TRIAL
                ▲                             ▲──────────────── failed ──────────────────────────┤
                └──────────────────────────────────────────── answered ─────────────────────────┘
    checks     UP ── 3 bad in a row, or the very first ──▶ DOWN ── 2 good in a row ──▶ UP (and IN)

A failure is: no connection, a deadline that passed before the head, a connection that ended before it, an answer that is not HTTP. No
status is one, whatever it says: a user who can provoke a 500 or a 503 must not be able to take a server from the others. Nor is a
client that left. Rules from: Envoy's outlier detection and HAProxy's rise and fall, for the manner.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Server:
    """One server of an app. ``name`` tells it from the others and decides which sessions stick to it; ``weight`` is at least 1."""

    name: str
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much a server is forgiven: counts in a row, and seconds."""

    failures: int = 3
    shortest_out: float = 5.0
    longest_out: float = 60.0
    between_probes: float = 1.0
    rise: int = 2
    fall: int = 3


def is_healthy(status: int) -> bool:
    """Whether this status of an active check means that the server can work."""
    return 200 <= status <= 399


class ServerHealth:
    """What is known of one server now; read it for metrics and logs, only the ``Balancer`` changes it."""

    __slots__ = (
        "_contradictions",
        "_failures",
        "_on_trial",
        "_term",
        "_tolerance",
        "is_out",
        "is_up",
        "pull",
        "running",
        "server",
        "until",
    )

    def __init__(self, server: Server, tolerance: Tolerance) -> None:
        """In and up, until something says otherwise."""
        self.server = server
        self.running = 0
        self.is_up = True
        self.is_out = False
        self.until = -math.inf
        self.pull = 0
        self._tolerance = tolerance
        self._failures = 0
        self._term = 0.0
        self._on_trial = False
        self._contradictions = tolerance.fall - 1  # nothing is known yet: the first bad check is enough

    def takes(self, now: float) -> bool:
        """Whether this server may get the next request."""
        return self.is_up and (not self.is_out or now >= self.until)

    def began(self, now: float) -> None:
        """A request goes to it. While it is out that is its trial: the next comes only later, should this one never say how it went."""
        self.running += 1
        if self.is_out:
            self._on_trial = True
            self.until = now + self._tolerance.shortest_out

    def answered(self) -> bool:
        """A head arrived; whether that brought the server back."""
        self._failures = 0
        returns = self.is_out and self._on_trial
        if returns:
            self.is_out = self._on_trial = False
        return returns

    def failed(self, now: float) -> bool:
        """A request failed by the server's fault; whether that put it out. What began before it was put out changes nothing."""
        if self.is_out and not self._on_trial:
            return False
        self._failures += 1
        if not self.is_out and self._failures < self._tolerance.failures:
            return False
        was_in = not self.is_out
        # A server that fails again soon after it returned is out for longer, as is one whose trial failed.
        is_again = self._term > 0 and now < self.until + self._tolerance.longest_out
        self._term = min(2 * self._term, self._tolerance.longest_out) if is_again else self._tolerance.shortest_out
        self.until = now + self._term
        self.is_out, self._on_trial, self._failures = True, False, 0
        return was_in

    def checked(self, healthy: bool) -> bool:
        """An active check ended; whether the server went up or down by it."""
        if healthy == self.is_up:
            self._contradictions = 0
            return False
        self._contradictions += 1
        if self._contradictions < (self._tolerance.rise if healthy else self._tolerance.fall):
            return False
        self.is_up = healthy
        self._contradictions = 0
        if healthy:
            self._failures, self._term, self.is_out, self._on_trial = 0, 0.0, False, False
        return True
