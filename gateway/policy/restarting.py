"""How long the supervisor waits before it replaces a worker process that died.

A worker that ran for at least ``QUICK_SECONDS`` is replaced at once. So is the first one that died earlier. After several early deaths one
after the other, the pause doubles each time, up to ``LONGEST_PAUSE_SECONDS``: a fault that kills each new worker at its start must not use
up the machine. The supervisor must never give up: the readiness check reports the missing worker, and the operator may remove the cause.
"""

from dataclasses import dataclass

QUICK_SECONDS = 10.0
"""A worker that ran for less than this died early."""
FIRST_PAUSE_SECONDS = 0.5
"""The pause after the second early death. Each further early death doubles it."""
LONGEST_PAUSE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Restarts:
    """The restart state of one worker slot: how many of its workers died early, one after the other."""

    early_deaths: int = 0

    def after(self, lived_seconds: float) -> "Restarts":
        """The state after one more worker died, which had run for ``lived_seconds``."""
        return Restarts(self.early_deaths + 1 if lived_seconds < QUICK_SECONDS else 0)

    @property
    def pause_seconds(self) -> float:
        """How many seconds to wait before the next worker is started in this slot."""
        if self.early_deaths < 2:
            return 0.0
        # The exponent is bounded too: workers of a slot may die early for weeks, and 2 ** n would become huge.
        return float(min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(self.early_deaths - 2, 30)))
