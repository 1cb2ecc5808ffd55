"""Exchanges that are cut after any byte, by either side: what is sent, what is due, and what a client makes of what it got.

Owns one number for each request, which its answer repeats: so whoever gets another's answer can tell. Checks nothing by itself but that.
"""

import asyncio
import itertools
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum

from gateway.edge.frames import close_frame
from tests.harness.app import Behind, Visit
from tests.harness.websocket import KEY, MASK, accept, frame
from tests.harness.wire import PATIENCE, Wire
from tests.upstream.proxy import HOST

_NUMBERS = itertools.count(100_000)
_SHAKE = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + b"\r\n"
_OPEN = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept(KEY) + b"\r\n\r\n"
)


class How(Enum):
    """In which way a side hangs up."""

    FIN = "fin"
    RST = "rst"
    NOT = "not"  # it waits for the other


@dataclass(frozen=True)
class ExchangeKind:
    """One exchange: from its number the request and the answer of the app. ``fields``: further lines of the request.

    ``is_early``: the app answers without reading the body, a first byte of which has to be there.
    """

    line: bytes
    fields: bytes = b""
    body: bytes = b""
    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n%d"
    is_early: bool = False

    def request(self, number: int, host: bytes) -> bytes:
        """The whole request."""
        return self.line % number + b" HTTP/1.1\r\n" + host + self.fields + b"\r\n" + self.body

    def answered(self, number: int) -> bytes:
        """The whole answer."""
        return self.answer.replace(b"%d", b"%d" % number)


KINDS = {
    "length": ExchangeKind(b"GET /%d"),
    "chunks": ExchangeKind(
        b"GET /%d",
        answer=b"HTTP/1.1 200 OK\r\nX-Long: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n6;x=1\r\n%d\r\n1\r\n]\r\n0\r\nX: 1\r\n\r\n",
    ),
    "HEAD": ExchangeKind(b"HEAD /%d", answer=b"HTTP/1.1 200 OK\r\nX-Number: %d\r\nContent-Length: 6\r\n\r\n"),
    "interim": ExchangeKind(b"GET /%d", answer=b"HTTP/1.1 103 Early Hints\r\nX: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n%d"),
    "upload": ExchangeKind(b"POST /%d", b"Content-Length: 5\r\n", b"12345"),
    "upload in chunks": ExchangeKind(b"POST /%d", b"Transfer-Encoding: chunked\r\n", b"2\r\n12\r\n3\r\n345\r\n0\r\n\r\n"),
    "early answer": ExchangeKind(b"POST /%d", b"Content-Length: 20\r\n", b"GET /0 HTTP/1.1\r\n\r\nx", is_early=True),
    "WebSocket": ExchangeKind(
        b"GET /%d", _SHAKE, frame(b"hello", 1, mask=MASK), _OPEN + frame(b"%d0000", 1).replace(b"\x81\x06", b"\x81\x0a")
    ),
}


async def hang_up(writer: asyncio.StreamWriter, how: How) -> None:
    """End a connection, in order or not."""
    if how is How.RST:
        with suppress(OSError):
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


@dataclass
class CuttingApp:
    """An app that answers every number, and hangs up where ``cuts`` says so. ``whole``: numbers whose request came whole."""

    kinds: dict[int, ExchangeKind] = field(default_factory=dict)
    cuts: dict[int, tuple[int, How]] = field(default_factory=dict)
    whole: set[int] = field(default_factory=set)
    waits: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, visit: Visit) -> None:
        """The script of ``Behind``."""
        number = int(visit.line.split(b" ")[1][1:])
        kind = self.kinds[number]
        if kind is KINDS["WebSocket"]:
            await visit.say(_OPEN[: self.cuts[number][0]] if number in self.cuts else _OPEN)
            if self.cuts.get(number, (len(_OPEN), How.FIN))[0] >= len(_OPEN):
                await visit.reader.readexactly(len(kind.body))
            await self._rest(visit, number, kind.answered(number), len(_OPEN))
            raise ConnectionError
        if kind.is_early:
            await visit.reader.readexactly(1)
        else:
            await visit.body()
            self.whole.add(number)
        await self._rest(visit, number, kind.answered(number), 0)

    async def _rest(self, visit: Visit, number: int, text: bytes, said: int) -> None:
        if number not in self.cuts:
            return await visit.say(text[said:])
        place, how = self.cuts[number]
        await visit.say(text[said:place])
        if how is How.NOT:
            self.waits.set()
            while await visit.reader.read(65536):  # what was under way
                pass
        await hang_up(visit.writer, how)
        raise ConnectionError

    def ask(self, kind: ExchangeKind, cut: tuple[int, How] | None = None) -> int:
        """A number for one request."""
        number = next(_NUMBERS)
        self.kinds[number] = kind
        if cut is not None:
            self.cuts[number] = cut
        return number


