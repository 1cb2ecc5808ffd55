"""The sinks that log lines are written to: a file descriptor such as standard error, or a text stream in tests.

Owns one promise: writing never waits. If the reader of standard error stops reading (a paused terminal, a log collector that hangs), the
gateway must not stop. Must never set a descriptor to non-blocking that other processes share, because it would change for them too.
"""

import os
import select
import stat
from typing import Protocol, TextIO

LARGEST_WRITE = select.PIPE_BUF
"""The largest write, in bytes. A pipe takes up to this many bytes in one piece, so that lines of several workers on one standard error do
not mix. A pipe that reports room has room for this many."""


class LogSink(Protocol):
    """Takes bytes without waiting."""

    def take(self, lines: bytes) -> int:
        """Write without waiting; returns how many bytes were taken, 0 if there is no room. OSError if it is broken."""

    def wait(self, seconds: float) -> None:
        """Wait until there may be room, at most ``seconds``."""

    def close(self) -> None:
        """Close what this object itself has opened."""


class StreamSink:
    """A sink for a text stream in this process, or for no stream."""

    def __init__(self, stream: TextIO | None) -> None:
        """The stream is not closed here. None: this process was started without standard error, and every line is lost."""
        self._stream = stream

    def take(self, lines: bytes) -> int:
        """Write all bytes. A closed stream raises BrokenPipeError, as a broken pipe does."""
        if self._stream is None:
            raise BrokenPipeError("there is no stream")
        try:
            self._stream.write(lines.decode("utf-8", "replace"))
            self._stream.flush()
        except ValueError as error:
            raise BrokenPipeError("the stream is closed") from error
        return len(lines)

    def wait(self, seconds: float) -> None:
        """Does nothing: a stream always has room."""

    def close(self) -> None:
        """Does nothing: nothing was opened here."""


class DescriptorSink:
    """A sink for a descriptor: a pipe, a terminal, a socket or a file."""

    def __init__(self, descriptor: int) -> None:
        """The descriptor is not closed here."""
        self._own = _opened_anew(descriptor)
        self._descriptor = descriptor if self._own is None else self._own
        self._room = select.poll()
        self._room.register(self._descriptor, select.POLLOUT)

    def take(self, lines: bytes) -> int:
        """Write as many bytes as there is room for."""
        try:
            return os.write(self._descriptor, lines) if self._room.poll(0) else 0
        except BlockingIOError:
            return 0

    def wait(self, seconds: float) -> None:
        """Wait until there is room, or the reader has closed its end; at most ``seconds``."""
        self._room.poll(seconds * 1000)

    def close(self) -> None:
        """Close the descriptor that was opened anew."""
        if self._own is not None:
            os.close(self._own)
            # The number may soon belong to another file of this process.
            self._own, self._descriptor = None, -1


def _opened_anew(descriptor: int) -> int | None:
    """The same pipe or terminal, opened again as non-blocking; None if that is not possible, then ``poll`` before each write must suffice.

    The flag ``O_NONBLOCK`` belongs to the open file description, which this process shares with the one that started it.
    """
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
            return os.open(f"/dev/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return None
    return None


def sink_of(stream: TextIO | None) -> LogSink:
    """The sink for a stream: a ``DescriptorSink`` if the stream has a descriptor, else a ``StreamSink``."""
    try:
        return StreamSink(None) if stream is None else DescriptorSink(stream.fileno())
    except (OSError, ValueError):
        return StreamSink(stream)
