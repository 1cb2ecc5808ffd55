"""Whether anybody has written to the database since the last look, as far as the file system knows.

Owns what such a look compares: a look that finds nothing new costs a few microseconds, and asks SQLite nothing. Each commit writes to the
log, whose time of change moves with it. File systems move it in steps of up to 10 ms, so a log that was written to a moment before the look
tells nothing: a second commit in the same step would be missed.
"""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

QUIET_NANOSECONDS: Final = 100_000_000
"""So long before the look the log must have been written to for the last time; ten of the longest steps."""


class FileMarks:
    """The marks of some files; one must be made anew where a file of another name takes the place of one of them."""

    __slots__ = ("_before", "_now", "_paths")

    def __init__(self, log: Path, others: Iterable[Path], now: Callable[[], int] = time.time_ns) -> None:
        """``log``: what every commit writes to. ``now``: the clock of the file system, in nanoseconds."""
        self._paths = [os.fspath(path) for path in (log, *others)]
        self._now = now
        self._before: list[int] | None = None

    def are_as_before(self) -> bool:
        """Whether since the last call nothing was committed, and no file was deleted, replaced or cut short; in doubt not."""
        before, self._before = self._before, None
        try:
            found = [os.stat(path) for path in self._paths]
        except OSError:
            return False
        written = found[0].st_mtime_ns
        marks = [written]
        for one in found:
            marks += (one.st_ino, one.st_size)
        if self._now() - written > QUIET_NANOSECONDS:
            self._before = marks
        return marks == before
