"""Where lines end: a descriptor that may be full, broken or gone, or a stream that a test reads.

Owns the one promise about both: taking bytes never waits. A reader of standard error that stands still (a paused terminal, a log collector
that hangs) must not stand the gateway still with it. Must never change how a descriptor behaves for others who share it.
"""

import os
import select
import stat
from typing import Protocol, TextIO

LARGEST_WRITE = select.PIPE_BUF
"""Bytes of one write at most: a pipe takes so many whole or not at all, so that the lines of several workers on one standard error do not
mix, and where it has any room, it has that much."""


class LogSink(Protocol):
    """Takes bytes without waiting."""

    def take(self, lines: bytes) -> int:
        """How many bytes were taken, 0 while there is no room; OSError where they cannot be written at all."""

    def wait(self, seconds: float) -> None:
        """Until there may be room, so long at most."""

    def close(self) -> None:
        """Give back what was opened here."""


class StreamSink:
    """A text stream in this process, or none."""

    def __init__(self, stream: TextIO | None) -> None:
        """The stream stays its owner's. None: a process that was started without standard error has nowhere to write."""
        self._stream = stream

    def take(self, lines: bytes) -> int:
        """All of them; a stream that was closed is broken like a pipe."""
        if self._stream is None:
            raise BrokenPipeError("there is no stream")
        try:
            self._stream.write(lines.decode("utf-8", "replace"))
            self._stream.flush()
        except ValueError as error:
            raise BrokenPipeError("the stream is closed") from error
        return len(lines)

    def wait(self, seconds: float) -> None:
        """There is always room."""

    def close(self) -> None:
        """Nothing was opened."""


class DescriptorSink:
    """A pipe, a terminal, a socket or a file."""

    def __init__(self, descriptor: int) -> None:
        """The descriptor stays its owner's."""
        self._own = _opened_anew(descriptor)
        self._descriptor = descriptor if self._own is None else self._own
        self._room = select.poll()
        self._room.register(self._descriptor, select.POLLOUT)

    def take(self, lines: bytes) -> int:
        """As many as there is room for."""
        try:
            return os.write(self._descriptor, lines) if self._room.poll(0) else 0
        except BlockingIOError:
            return 0

    def wait(self, seconds: float) -> None:
        """Until there is room, or nobody left to make any."""
        self._room.poll(seconds * 1000)

    def close(self) -> None:
        """Close what was opened anew."""
        if self._own is not None:
            os.close(self._own)
            # The number may soon be somebody else's.
            self._own, self._descriptor = None, -1


def _opened_anew(descriptor: int) -> int | None:
    """The same pipe or terminal, opened once more, so that only we do not wait there: the flag belongs to the opening, and the opening that
    was handed to us is shared with whoever started us. None where that cannot be done; asking for room before each write is then all.
    """
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
            return os.open(f"/dev/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return None
    return None


def sink_of(stream: TextIO | None) -> LogSink:
    """For a stream with a descriptor the descriptor, and for one that somebody put in its place, or none at all, the stream."""
    try:
        return StreamSink(None) if stream is None else DescriptorSink(stream.fileno())
    except (OSError, ValueError):
        return StreamSink(stream)
