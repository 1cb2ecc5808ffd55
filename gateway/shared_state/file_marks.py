"""A cheap check, by file metadata, whether any process has written to the database since the last check.

A check that finds no change takes a few microseconds and does not call SQLite. Each commit writes to the write-ahead log, which changes the
log's modification time. File systems change that time in steps of up to 10 ms. So if the log was written just before the check, the result
is "changed", because a second commit in the same step would not be visible.
"""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

QUIET_NANOSECONDS: Final = 100_000_000
"""The log's last write must be at least so long ago, or else the check says "changed". It is ten times the longest step."""


class FileMarks:
    """The metadata of some files: inode, size, and the log's modification time. For files with other names make a new object."""

    __slots__ = ("_before", "_now", "_paths")

    def __init__(self, log: Path, others: Iterable[Path], now: Callable[[], int] = time.time_ns) -> None:
        """``log``: the file that every commit writes to. ``now``: the clock of the file system, in nanoseconds."""
        self._paths = [os.fspath(path) for path in (log, *others)]
        self._now = now
        self._before: list[int] | None = None

    def are_as_before(self) -> bool:
        """Whether nothing was committed and no file was deleted, replaced or cut short since the last call. If in doubt, False."""
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
