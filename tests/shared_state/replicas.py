"""Owns the states of several replicas on one Redis, and a wire before it that a test cuts and slows down. Checks nothing by itself."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

from gateway.clock import Clock
from gateway.errors import StateFailed
from gateway.revocations import Revocation
from gateway.shared_state import RedisAddress
from gateway.shared_state.redis import RedisState
from tests.harness.polling import moment
from tests.shared_state.engines import until

CALL_SECONDS = 0.3


class RedisReplica:
    """One process's state, what it heard, and what it told."""

    def __init__(self, place: RedisAddress, call_seconds: float = CALL_SECONDS) -> None:
        self.heard: list[Revocation] = []
        self.told: list[str] = []
        self.state = RedisState(replace(place, timeout_seconds=call_seconds), Clock(time.monotonic, time.time), self._tell)

    def _tell(self, event: str, figures: Mapping[str, object]) -> None:
        self.told.append(event)

    async def follow(self) -> None:
        await self.state.follow(lambda remembered: self.heard.append(remembered.revocation))

    async def until_heard(self, *revocations: Revocation) -> None:
        await until(lambda: set(revocations) <= set(self.heard))

    async def until_ready(self, is_ready: bool = True) -> None:
        await until(lambda: self.state.ready is is_ready)

    async def until_claimed(self, key: bytes) -> None:
        async with asyncio.timeout(15):
            while True:
                try:
                    await self.state.claim("ticket", key, 60.0)
                    return
                except StateFailed:
                    await moment(0.02)


@asynccontextmanager
async def replicas(place: RedisAddress, number: int = 2, call_seconds: float = CALL_SECONDS) -> AsyncIterator[list[RedisReplica]]:
    made = [RedisReplica(place, call_seconds) for _ in range(number)]
    try:
        for one in made:
            await one.follow()
        yield made
    finally:
        for one in made:
            await one.state.aclose()


@asynccontextmanager
async def wired(place: RedisAddress) -> AsyncIterator[tuple["RedisProxy", RedisAddress]]:
    """A wire to this server, and the place of its other end."""
    wire = RedisProxy(place.port)
    through = replace(place, port=await wire.start())
    try:
        yield wire, through
    finally:
        await wire.aclose()


class RedisProxy:
    """A proxy before the server that a test cuts and mends. While ``readers_go_on`` is clear, readers get no answers, and calls do."""

    def __init__(self, port: int) -> None:
        self._to, self._open = port, list[asyncio.StreamWriter]()
        self.is_cut = False
        self.delay_seconds = 0.0
        self.readers_go_on = asyncio.Event()
        self.readers_go_on.set()

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def cut(self) -> None:
        self.is_cut = True
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        self._open += [writer, back]
        asked = asyncio.Event()  # that connection is one of a reader, which waits for what others publish
        await asyncio.gather(self._pump(reader, back, asked, None), self._pump(there, writer, None, asked))

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asks: asyncio.Event | None, asked: asyncio.Event | None
    ) -> None:
        try:
            while data := await reader.read(65536):
                await moment(self.delay_seconds)
                if asks is not None and b"BLOCK" in data:
                    asks.set()
                if asked is not None and asked.is_set():
                    await self.readers_go_on.wait()
                writer.write(data)
        except OSError:
            pass
        writer.close()

    async def aclose(self) -> None:
        self.readers_go_on.set()
        self.cut()
        self._server.close()
