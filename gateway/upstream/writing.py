"""The writing half of a connection to a server: is it open, is its write buffer full, and has the server sent anything.

Owns the transport of the connection. Must never buffer a byte itself.
"""

import asyncio
import select
from typing import Protocol, cast

from gateway.errors import HungUp


class BodySource(Protocol):
    """Writes a body to the server as it arrives from the client."""

    def server_is_full(self, is_full: bool) -> None:
        """The server's write buffer is full (True), or has room again (False)."""


class Writing(asyncio.Protocol):
    """The writing half of a connection. ``source``: the writer of the body that is being sent, or None."""

    __slots__ = ("_drained", "_is_full", "_loop", "_transport", "source")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Not connected yet."""
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._is_full = False
        self._drained: asyncio.Future[None] | None = None
        self.source: BodySource | None = None

    @property
    def is_open(self) -> bool:
        """Whether a request may still be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def is_silent(self) -> bool:
        """Whether the socket holds no unread bytes of the server. This process may have been too busy to read them."""
        if self._transport is None:
            return False
        connection = self._transport.get_extra_info("socket")
        if connection is None:
            return False
        looking = select.poll()
        looking.register(connection.fileno(), select.POLLIN)
        return not looking.poll(0)

    async def drained(self) -> None:
        """Wait until the server's write buffer has room. Raises ``HungUp`` if the connection is already closed."""
        if self._transport is None:
            raise HungUp("in_upload")
        if self._is_full:
            self._drained = self._drained or self._loop.create_future()
            await asyncio.shield(self._drained)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is open."""
        self._transport = cast(asyncio.Transport, transport)  # what a stream's protocol is given

    def pause_writing(self) -> None:
        """The server's write buffer is full."""
        self._is_full = True
        if self.source is not None:
            self.source.server_is_full(True)

    def resume_writing(self) -> None:
        """The server's write buffer has room again."""
        self._is_full = False
        if self.source is not None:
            self.source.server_is_full(False)
        self._wake()

    def _wake(self) -> None:
        """Wake the coroutines that wait in ``drained``."""
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)
