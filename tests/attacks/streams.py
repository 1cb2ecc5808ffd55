"""WebSockets and event streams through the whole gateway, and the app that serves both. Checks nothing by itself."""

from tests.harness.app import Visit
from tests.harness.site import Site
from tests.harness.websocket import KEY, MASK, echo, frame
from tests.harness.wire import Wire

_UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + b"\r\n"
ORIGIN = b"Origin: https://hr.example.com\r\n"
EVENT = b"data: %d\n\n"


def shake(target: bytes, fields: bytes) -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\nHost: hr.example.com\r\n" + _UPGRADE + fields + b"\r\n"


async def opened(site: Site, cookie: bytes) -> Wire:
    wire = await site.connect()
    await wire.say(shake(b"/ws", ORIGIN + cookie))
    assert (await wire.head()).startswith(b"HTTP/1.1 101 ")
    return wire


async def echoes(wire: Wire, text: bytes) -> bool:
    sent = frame(text, 1, mask=MASK)
    await wire.say(sent)
    return await wire.exactly(len(sent)) == sent


async def app(visit: Visit) -> None:
    """An app that lasts: echoes at /ws, sends one event at /events and then nothing, lets /poll wait for ever."""
    if visit.line.startswith(b"GET /ws"):
        await echo(visit)
        raise ConnectionError
    if visit.line.startswith(b"GET /events"):
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + EVENT % 1)
    if visit.line.startswith((b"GET /events", b"GET /poll")):
        assert await visit.reader.read() == b""
        raise ConnectionError
    await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


async def broken(wire: Wire) -> bool:
    """Whether the answer ended, now or soon, and not as if it were whole."""
    try:
        return not (await wire.rest()).endswith(b"0\r\n\r\n")
    except ConnectionResetError:
        return True
