"""A client's connection in bytes. Checks nothing by itself."""

import asyncio
import contextlib
from dataclasses import dataclass

PATIENCE = 30.0


@dataclass
class Wire:
    """A client's connection, in bytes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, text: bytes) -> None:
        self.writer.write(text)
        await self.writer.drain()

    async def until(self, mark: bytes) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await self.reader.readuntil(mark)

    async def exactly(self, count: int) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await self.reader.readexactly(count)

    async def head(self) -> bytes:
        return await self.until(b"\r\n\r\n")

    async def rest(self) -> bytes:
        """Everything until the end; ConnectionResetError where the connection broke instead of ending."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read()

    async def ask(self, text: bytes) -> bytes:
        await self.say(text)
        return await self.rest()

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()
