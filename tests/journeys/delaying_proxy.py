"""A TCP proxy that delays: it passes bytes unchanged, each piece later by a given time.

Owns the connections. ``to`` can be changed to another server at any time. Checks nothing by itself.
"""

import asyncio
from collections.abc import Sequence
from itertools import cycle

from tests.harness.polling import moment


class DelayingProxy:
    """``to``: the server's port. Begin with ``start``; end with ``aclose``."""

    def __init__(self) -> None:
        self.to = 0
        self._delays = cycle((0.0,))
        self._going: set[asyncio.Task[None]] = set()

    def takes(self, delays: Sequence[float]) -> None:
        """From now on the next pieces take so many seconds, in turn."""
        self._delays = cycle(delays)

    async def start(self) -> int:
        """The port on this side."""
        self._server = await asyncio.start_server(self._begin, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def aclose(self) -> None:
        """Break off what is open."""
        self._server.close()
        for task in self._going:
            task.cancel()
        await asyncio.gather(*self._going, return_exceptions=True)

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer))
        self._going.add(task)
        task.add_done_callback(self._going.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.to)
        except OSError:
            writer.transport.abort()
            return
        try:
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        except asyncio.CancelledError:
            back.transport.abort()
            writer.transport.abort()
            raise

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(65536):
                await moment(next(self._delays))
                writer.write(piece)
        except OSError:
            pass
        writer.close()
