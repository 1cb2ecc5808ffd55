"""How long a dead worker's place stays empty before it is filled again.

Owns that one rule. A worker that lived a while is replaced at once, and so is one that died early by itself; those that die early one after
the other are waited for longer each time, so that what kills them at every start does not take the machine as well. Must never give up: a
place that stays empty is said by readiness, and somebody may put right what kills.
"""

from dataclasses import dataclass

QUICK_SECONDS = 10.0
"""A worker that lived shorter died early."""
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Restarts:
    """What is known of a place: how many of its workers died early, one after the other."""

    early_deaths: int = 0

    def after(self, lived_seconds: float) -> "Restarts":
        """The same place after one more worker died, having lived so long."""
        return Restarts(self.early_deaths + 1 if lived_seconds < QUICK_SECONDS else 0)

    @property
    def pause_seconds(self) -> float:
        """How long the place stays empty now."""
        if self.early_deaths < 2:
            return 0.0
        # The exponent is bounded too: a place may die early for weeks.
        return float(min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(self.early_deaths - 2, 30)))
