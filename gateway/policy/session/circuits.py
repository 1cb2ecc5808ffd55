"""Circuit breakers for questions to Okta: one for everybody, and one for each source of failures.

A client can make Okta's front end hang up, for example with fields that are too large. Such failures open only the circuit of that client.
The circuit for everybody opens when several sources failed in a row, because then Okta itself is in trouble.

It must never open the circuit for everybody because of one source, and never remember more than ``MOST_SOURCES`` sources.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.policy.session.cache import Breaker

LEAST_SOURCES: Final = 3
MOST_SOURCES: Final = 256


@dataclass(frozen=True, slots=True)
class Circuits:
    """The state of all circuits. A *source* is a client's key or the fingerprint of a known session.

    ``unused``: a closed breaker with the thresholds for all. ``everybody``: the circuit for all sources. ``own``: the circuit of each
    source that failed. ``in_a_row``: the sources that failed since Okta's last answer; only the first ``least_sources`` are kept.
    """

    unused: Breaker = field(default_factory=Breaker)
    least_sources: int = LEAST_SOURCES
    everybody: Breaker = field(default_factory=Breaker)
    own: Mapping[str, Breaker] = field(default_factory=dict)
    in_a_row: frozenset[str] = frozenset()

    @staticmethod
    def of(unused: Breaker, least_sources: int = LEAST_SOURCES) -> "Circuits":
        """Circuits with these thresholds, all closed."""
        return Circuits(unused, least_sources, unused)

    @property
    def is_open(self) -> bool:
        """Whether the circuit for everybody is open."""
        return self.everybody.open_until is not None

    def admits(self, now: float, source: str) -> bool:
        """Whether a question of this source may be sent."""
        return self.everybody.admits(now) and self._own(source).admits(now)

    def open_until(self, source: str) -> float | None:
        """The monotonic second from which all open circuits let a probe of this source through; None if no circuit is open for it."""
        return max((until for circuit in (self.everybody, self._own(source)) if (until := circuit.open_until) is not None), default=None)

    def asking(self, source: str) -> "Circuits":
        """The circuits after a question was admitted. If a circuit is open, this question is its probe."""
        own = {**self.own, source: self.own[source].asking()} if source in self.own else self.own
        return replace(self, everybody=self.everybody.asking(), own=own)

    def answered(self, source: str) -> "Circuits":
        """The circuits after Okta answered a question of this source, whatever the answer was."""
        own = {key: circuit for key, circuit in self.own.items() if key != source} if source in self.own else self.own
        return replace(self, everybody=self.unused, own=own, in_a_row=frozenset())

    def failed(self, now: float, source: str) -> "Circuits":
        """The circuits after Okta did not answer a question of this source, or answered that it cannot."""
        own = {key: circuit for key, circuit in self.own.items() if key != source}
        while len(own) >= MOST_SOURCES:
            own.pop(next(iter(own)))
        own[source] = self._own(source).failed(now)
        in_a_row = self.in_a_row if len(self.in_a_row) >= self.least_sources else self.in_a_row | {source}
        everybody = self.everybody.failed(now)
        if len(in_a_row) < self.least_sources and everybody.open_until is not None:
            everybody = replace(self.everybody, failures=self.unused.threshold - 1)
        return replace(self, everybody=everybody, own=own, in_a_row=in_a_row)

    def abandoned(self, source: str) -> "Circuits":
        """The circuits after a question of this source ended without a result (it was cancelled)."""
        own = {**self.own, source: self.own[source].abandoned()} if source in self.own else self.own
        return replace(self, everybody=self.everybody.abandoned(), own=own)

    def _own(self, source: str) -> Breaker:
        return self.own.get(source, self.unused)
