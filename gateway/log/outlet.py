"""The way of every line to standard error: collected for a moment, written together, in order.

    soon ─▶ lines ──(so many, or so long, or a line that goes now)──▶ backlog ─▶ sink
                                                                        │ too much, or the sink is broken: lost, counted, told later

Owns the order of lines, the bound on what waits, and the count of what was lost. Must never raise into whoever reports something, wait
for a reader, or keep a line back when the process ends. Lines may come from any thread, and from a destructor in the middle of a write.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Final

from gateway.log.sinks import LARGEST_WRITE, LogSink

LARGEST_BATCH: Final = 32
"""Lines that wait at most before they are written."""

LONGEST_WAIT_SECONDS: Final = 0.05
"""How long a line waits at most before it is written, and how long the next attempt takes where there was no room."""

LARGEST_BACKLOG: Final = 1024 * 1024
"""Bytes that wait at most for a reader that does not read."""

LAST_WAIT_SECONDS: Final = 1.0
"""How long the end of the process waits at most for such a reader."""

Later = Callable[[float, Callable[[], None]], object]
"""Calls something after so many seconds; the answer is None where nothing can be called later."""


def on_the_loop(seconds: float, call: Callable[[], None]) -> object:
    """Later on the running loop; without one there is no later."""
    try:
        return asyncio.get_running_loop().call_later(seconds, call)
    except RuntimeError:
        return None


def never(seconds: float, call: Callable[[], None]) -> None:
    """There is no later: every line is written at once."""


class Outlet:
    """Takes whole lines, each with its line break."""

    def __init__(self, sink: LogSink, later: Later, told_lost: Callable[[int], str]) -> None:
        """``told_lost`` makes the line that says how many lines were lost so far."""
        self._sink, self._later, self._told_lost = sink, later, told_lost
        self._lines: list[str] = []
        self._is_due = False
        self._turn = threading.Lock()
        self._backlog = bytearray()
        self._is_torn = False
        self._said = 0
        self.lost = 0

    def soon(self, line: str) -> None:
        """Write it with those that come within a moment."""
        self._lines.append(line)
        if not self._is_due or len(self._lines) >= LARGEST_BATCH:
            self._settle()

    def now(self, line: str) -> None:
        """Write it behind those that wait."""
        self._lines.append(line)
        self.flush()

    def flush(self) -> None:
        """Write now what there is room for."""
        # Only one writes; whoever comes meanwhile leaves the line to it, even from inside this very call: it looks again before it goes.
        while self._turn.acquire(blocking=False):
            try:
                self._write()
            finally:
                self._turn.release()
            if not self._lines:
                break

    def close(self) -> None:
        """Write everything; a reader that stands still is waited for, but not for long. What comes after goes the same way, at once."""
        self._later, self._is_due = never, False
        self.flush()
        for _ in range(10):
            if not self._backlog:
                break
            self._sink.wait(LAST_WAIT_SECONDS / 10)
            self.flush()

    def _settle(self) -> None:
        if len(self._lines) >= LARGEST_BATCH or not self._waits():
            self.flush()

    def _waits(self) -> bool:
        """Whether somebody will come back for what waits."""
        if not self._is_due:
            self._is_due = self._later(LONGEST_WAIT_SECONDS, self._due) is not None
        return self._is_due

    def _due(self) -> None:
        self._is_due = False
        self.flush()

    def _write(self) -> None:
        # Cut off by its length, not swapped: another thread may be adding to this very list.
        fresh = self._lines[:]
        del self._lines[: len(fresh)]
        if self._poured() and self.lost > self._said:
            self._say_lost()
        added = "".join(fresh).encode("utf-8", "backslashreplace")
        if len(self._backlog) + len(added) > LARGEST_BACKLOG:
            self.lost += len(fresh)
        else:
            self._backlog += added
        if not self._poured() and self._backlog:
            self._waits()

    def _poured(self) -> bool:
        """Whether all that waits is written."""
        while self._backlog:
            try:
                taken = self._sink.take(bytes(self._backlog[: self._end()]))
            except OSError:
                # A line may be cut in two: its end is written for it, so that its first half does not spoil the next.
                self.lost += self._backlog.count(b"\n") - self._backlog.startswith(b"\n")
                self._backlog[:] = b"\n" if self._is_torn else b""
                return False
            if not taken:
                return False
            self._is_torn = self._backlog[taken - 1] != ord("\n")
            del self._backlog[:taken]
        return True

    def _end(self) -> int:
        """Where the next write ends: after the last line that fits, or within a line that does not fit by itself."""
        if len(self._backlog) <= LARGEST_WRITE:
            return len(self._backlog)
        return self._backlog.rfind(b"\n", 0, LARGEST_WRITE) + 1 or LARGEST_WRITE

    def _say_lost(self) -> None:
        # Not by way of the backlog, where it would count as a line itself.
        notice = self._told_lost(self.lost).encode()
        try:
            taken = self._sink.take(notice)
        except OSError:
            return
        if taken:
            self._said, self._is_torn = self.lost, notice[taken - 1] != ord("\n")
            self._backlog += notice[taken:]
