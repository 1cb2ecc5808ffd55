"""What is written to a server behind the gateway: whether it may be, and how long whoever writes much has to wait.

Owns the transport of one connection, as far as bytes go out. Must never hold a byte itself.
"""

import asyncio
import select
from typing import Protocol, cast

from gateway.errors import HungUp


class BodySource(Protocol):
    """Who writes a body as it comes."""

    def server_is_full(self, is_full: bool) -> None:
        """The server takes nothing more just now, or does again."""


class Writing(asyncio.Protocol):
    """The writing side of a connection; ``source``: whose body is being written."""

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
        """Whether the server has sent nothing that was not read yet: this process may have been too busy to read it."""
        if self._transport is None:
            return False
        connection = self._transport.get_extra_info("socket")
        if connection is None:
            return False
        looking = select.poll()
        looking.register(connection.fileno(), select.POLLIN)
        return not looking.poll(0)

    async def drained(self) -> None:
        """Wait while the server is slower than we are; HungUp where it went away."""
        if self._transport is None:
            raise HungUp("in_upload")
        if self._is_full:
            self._drained = self._drained or self._loop.create_future()
            await asyncio.shield(self._drained)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast(asyncio.Transport, transport)  # what a stream's protocol is given

    def pause_writing(self) -> None:
        """The server takes nothing more just now."""
        self._is_full = True
        if self.source is not None:
            self.source.server_is_full(True)

    def resume_writing(self) -> None:
        """It does again."""
        self._is_full = False
        if self.source is not None:
            self.source.server_is_full(False)
        self._wake()

    def _wake(self) -> None:
        """Whoever waits in ``drained``."""
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)
