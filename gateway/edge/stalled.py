"""A client that takes nothing of what waits for it: how long that is borne.

Owns one deadline of one connection, which begins anew with every progress: who is slow but takes something is left alone. Must never run
while nothing waits. Without it bytes wait for ever: closing waits for them too.
"""

import asyncio
from collections.abc import Callable

from gateway.edge.relay import break_off


class Stalled:
    """Breaks a connection of which nothing was taken for so many seconds."""

    __slots__ = ("_is_borne", "_loop", "_seconds", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, is_borne: Callable[[], bool]) -> None:
        """Nothing waits yet. ``is_borne``: another deadline is running, that of the app which waits for this client."""
        self._loop = loop
        self._seconds = seconds
        self._is_borne = is_borne
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, transport: asyncio.Transport | None) -> None:
        """Look at what waits in there, where anything does."""
        if self._timer is None and transport is not None and (waiting := transport.get_write_buffer_size()):
            self._timer = self._loop.call_later(self._seconds, self._look, transport, waiting)

    def over(self) -> None:
        """The client takes more, or is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, transport: asyncio.Transport, before: int) -> None:
        self._timer = None
        if transport.get_write_buffer_size() >= before and not self._is_borne():
            break_off(transport)
        else:
            self.watch(transport)
