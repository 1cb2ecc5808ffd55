"""``Clock``: the source of the time.

Code that waits gets a ``Clock``; ``policy`` gets the time as a plain number. Tests pass a clock of their own.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """``monotonic``: seconds, for lifetimes in memory. ``wall``: Unix seconds, for times that are sent or stored."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
