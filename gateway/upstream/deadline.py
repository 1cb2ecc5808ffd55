"""The deadline of one connection to a server. It changes with every stage of an exchange (first byte, idle).

Owns the timer. The deadline is a number; the timer is rarely moved, and checks that number when it fires. So a request needs no timer of
its own. Must never wait longer than the configuration says.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from gateway.outbound import Timeouts

FIRST_BYTE: Final = "first_byte"
IDLE: Final = "idle"


class Bounded(Protocol):
    """Holds the configured timeouts."""

    timeouts: Timeouts


class Deadline:
    """One deadline. When it passes, ``on_time`` is called with the stage, even if no request is waiting any more."""

    __slots__ = ("_bounds", "_deadline", "_loop", "_on_time", "_stage", "_timer")

    def __init__(self, bounds: Bounded, loop: asyncio.AbstractEventLoop, on_time: Callable[[str], None]) -> None:
        """No deadline runs yet."""
        self._bounds = bounds
        self._loop = loop
        self._on_time = on_time
        self._stage = ""
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, stage: str) -> None:
        """Begin a stage and its deadline: ``first_byte`` of the configuration for ``FIRST_BYTE``, ``idle`` for every other stage."""
        timeouts = self._bounds.timeouts
        self._stage = stage
        self._deadline = self._loop.time() + (timeouts.first_byte if stage == FIRST_BYTE else timeouts.idle)
        if self._timer is None or self._timer.when() > self._deadline:
            self.end()
            self._timer = self._loop.call_at(self._deadline, self._look)

    def go_on(self) -> None:
        """A piece of the body arrived: wait for the next one."""
        self._deadline = self._loop.time() + self._bounds.timeouts.idle

    def end(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._look)
        else:
            self._on_time(self._stage)
