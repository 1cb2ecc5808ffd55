"""How long a connection is waited for: one deadline that moves with every stage of an exchange.

Owns the timer. Timers are seldom moved, a deadline is a number: so a request costs no timer of its own. Must never be more patient than
the configuration.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from gateway.outbound import Deadlines

FIRST_BYTE: Final = "first_byte"
IDLE: Final = "idle"


class Bounded(Protocol):
    """Where the deadlines are."""

    deadlines: Deadlines


class Deadline:
    """``on_time`` is called with the stage whose time is up, also where nobody waits any more."""

    __slots__ = ("_bounds", "_deadline", "_loop", "_on_time", "_stage", "_timer")

    def __init__(self, bounds: Bounded, loop: asyncio.AbstractEventLoop, on_time: Callable[[str], None]) -> None:
        """Nothing is waited for yet."""
        self._bounds = bounds
        self._loop = loop
        self._on_time = on_time
        self._stage = ""
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, stage: str) -> None:
        """From now on so long: for the first byte of an answer, or for the next of anything."""
        deadlines = self._bounds.deadlines
        self._stage = stage
        self._deadline = self._loop.time() + (deadlines.first_byte if stage == FIRST_BYTE else deadlines.idle)
        if self._timer is None or self._timer.when() > self._deadline:
            self.end()
            self._timer = self._loop.call_at(self._deadline, self._look)

    def go_on(self) -> None:
        """Something arrived in a stage that waits for the next of it."""
        self._deadline = self._loop.time() + self._bounds.deadlines.idle

    def end(self) -> None:
        """Nothing will be waited for."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._look)
        else:
            self._on_time(self._stage)
