"""The wire between the supervisor and one worker: messages on a pair of sockets that nobody else has.

Owns the framing (four bytes of length, then the message) and the bound on what waits to be sent: an end that does not read is ended, never
waited for without limit. Must never hand on half a message. Rules from: STYLE "Async".
"""

import asyncio
import socket
from contextlib import suppress

from gateway.supervisor.messages import BadMessage, Message
from gateway.supervisor.spelling import LARGEST_MESSAGE_BYTES, decoded, encoded

_LENGTH_BYTES = 4
LARGEST_BACKLOG_BYTES = 16 * 1024 * 1024
CLOSING_SECONDS = 1.0


class Channel:
    """One end. Close it with ``aclose``."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The two streams of one connected socket."""
        self._reader = reader
        self._writer = writer

    @classmethod
    async def on(cls, connected: socket.socket) -> "Channel":
        """The channel on one end of a socket pair, which it owns from now on."""
        connected.setblocking(False)
        return cls(*await asyncio.open_unix_connection(sock=connected))

    def send(self, message: Message) -> bool:
        """Hand the message over, in order, without waiting; False where the channel is closed.

        ``BadMessage`` where too much waits already: the other end does not read.
        """
        if self._writer.is_closing():
            return False
        if self._writer.transport.get_write_buffer_size() > LARGEST_BACKLOG_BYTES:
            raise BadMessage("does not read")
        written = encoded(message)
        self._writer.write(len(written).to_bytes(_LENGTH_BYTES, "big") + written)
        return True

    async def drain(self) -> None:
        """Wait until the other end has taken most of what was sent, or the channel is closed."""
        with suppress(OSError):
            await self._writer.drain()

    async def receive(self) -> Message | None:
        """The next message; None when the other end is gone. ``BadMessage`` for what is none."""
        try:
            length = int.from_bytes(await self._reader.readexactly(_LENGTH_BYTES), "big")
            if length > LARGEST_MESSAGE_BYTES:
                raise BadMessage("too large")
            return decoded(await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, OSError):
            return None

    async def aclose(self) -> None:
        """Close this end; what was sent goes out first, unless the other end does not take it."""
        self._writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._writer.wait_closed()
        self._writer.transport.abort()