def is_whole(kind: ExchangeKind, number: int, got: bytes) -> bool:
    """Whether a client takes this for the whole answer. AssertionError where it is another's, or was made longer or different."""
    head, end, body = got.partition(b"\r\n\r\n")
    status = head[9:12]
    if not end or status[:1] in (b"4", b"5"):
        return False
    if kind is KINDS["WebSocket"]:
        assert status == b"101"
        due = kind.answered(number)[len(_OPEN) :]
        assert due.startswith(body) or body in (due + close_frame(1014), close_frame(1014)), got
        return body.startswith(due)
    assert status == b"200", got
    if kind is KINDS["HEAD"]:
        assert b"X-Number: %d" % number in head and body == b"", got
        return True
    due = b"[%d]" % number if kind is KINDS["chunks"] else b"%d" % number
    plain, is_over = _unchunked(body) if b"Transfer-Encoding: chunked" in head else (body, len(body) == 6)
    assert due.startswith(plain) and (not is_over or plain == due), got
    return is_over


def _unchunked(body: bytes) -> tuple[bytes, bool]:
    plain = b""
    while True:
        size, end, rest = body.partition(b"\r\n")
        if not end:
            return plain, False
        length = int(size, 16)
        if not length:
            return plain, rest == b"\r\n"
        plain, body = plain + rest[:length], rest[length + 2 :]


Connect = Callable[[], Awaitable[Wire]]


async def taken(connect: Connect, kind: ExchangeKind, number: int, host: bytes = HOST) -> bytes:
    """What a client gets that asks on a connection of its own, and reads as far as an answer goes."""
    wire, got = await connect(), bytearray()
    try:
        with suppress(ConnectionError):
            await wire.say(kind.request(number, host))
            async for piece in pieces(wire):
                got += piece
                if is_whole(kind, number, bytes(got)) or (bytes(got[9:10]) in (b"4", b"5") and b"\r\n\r\n" in got):
                    break
        return bytes(got)
    finally:
        await hang_up(wire.writer, How.FIN)


async def asked(connect: Connect, kind: ExchangeKind, number: int, host: bytes = HOST) -> bool:
    """The same, as ``is_whole``."""
    return is_whole(kind, number, await taken(connect, kind, number, host))


async def left(connect: Connect, request: bytes, read: int, how: How) -> None:
    """Send these bytes, read so many of an answer, and hang up."""
    wire = await connect()
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        await wire.say(request)
        if read:
            await wire.exactly(read)
    await hang_up(wire.writer, how)


async def left_waiting(connect: Connect, request: bytes, waits: asyncio.Event, how: How) -> None:
    """Send a request, and hang up when the app waits in the middle of its answer."""
    wire = await connect()
    waits.clear()
    await wire.say(request)
    async with asyncio.timeout(PATIENCE):
        await waits.wait()
    await hang_up(wire.writer, how)


async def pieces(wire: Wire) -> AsyncIterator[bytes]:
    """What arrives until the connection ends."""
    async with asyncio.timeout(PATIENCE):
        while piece := await wire.reader.read(65536):
            yield piece


async def settled(is_so: Callable[[], bool], shown: Callable[[], object]) -> None:
    """Wait until nothing is left of what was cut."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not is_so():  # noqa: ASYNC110 - neither tasks nor connections tell anybody outside
                await asyncio.sleep(0)
    except TimeoutError:
        raise AssertionError(shown()) from None


def tasks_of(behind: Behind) -> int:
    """Tasks that run, but for those of the app, which has one for each connection."""
    return len(asyncio.all_tasks()) - behind.open
