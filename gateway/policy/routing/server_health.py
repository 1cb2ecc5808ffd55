"""The health of one server of an app: its running requests, its failures in a row, and the results of active checks.

A server has two independent states. It gets requests only if it is IN and UP::

    requests   IN ── 3 failures in a row ──▶ OUT (5 s, doubled up to 60 s) ── time over ──▶ one request as a TRIAL
                ▲                             ▲──────────────── failed ──────────────────────────┤
                └──────────────────────────────────────────── answered ─────────────────────────┘
    checks     UP ── 3 bad in a row, or the very first ──▶ DOWN ── 2 good in a row ──▶ UP (and IN)

A failure is one of these: no connection; no head of a response before the deadline; a connection that ended before the head; bytes that are
not HTTP. No status code is a failure, because a user who can provoke a 500 or a 503 must not be able to take a server away from the others.
A client that leaves is not a failure either.

This module must never choose between servers (``balancing`` does), connect, wait or read a clock: ``now`` is a parameter, in seconds of a
monotonic clock. Modelled on Envoy's outlier detection and HAProxy's ``rise`` and ``fall``.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Server:
    """One server of an app. ``name`` is unique within the app, and decides which sessions stick to it. ``weight`` is at least 1."""

    name: str
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How many failures a server may have, and how long it stays out: counts in a row, and seconds.

    ``rise``, ``fall``: how many good or bad checks in a row bring a server up or down. ``between_probes``: seconds between two trial
    requests while all servers are out.
    """

    failures: int = 3
    shortest_out: float = 5.0
    longest_out: float = 60.0
    between_probes: float = 1.0
    rise: int = 2
    fall: int = 3


def is_healthy(status: int) -> bool:
    """Whether this status of an active check means that the server works (200 to 399)."""
    return 200 <= status <= 399


class ServerHealth:
    """The current health of one server. Metrics and logs may read it; only the ``Balancer`` changes it.

    ``until``: the monotonic second at which it may get a trial request, while ``is_out``. ``pull``: its weight in the rotation among
    equals.
    """

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
        """The server starts IN and UP."""
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
        self._contradictions = tolerance.fall - 1  # before the first check, one bad result is enough

    def takes(self, now: float) -> bool:
        """Whether this server may get the next request."""
        return self.is_up and (not self.is_out or now >= self.until)

    def request_started(self, now: float) -> None:
        """Record that a request is sent to this server. If the server is out, this request is its trial.

        The next trial is possible only ``shortest_out`` seconds later, in case this one never reports a result.
        """
        self.running += 1
        if self.is_out:
            self._on_trial = True
            self.until = now + self._tolerance.shortest_out

    def answered(self) -> bool:
        """Record that the head of a response arrived. Returns whether this brought the server back."""
        self._failures = 0
        returns = self.is_out and self._on_trial
        if returns:
            self.is_out = self._on_trial = False
        return returns

    def failed(self, now: float) -> bool:
        """Record a failure of the server. Returns whether this put it out.

        Requests that were sent before the server was put out do not count any more.
        """
        if self.is_out and not self._on_trial:
            return False
        self._failures += 1
        if not self.is_out and self._failures < self._tolerance.failures:
            return False
        was_in = not self.is_out
        # The server stays out for longer if its trial failed, or if it fails again soon after it returned.
        is_again = self._term > 0 and now < self.until + self._tolerance.longest_out
        self._term = min(2 * self._term, self._tolerance.longest_out) if is_again else self._tolerance.shortest_out
        self.until = now + self._term
        self.is_out, self._on_trial, self._failures = True, False, 0
        return was_in

    def checked(self, healthy: bool) -> bool:
        """Record the result of an active check. Returns whether the server went up or down because of it."""
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
