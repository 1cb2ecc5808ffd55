"""Owns the control of the tests about what browsers keep: a front proxy that undoes what the gateway says about it.

With it between the browser and the gateway, the same steps must show the user before; else the tests prove nothing. It takes
``Cache-Control`` and ``Clear-Site-Data`` out of every answer, and puts in what the app itself said in ``X-App-Said``. It carries one
request per connection. The browser finds it under the gateway's own names, by Chromium's own switch.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.harness.demonstration import Stage

APP_SAID = "X-App-Said"
_OF_THE_GATEWAY = re.compile(rb"(?im)^(?:cache-control|clear-site-data):.*\r\n")
_OF_THE_APP = re.compile(rb"(?im)^x-app-said:(.*)\r\n")
_ONE_REQUEST = re.compile(rb"(?im)^connection: keep-alive\r\n")


@dataclass(slots=True)
class CarelessFront:
    """Listens on ``port``; ``undone`` counts the answers in which something was taken out."""

    gateway_port: int
    port: int = 0
    undone: int = 0
    _carrying: set[asyncio.Task[None]] = field(default_factory=set)

    def flag(self, stage: Stage) -> str:
        """The switch by which Chromium connects here wherever it means the gateway."""
        return f"--host-resolver-rules=MAP *:{urlsplit(stage.where.app).port} 127.0.0.1:{self.port}"

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection of the browser."""
        task = asyncio.create_task(self._carry(reader, writer), name="careless-front")
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def aclose(self) -> None:
        """End every connection."""
        for task in self._carrying:
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, onward = await asyncio.open_connection("127.0.0.1", self.gateway_port)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                asked = await reader.readuntil(b"\r\n\r\n")
                onward.write(_ONE_REQUEST.sub(b"Connection: close\r\n", asked))
                sending = asyncio.create_task(_pipe(reader, onward), name="careless-front-sends")
                try:
                    writer.write(self._undo(await back.readuntil(b"\r\n\r\n")))
                    await _pipe(back, writer)
                finally:
                    sending.cancel()
        finally:
            onward.close()
            writer.close()

    def _undo(self, head: bytes) -> bytes:
        said = _OF_THE_APP.search(head)
        kept, count = _OF_THE_GATEWAY.subn(b"", head)
        self.undone += bool(count)
        return kept if said is None else kept[:-2] + b"Cache-Control:" + said[1] + b"\r\n\r\n"


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(64 * 1024):
        writer.write(piece)
        await writer.drain()


@asynccontextmanager
async def careless_front(stage: Stage) -> AsyncIterator[CarelessFront]:
    """One before this arrangement's gateway."""
    port = urlsplit(stage.where.app).port
    assert port is not None
    front = CarelessFront(port)
    server = await asyncio.start_server(front.accept, "127.0.0.1", 0)
    front.port = server.sockets[0].getsockname()[1]
    try:
        yield front
    finally:
        server.close()
        await front.aclose()
