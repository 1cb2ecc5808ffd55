"""The deadline of a connection, to a server or to a client. It moves with every stage of an exchange, and with pieces of a body.

Owns the timer. The deadline is a number; the timer is rarely moved, and checks that number when it fires. So a request needs no timer of
its own. Must never call its owner before the deadline.
"""

import asyncio
from collections.abc import Callable
from typing import Final

NEVER: Final = float("inf")
"""The time of a deadline that does not run."""


class Deadline:
    """One deadline. When it passes, ``on_timeout`` is called, even if no request is waiting any more.

    ``at``: the time of the loop at which it passes. The owner may set a later time, or ``NEVER``; only ``move_to`` can set an earlier one.
    """

    __slots__ = ("_loop", "_on_timeout", "_timer", "at")

    def __init__(self, loop: asyncio.AbstractEventLoop, on_timeout: Callable[[], None]) -> None:
        """No deadline runs yet."""
        self._loop = loop
        self._on_timeout = on_timeout
        self._timer: asyncio.TimerHandle | None = None
        self.at = NEVER

    def move_to(self, at: float) -> None:
        """Set any time of the loop, earlier or later than the present one."""
        self.at = at
        if self._timer is None or self._timer.when() > at:
            self._cancel_timer()
            self._timer = self._loop.call_at(at, self._check)

    def cancel(self) -> None:
        """Stop the timer."""
        self.at = NEVER
        self._cancel_timer()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        self._timer = None
        if self._loop.time() >= self.at:
            self._on_timeout()
        elif self.at < NEVER:
            self._timer = self._loop.call_at(self.at, self._check)
