"""The cases of RFC 6455 and RFC 7692 at a server alone, and at the same server through the proxy: not one byte may differ (U11).

The client speaks raw bytes, the server is a real one that echoes. What the gateway passes on it does not judge: a wrong frame is the
server's to refuse, with its own code.
"""

import asyncio
import base64
import hashlib
import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from tests.harness.wire import PATIENCE
from tests.upstream.proxy import ProxyServer
from tests.upstream.websocket_cases import BINARY, CLOSE, FAMILIES, MORE, NORMAL, PING, TEXT, Case, Said, closing, fragments, said

_SHAKE = (
    b"GET /echo HTTP/1.1\r\nHost: hr.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + base64.b64encode(b"0123456789abcdef") + b"\r\n"
)
_TAIL = b"\x00\x00\xff\xff"


class Ear(asyncio.Protocol):
    """A client that keeps every byte, however the connection ends."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.more = asyncio.Event()
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.heard += data
        self.more.set()

    def connection_lost(self, _error: Exception | None) -> None:
        self.more.set()
        self.ended.set()


@dataclass
class ReceivedFrames:
    """What came back: the field that grants extensions, and everything behind the head."""

    extensions: list[bytes] = field(default_factory=list)
    stream: bytes = b""

    @property
    def frames(self) -> list[tuple[int, int, bytes]]:
        """First octet's high half, opcode, payload."""
        return list(_frames(self.stream))


def _frames(stream: bytes) -> Iterator[tuple[int, int, bytes]]:
    position = 0
    while position < len(stream):
        short = stream[position + 1]
        longer = {126: 2, 127: 8}.get(short, 0)
        begin = position + 2 + longer
        size = int.from_bytes(stream[position + 2 : begin], "big") if longer else short
        assert len(stream) >= begin + size, "the stream ends within a frame"
        yield stream[position] >> 4, stream[position] & 15, stream[begin : begin + size]
        position = begin + size


async def told(port: int, sends: tuple[bytes, ...], offer: bytes = b"") -> ReceivedFrames:
    """Shake hands, write the pieces, hang on until the server hangs up."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(PATIENCE):
        transport, ear = await loop.create_connection(Ear, "127.0.0.1", port)
        extensions = b"Sec-WebSocket-Extensions: " + offer + b"\r\n" if offer else b""
        transport.write(_SHAKE + extensions + b"\r\n")
        while b"\r\n\r\n" not in ear.heard:
            await ear.more.wait()
            ear.more.clear()
        for piece in sends:
            if ear.ended.is_set():
                break
            transport.write(piece)
            await asyncio.sleep(0)
        await ear.ended.wait()
        transport.close()
    head, _, stream = bytes(ear.heard).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    granted = [line.partition(b": ")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-extensions:")]
    return ReceivedFrames(granted, stream)


async def _echo(request: web.BaseRequest) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(max_msg_size=0, compress=True)
    await socket.prepare(request)
    async for message in socket:
        if message.type is aiohttp.WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


@pytest.fixture
async def echo_port(front: ProxyServer) -> AsyncIterator[int]:
    """The server that echoes, and ``front`` before it."""
    server = web.Server(_echo, handler_cancellation=True)
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    port: int = listening.sockets[0].getsockname()[1]
    front.before(port)
    yield port
    listening.close()
    await server.shutdown(1.0)


@pytest.mark.parametrize(
    ("family", "case"), [pytest.param(family, case, id=f"{family}: {case.name}") for family, cases in FAMILIES.items() for case in cases]
)
async def test_every_case_has_the_same_verdict_as_at_the_server_alone_u11(
    front: ProxyServer, echo_port: int, family: str, case: Case
) -> None:
    alone = await told(echo_port, case.sends)
    through = await told(front.port, case.sends)
    assert through == alone
    *answers, (_, opcode, code) = through.frames
    assert [(opcode, payload) for _, opcode, payload in answers] == list(case.expects)
    assert (opcode, code[:2]) == (CLOSE, case.code.to_bytes(2, "big"))


_WORDS = b"".join(b'{"number": %d, "name": "payroll"}' % number for number in range(2000))
_NOISE = b"".join(hashlib.blake2b(b"%d" % number).digest() for number in range(1024))
_MESSAGES = [(BINARY, text[:size]) for size in (0, 16, 128, 1024, 32768) for text in (_WORDS, _NOISE)] + [(TEXT, _WORDS)]


class Deflated:
    """A client's half of permessage-deflate (RFC 7692 §7.2), as the server granted it."""

    def __init__(self, granted: bytes) -> None:
        words = dict(word.strip().partition(b"=")[::2] for word in granted.split(b";"))
        self._forgets = b"client_no_context_takeover" in words
        self._bits = int(words.get(b"client_max_window_bits") or 15)
        self._server_forgets = b"server_no_context_takeover" in words
        self._compress = self._compressor()
        self._expand = zlib.decompressobj(-15)

    def _compressor(self) -> "zlib._Compress":
        return zlib.compressobj(wbits=-self._bits)

    def packed(self, text: bytes) -> bytes:
        packed = self._compress.compress(text) + self._compress.flush(zlib.Z_SYNC_FLUSH)
        if self._forgets:
            self._compress = self._compressor()
        return packed.removesuffix(_TAIL)

    def unpacked(self, frame: tuple[int, int, bytes]) -> Said:
        bits, opcode, payload = frame
        if not bits & 4:
            return opcode, payload
        if self._server_forgets:
            self._expand = zlib.decompressobj(-15)
        return opcode, self._expand.decompress(payload + _TAIL)


