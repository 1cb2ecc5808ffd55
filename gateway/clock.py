"""The only place that knows what time it is. Handed to whatever waits; ``policy`` gets plain values."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """``monotonic``: seconds, for lifetimes in memory; ``wall``: Unix seconds, for what leaves the process."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
