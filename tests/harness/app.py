"""An app that records requests in bytes, and answers as a test says. Checks nothing by itself."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

Script = Callable[["Visit"], Awaitable[None]]


@dataclass
class Visit:
    """One request at the server behind: its head as bytes, and the streams to go on with."""

    head: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int

    @property
    def line(self) -> bytes:
        return self.head.split(b"\r\n")[0]

    @property
    def fields(self) -> list[bytes]:
        return self.head.split(b"\r\n")[1:-2]

    def value(self, name: bytes) -> bytes | None:
        found = [line.split(b": ", 1)[1] for line in self.fields if line.lower().startswith(name + b":")]
        return found[0] if found else None

    async def body(self) -> bytes:
        if self.value(b"transfer-encoding") == b"chunked":
            return await self.reader.readuntil(b"0\r\n\r\n")
        return await self.reader.readexactly(int(self.value(b"content-length") or b"0"))

    async def say(self, text: bytes) -> None:
        self.writer.write(text)
        await self.writer.drain()


async def hello(visit: Visit) -> None:
    await visit.body()
    await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + (b"" if visit.line.startswith(b"HEAD") else b"hello"))


async def greets(visit: Visit) -> None:
    """Answer with the user that the app was told."""
    await visit.body()
    await greet(visit)


async def greet(visit: Visit) -> None:
    """The same, once the body was read."""
    text = b"hello " + (visit.value(b"remote-user") or visit.value(b"x-auth-user") or b"")
    await visit.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(text) + text)


def answering(text: bytes, *, then_close: bool = False) -> Script:
    async def script(visit: Visit) -> None:
        await visit.body()
        await visit.say(text)
        if then_close:
            visit.writer.close()

    return script


@dataclass
class Behind:
    """The server behind. ``script`` answers each request; ``visits`` has them all; ``gone`` is set when a connection ends."""

    script: Script = hello
    visits: list[Visit] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0
    serving: set[asyncio.Task[None] | None] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.serving.add(asyncio.current_task())
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                visit = Visit(head, reader, writer, len(self.visits) + 1)
                self.visits.append(visit)
                self.arrived.set()
                await self.script(visit)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            self.open -= 1
            self.serving.discard(asyncio.current_task())
            self.gone.set()

    def give_up(self) -> None:
        """End scripts that a test which failed will never let go on: else its end is waited for in vain."""
        for task in self.serving:
            if task is not None:
                task.cancel()

    @property
    def last(self) -> Visit:
        return self.visits[-1]
