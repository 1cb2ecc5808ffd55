"""Owns the clock that tests move. Checks nothing by itself."""

from dataclasses import dataclass

from gateway.clock import Clock

WALL = 1_800_000_000.0


@dataclass
class ScriptedClock:
    """A gateway's clocks, which stand still until a test moves them.

    ``passed``: seconds since the beginning; ``wall_start``, ``monotonic_start``: what they showed then. An org has its own clock.
    """

    wall_start: float = WALL
    monotonic_start: float = 1000.0
    passed: float = 0.0

    def passes(self, seconds: float) -> None:
        """Move both clocks forward."""
        self.passed += seconds

    @property
    def monotonic(self) -> float:
        return self.monotonic_start + self.passed

    @property
    def wall(self) -> float:
        return self.wall_start + self.passed

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.monotonic, lambda: self.wall)
