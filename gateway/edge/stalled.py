"""Closes the connection of a client that does not read what was written to it.

Owns one deadline of one connection. Each progress starts the deadline anew: a slow client that still reads is left alone.
Must never run while the write buffer is empty. Without this deadline such bytes would stay in memory for ever, because closing a
connection waits for them too.
"""

import asyncio
from collections.abc import Callable

from gateway.edge.relay import break_off


class Stalled:
    """Resets a connection whose write buffer did not shrink for ``seconds``."""

    __slots__ = ("_is_borne", "_loop", "_seconds", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, is_borne: Callable[[], bool]) -> None:
        """``is_borne``: whether another deadline already runs, that of the app's connection which is paused for this client."""
        self._loop = loop
        self._seconds = seconds
        self._is_borne = is_borne
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, transport: asyncio.Transport | None) -> None:
        """Start the deadline if the write buffer is not empty and no deadline runs."""
        if self._timer is None and transport is not None and (waiting := transport.get_write_buffer_size()):
            self._timer = self._loop.call_later(self._seconds, self._look, transport, waiting)

    def over(self) -> None:
        """Stop the deadline: the client reads again, or has left."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, transport: asyncio.Transport, before: int) -> None:
        self._timer = None
        if transport.get_write_buffer_size() >= before and not self._is_borne():
            break_off(transport)
        else:
            self.watch(transport)
