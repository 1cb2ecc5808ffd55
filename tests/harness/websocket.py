"""WebSockets as bytes: frames, a handshake, and servers that accept one. Checks nothing by itself."""

import base64
import hashlib

from tests.harness.app import Visit
from tests.harness.wire import Wire
from tests.upstream.proxy import ProxyServer


def frame(payload: bytes, opcode: int = 2, *, final: bool = True, mask: bytes = b"") -> bytes:
    size = len(payload)
    short = size if size < 126 else 126 if size < 65536 else 127
    longer = b"" if short < 126 else size.to_bytes(2 if short == 126 else 8, "big")
    return bytes(((0x80 if final else 0) | opcode, (0x80 if mask else 0) | short)) + longer + mask + payload


KEY = base64.b64encode(b"0123456789abcdef")
SHAKE = (
    b"GET /ws?room=%7E HTTP/1.1\r\nHost: hr.example.com\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    b"Origin: https://hr.example.com\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + b"\r\n"
)

MASK = b"\x00\x00\x00\x00"


def accept(key: bytes) -> bytes:
    return base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False).digest())


async def open_up(visit: Visit, fields: bytes = b"") -> None:
    key = visit.value(b"sec-websocket-key") or b""
    await visit.say(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        + accept(key) + b"\r\n" + fields + b"\r\n"
    )  # fmt: skip


async def echo(visit: Visit) -> None:
    await open_up(visit)
    while piece := await visit.reader.read(65536):
        await visit.say(piece)


async def opened(front: ProxyServer, fields: bytes = b"") -> tuple[Wire, bytes]:
    wire = await front.connect()
    await wire.say(SHAKE + fields + b"\r\n")
    return wire, await wire.head()
