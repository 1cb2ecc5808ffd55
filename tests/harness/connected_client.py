"""Clients that keep their connection, and so stay with one worker. Checks nothing by itself."""

import asyncio
from dataclasses import dataclass

from tests.harness.browser import HR

PATIENCE = 60.0


@dataclass
class Caller:
    """A client that stays on its connection, and with it on its worker."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, target: str, *lines: str, origin: str = HR, method: str = "GET") -> tuple[int, str]:
        """Status and body of the answer; status 0 where the connection broke before there was one."""
        return await self.send("\r\n".join((f"{method} {target} HTTP/1.1", f"Host: {origin.partition('://')[2]}", *lines, "", "")))

    async def send(self, head: str, body: bytes = b"") -> tuple[int, str]:
        """The same for a request that is written already."""
        try:
            async with asyncio.timeout(PATIENCE):
                self.writer.write(head.encode("latin-1") + body)
                await self.writer.drain()
                return await self._answer()
        except (ConnectionError, asyncio.IncompleteReadError):
            return 0, ""

    async def _answer(self) -> tuple[int, str]:
        answered = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        fields = dict(line.lower().split(": ", 1) for line in answered.split("\r\n")[1:] if line)
        body = await self.reader.readexactly(int(fields.get("content-length", 0)))
        return int(answered.split(" ")[1]), body.decode()

    async def close(self) -> None:
        """Leave."""
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            return
