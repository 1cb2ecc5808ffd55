"""From HTTP to a WebSocket and nothing else: only what both ends agreed on is switched."""

import pytest

from tests.harness.app import Behind, Visit
from tests.harness.websocket import KEY, SHAKE, accept, echo, open_up, opened
from tests.upstream.proxy import ProxyServer


async def test_the_handshake_is_between_the_two_ends(front: ProxyServer, behind: Behind) -> None:
    async def script(visit: Visit) -> None:
        await open_up(visit, b"Sec-WebSocket-Protocol: v2\r\nSec-WebSocket-Extensions: permessage-deflate\r\nX-App: caf\xe9\r\n")
        await visit.reader.read()

    behind.script = script
    _, head = await opened(front, b"Sec-WebSocket-Protocol: v1, v2\r\nSec-WebSocket-Extensions: permessage-deflate; x\r\n")
    assert head.startswith(b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: " + accept(KEY) + b"\r\n")
    assert b"\r\nSec-WebSocket-Protocol: v2\r\n" in head
    assert b"\r\nX-App: caf\xe9\r\n" in head
    assert head.count(b"Connection: ") == head.count(b"Upgrade: websocket") == 1
    arrived = behind.last
    assert arrived.line == b"GET /ws?room=%7E HTTP/1.1"
    assert arrived.value(b"sec-websocket-protocol") == b"v1, v2"
    assert arrived.value(b"sec-websocket-extensions") == b"permessage-deflate; x"
    assert arrived.value(b"connection") == b"Upgrade"
    assert arrived.value(b"upgrade") == b"websocket"
    assert arrived.value(b"origin") == b"https://hr.example.com"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 403 Forbidden\r\nX-Why: origin\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_a_refusal_is_an_ordinary_answer_and_no_tunnel_u3(front: ProxyServer, behind: Behind, answer: bytes) -> None:
    async def script(visit: Visit) -> None:
        await visit.say(answer)

    behind.script = script
    wire, head = await opened(front)
    first, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(first + b"\r\n")
    assert await wire.exactly(len(body)) == body
    await wire.say(b"GET /after HTTP/1.1\r\nHost: hr.example.com\r\nConnection: close\r\n\r\n")
    assert (await wire.rest()).startswith(first)
    assert behind.last.line == b"GET /after HTTP/1.1"


@pytest.mark.parametrize(
    "fields",
    [
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n",
        b"Upgrade: websocket\r\nConnection: Upgrade\r\n",
        b"Upgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept(KEY) + b"\r\n",
        b"Upgrade: websocket\r\nConnection: close\r\nSec-WebSocket-Accept: " + accept(KEY) + b"\r\n",
    ],
)
async def test_a_switch_without_proof_opens_nothing_u3(front: ProxyServer, behind: Behind, fields: bytes) -> None:
    async def script(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 101 Switching Protocols\r\n" + fields + b"\r\n")
        await visit.reader.read()

    behind.script = script
    _, head = await opened(front)
    assert head.startswith(b"HTTP/1.1 502 ")


@pytest.mark.parametrize(
    "text",
    [
        b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARA\r\n\r\n",
        SHAKE.replace(b"HTTP/1.1", b"HTTP/1.0").replace(b"keep-alive, ", b"") + b"\r\n",
        SHAKE.replace(b"Connection: keep-alive, Upgrade", b"Connection: close") + b"\r\n",
        SHAKE.replace(b"Upgrade: websocket", b"Upgrade: websocket, h2c").replace(b"keep-alive", b"close") + b"\r\n",
        SHAKE.replace(b"GET ", b"POST ").replace(b"keep-alive", b"close") + b"Content-Length: 0\r\n\r\n",
        SHAKE.replace(KEY, b"short").replace(b"keep-alive", b"close") + b"\r\n",
    ],
)
async def test_everything_else_that_asks_for_an_upgrade_is_plain_http_u1_u14(front: ProxyServer, behind: Behind, text: bytes) -> None:
    answer = await (await front.connect()).ask(text)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"hello")
    for name in (b"upgrade", b"http2-settings"):
        assert behind.last.value(name) is None
    assert b"pgrade" not in (behind.last.value(b"connection") or b"")


async def test_spoofed_fields_are_stripped_as_on_every_other_way_h8(front: ProxyServer, behind: Behind) -> None:
    behind.script = echo
    await opened(front, b"X-Forwarded-For: 1.1.1.1\r\nX_Forwarded_For: 2.2.2.2\r\nProxy: x\r\n")
    assert [line for line in behind.last.fields if b"orwarded" in line and b"or: " in line] == [b"X-Forwarded-For: 192.0.2.7"]
    assert behind.last.value(b"proxy") is None