_OFFERS = [
    (b"permessage-deflate", 1),
    (b"permessage-deflate; client_max_window_bits", 1),
    (b"permessage-deflate; client_no_context_takeover", 1),
    (b"permessage-deflate; server_no_context_takeover", 1),
    (b"permessage-deflate; client_no_context_takeover; server_no_context_takeover", 1),
    (b"permessage-deflate; server_max_window_bits=9", 1),
    (b"permessage-deflate; server_max_window_bits=15; client_max_window_bits=9", 1),
    (b"permessage-deflate; server_no_context_takeover; server_max_window_bits=12, permessage-deflate", 1),
    (b"permessage-deflate; server_max_window_bits=99", 0),
    (b"x-of-nobody", 0),
]


@pytest.mark.parametrize(("offer", "grants"), _OFFERS)
@pytest.mark.parametrize("in_frames_of", [0, 256])
async def test_compression_is_agreed_between_the_two_ends_u11(
    front: ProxyServer, echo_port: int, offer: bytes, grants: int, in_frames_of: int
) -> None:
    granted = (await told(echo_port, (closing(),), offer)).extensions
    assert len(granted) == grants
    deflated = Deflated(granted[0]) if granted else None
    sends: list[bytes] = []
    for opcode, text in _MESSAGES:
        payload = deflated.packed(text) if deflated else text
        frames = list(fragments(opcode, payload, in_frames_of)) if in_frames_of else [said(opcode, payload)]
        sends += [bytes((frames[0][0] | (0x40 if deflated else 0),)) + frames[0][1:], *frames[1:]]
    alone = await told(echo_port, (*sends, closing()), offer)
    through = await told(front.port, (*sends, closing()), offer)
    assert through == alone
    assert through.extensions == granted
    *answers, (_, last, code) = through.frames
    assert [deflated.unpacked(answer) if deflated else answer[1:] for answer in answers] == _MESSAGES
    assert (last, code) == (CLOSE, NORMAL.to_bytes(2, "big"))


@pytest.mark.parametrize(
    "wrong",
    [
        said(TEXT, b"\xff\xff\xff no deflate", reserved=4),
        said(TEXT, b"a", reserved=2),
        said(PING, b"a", reserved=2),
        said(TEXT, b"a", final=False) + said(MORE, b"b", reserved=4),
    ],
    ids=("no deflate", "a bit of nobody", "a ping with a bit of nobody", "a bit on a continuation"),
)
async def test_compression_that_is_none_is_refused_by_the_server_with_its_own_code_u11(
    front: ProxyServer, echo_port: int, wrong: bytes
) -> None:
    alone = await told(echo_port, (wrong,), b"permessage-deflate")
    through = await told(front.port, (wrong,), b"permessage-deflate")
    assert through == alone
    assert [opcode for _, opcode, _ in through.frames] == [CLOSE]
