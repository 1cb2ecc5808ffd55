"""Buffers log lines for a moment and writes them together, in order, to standard error.

    soon ─▶ lines ──(32 lines, or 50 ms, or a line that must be written now)──▶ backlog ─▶ sink
                                                            │ backlog full, or sink broken: lines are lost, counted, reported later

Owns the order of lines, the bound of the backlog, and the count of lost lines. Must never raise an error to its caller, wait for a slow
reader of standard error, or keep a line back when the process ends.
Lines may come from any thread, and from a destructor that runs in the middle of a write.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Final

from gateway.observe.sinks import LARGEST_WRITE, LogSink

LARGEST_BATCH: Final = 32
"""How many lines are collected at most before they are written."""

LONGEST_WAIT_SECONDS: Final = 0.05
"""How long a line waits at most before it is written, and how long after a full sink the next attempt is made."""

LARGEST_BACKLOG: Final = 1024 * 1024
"""How many bytes are kept at most for a reader that does not read."""

LAST_WAIT_SECONDS: Final = 1.0
"""How long the process waits at most for such a reader when it ends."""

Later = Callable[[float, Callable[[], None]], object]
"""Calls a function after some seconds. It returns None if that is not possible; then the function is not called."""


def on_the_loop(seconds: float, call: Callable[[], None]) -> object:
    """A ``Later`` that uses the running event loop; None if no loop is running."""
    try:
        return asyncio.get_running_loop().call_later(seconds, call)
    except RuntimeError:
        return None


def never(seconds: float, call: Callable[[], None]) -> None:
    """A ``Later`` that is never possible, so that every line is written at once."""


class Outlet:
    """Buffers and writes whole lines, each with its line break."""

    def __init__(self, sink: LogSink, later: Later, told_lost: Callable[[int], str]) -> None:
        """``told_lost`` makes the line that reports how many lines were lost so far."""
        self._sink, self._later, self._told_lost = sink, later, told_lost
        self._lines: list[str] = []
        self._is_due = False
        self._write_lock = threading.Lock()
        self._backlog = bytearray()
        self._is_torn = False
        self._said = 0
        self.lost = 0

    def soon(self, line: str) -> None:
        """Write the line soon, together with those that follow."""
        self._lines.append(line)
        if not self._is_due or len(self._lines) >= LARGEST_BATCH:
            self._settle()

    def now(self, line: str) -> None:
        """Write the line now, after the lines that wait."""
        self._lines.append(line)
        self.flush()

    def flush(self) -> None:
        """Write the waiting lines now, as far as the sink takes them."""
        # Only one call writes at a time. Another call, from another thread or from inside of this one, only adds its line to the list: the
        # writing call looks at the list again before it returns.
        while self._write_lock.acquire(blocking=False):
            try:
                self._write()
            finally:
                self._write_lock.release()
            if not self._lines:
                break

    def close(self) -> None:
        """Write everything; wait for a slow reader, but at most ``LAST_WAIT_SECONDS``. Later lines are written at once."""
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
        """Whether the waiting lines will be written by a later call; such a call is planned if there is none."""
        if not self._is_due:
            self._is_due = self._later(LONGEST_WAIT_SECONDS, self._due) is not None
        return self._is_due

    def _due(self) -> None:
        self._is_due = False
        self.flush()

    def _write(self) -> None:
        # Deleted by length, and not replaced by a new list, because another thread may add to this list at the same time.
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
        """Write the backlog; True if all of it was written."""
        while self._backlog:
            try:
                taken = self._sink.take(bytes(self._backlog[: self._end()]))
            except OSError:
                # If the last line was written only in part, a line break is written next, so that the next line begins a new line.
                self.lost += self._backlog.count(b"\n") - self._backlog.startswith(b"\n")
                self._backlog[:] = b"\n" if self._is_torn else b""
                return False
            if not taken:
                return False
            self._is_torn = self._backlog[taken - 1] != ord("\n")
            del self._backlog[:taken]
        return True

    def _end(self) -> int:
        """The length of the next write: up to the last whole line that fits, or a part of a line that is too long by itself."""
        if len(self._backlog) <= LARGEST_WRITE:
            return len(self._backlog)
        return self._backlog.rfind(b"\n", 0, LARGEST_WRITE) + 1 or LARGEST_WRITE

    def _say_lost(self) -> None:
        # Written directly, because in the backlog it would itself count as a line that can be lost.
        notice = self._told_lost(self.lost).encode()
        try:
            taken = self._sink.take(notice)
        except OSError:
            return
        if taken:
            self._said, self._is_torn = self.lost, notice[taken - 1] != ord("\n")
            self._backlog += notice[taken:]
