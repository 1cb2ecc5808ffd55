"""Clocks that tests move. Check nothing by themselves."""

import time
from dataclasses import dataclass, field

from gateway.clock import Clock


@dataclass
class Times:
    """A clock that tests move. The org has its own clock, which is not moved."""

    began: float = field(default_factory=time.time)
    passed: float = 0.0

    def clock(self) -> Clock:
        return Clock(monotonic=lambda: self.passed, wall=lambda: self.began + self.passed)
