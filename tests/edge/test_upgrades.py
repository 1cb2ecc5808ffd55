"""Handshakes: whatever the packets, whatever comes with them, and whoever does not answer or leaves meanwhile."""

import asyncio

import pytest

from tests.edge.served import asks
from tests.harness.app import Behind, Visit
from tests.harness.websocket import MASK, SHAKE, echo, frame, open_up
from tests.harness.wire import PATIENCE
from tests.upstream.proxy import ProxyServer

SHAKES = SHAKE + b"\r\n"
EARLY = frame(b"early", 1, mask=MASK)


async def test_a_handshake_that_is_cut_anywhere_is_the_same_and_so_are_the_frames_behind_it(front: ProxyServer, behind: Behind) -> None:
    behind.script, sent = echo, SHAKES + EARLY + EARLY
    for cut in range(1, len(sent)):
        wire = await front.connect()
        await wire.say(sent[:cut])
        for _ in range(4):
            await asyncio.sleep(0)
        await wire.say(sent[cut:])
        assert (await wire.head()).startswith(b"HTTP/1.1 101 ")
        assert await wire.exactly(2 * len(EARLY)) == EARLY + EARLY
        await wire.close()


async def test_a_handshake_byte_by_byte(front: ProxyServer, behind: Behind) -> None:
    behind.script, wire = echo, await front.connect()
    for at in range(len(SHAKES + EARLY)):
        await wire.say((SHAKES + EARLY)[at : at + 1])
        await asyncio.sleep(0)
    assert (await wire.head()).startswith(b"HTTP/1.1 101 ") and await wire.exactly(len(EARLY)) == EARLY


@pytest.mark.parametrize("grants", [True, False])
async def test_what_comes_before_the_app_has_answered_waits_within_a_bound_and_is_not_lost(
    grants: bool, front: ProxyServer, behind: Behind
) -> None:
    """Frames where it grants the upgrade, requests where it does not."""
    go, count = asyncio.Event(), 1_000
    more = frame(b"x" * 8000, 2, mask=MASK) if grants else asks(b"/more", b"X: " + b"x" * 8000)

    async def script(visit: Visit) -> None:
        if b" /more " in visit.line:
            return await visit.say(b"HTTP/1.1 204 No Content\r\n\r\n")
        await go.wait()
        if grants:
            return await echo(visit)
        await visit.say(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    behind.script, wire = script, await front.connect()
    sending = asyncio.create_task(wire.say(SHAKES + more * count))
    await asyncio.wait({sending}, timeout=0.3)
    assert wire.writer.transport.get_write_buffer_size() > len(more) * count // 4
    go.set()
    assert (await wire.head()).startswith(b"HTTP/1.1 101 " if grants else b"HTTP/1.1 403 ")
    async with asyncio.timeout(3 * PATIENCE):
        for _ in range(count):
            assert await (wire.exactly(len(more)) if grants else wire.head())
        await sending


async def test_who_leaves_before_the_app_has_answered_takes_the_handshake_with_him(front: ProxyServer, behind: Behind) -> None:
    left = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.reader.read()
        left.set()

    behind.script, wire = script, await front.connect()
    await wire.say(SHAKES)
    async with asyncio.timeout(PATIENCE):
        await behind.arrived.wait()
        await wire.close()
        await left.wait()


@pytest.mark.parametrize("body", [b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"])
async def test_u14_a_handshake_with_a_body_is_none_and_what_stands_behind_it_a_request(
    body: bytes, front: ProxyServer, behind: Behind
) -> None:
    async def script(visit: Visit) -> None:
        await visit.body()
        await (open_up(visit) if visit.value(b"upgrade") else visit.say(b"HTTP/1.1 204 No Content\r\n\r\n"))

    behind.script, wire = script, await front.connect()
    await wire.say(SHAKE + body + asks(b"/next"))
    for _ in range(2):
        assert (await wire.head()).startswith(b"HTTP/1.1 204 ")
    assert [visit.line.split(b" ")[1] for visit in behind.visits] == [b"/ws?room=%7E", b"/next"]
