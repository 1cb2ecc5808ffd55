"""What was measured of one contestant, round by round, and the medians that are reported.

Owns the arithmetic between a run and a table: medians, shares of a core, latency less the app's own.
"""

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.bench.proxies.bulk import Bulk
from tests.bench.proxies.held import Held
from tests.bench.proxies.paced import Paced

LEAST_BUSY = 0.8
"""The part of its core that a gateway must have had: with less, neighbours on this machine were measured."""


@dataclass(frozen=True, slots=True)
class Round:
    """One run at full load: answers a second, those that failed, CPU microseconds for each, the part of it spent in the kernel."""

    rate: float
    failed: int
    cpu: float
    kernel: float

    @property
    def busy(self) -> float:
        """The part of its core that the contestant got; well under 1 means that something else was the narrow place."""
        return self.rate * self.cpu / 1e6


@dataclass(slots=True)
class Figures:
    """All of one contestant; what could not be measured is empty or None."""

    name: str
    rounds: list[Round] = field(default_factory=list)
    paced: list[tuple[Paced, Paced]] = field(default_factory=list)
    """At half load: through the contestant, and straight to the app at the same rate."""
    idle: Held | None = None
    sockets: Held | None = None
    down: Bulk | None = None
    up: Bulk | None = None

    def middle(self, part: Callable[[Round], float]) -> float | None:
        """The median over the rounds at full load."""
        return _median(part(one) for one in self.rounds)

    @property
    def rate(self) -> float | None:
        """Answers a second."""
        return self.middle(lambda one: one.rate)

    @property
    def cpu(self) -> float | None:
        """CPU microseconds for one answer."""
        return self.middle(lambda one: one.cpu)

    @property
    def busy(self) -> float:
        """The part of its core that it got."""
        return self.middle(lambda one: one.busy) or 0.0

    @property
    def half_rate(self) -> float | None:
        """The rate at which latency was measured."""
        return self.paced[0][0].rate if self.paced else None

    @property
    def added_p50(self) -> float | None:
        """Milliseconds that the contestant adds to the app's median."""
        return self._added(lambda one: one.p50)

    @property
    def added_p99(self) -> float | None:
        """Milliseconds that the contestant adds to the app's slowest in a hundred."""
        return self._added(lambda one: one.p99)

    def _added(self, part: Callable[[Paced], float]) -> float | None:
        through, straight = _median(part(one) for one, _ in self.paced), _median(part(one) for _, one in self.paced)
        return None if through is None or straight is None else through - straight


def ratio(mine: float | None, other: float | None) -> float | None:
    """How many times the other; None where one of them is not known."""
    return None if mine is None or not other else mine / other


def _median(values: Iterable[float]) -> float | None:
    known = list(values)
    return statistics.median(known) if known else None
