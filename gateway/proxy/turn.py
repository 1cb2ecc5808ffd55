"""What is written when everything that arrived together has been read.

    a turn of the loop: read, read, read ... ──▶ its end: write, write, write ...

A write wakes whoever waits for it on another core, and that costs the writer more than the write itself: a fifth of all CPU time where
each request wrote at once, 6 % where they write together (perf, 32 connections). While the first of them works, the others are written.

Owns the end of a turn. Must never hold anything for longer, nor let one that fails keep the others from being written.
Rules from: STYLE "Async", and measurement.
"""

import asyncio
from collections.abc import Callable

Write = Callable[[], None]


class Turn:
    """Calls what it was given once this turn is over, in order."""

    __slots__ = ("_loop", "_writes")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Nothing is to be written yet."""
        self._loop = loop
        self._writes: list[Write] = []

    def later(self, write: Write) -> None:
        """Have it called; what has become of its connection meanwhile is its own business."""
        if not self._writes:
            self._loop.call_soon(self._over)
        self._writes.append(write)

    def _over(self) -> None:
        writes, self._writes = iter(self._writes), []
        try:
            for write in writes:
                write()
        finally:
            for write in writes:
                self.later(write)
