"""WebSockets through the proxy: the two ends agree as if nothing stood between them, and anything else stays HTTP."""

import asyncio
from dataclasses import replace

import aiohttp
import pytest

from gateway.edge.frames import close_frame
from tests.harness.app import Behind, Visit
from tests.harness.websocket import MASK, SHAKE, echo, frame, open_up, opened
from tests.upstream.proxy import ProxyServer


async def test_frames_pass_to_the_byte_in_both_directions(front: ProxyServer, behind: Behind) -> None:
    behind.script = echo
    wire, _ = await opened(front)
    sent = b"".join(
        (
            frame(b"caf\xe9 is no text", 1, mask=b"mask"),
            frame(b"are you there", 9, mask=b"abcd"),
            frame(b"x" * 70000, 2, final=False, mask=MASK),
            frame(b"y", 0, mask=MASK),
        )
    )
    await wire.say(sent)
    assert await wire.exactly(len(sent)) == sent


async def test_frames_that_come_with_the_handshake_are_not_lost(front: ProxyServer, behind: Behind) -> None:
    greeting = frame(b"welcome", 1)

    async def script(visit: Visit) -> None:
        await open_up(visit)
        await visit.say(greeting)
        await visit.say(await visit.reader.readexactly(len(early)))
        await visit.reader.read()

    early = frame(b"early", 1, mask=MASK)
    behind.script = script
    wire = await front.connect()
    await wire.say(SHAKE + b"\r\n" + early)
    await wire.head()
    assert await wire.exactly(len(greeting + early)) == greeting + early


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4401])
async def test_close_codes_pass_both_ways(front: ProxyServer, behind: Behind, code: int) -> None:
    got: list[bytes] = []

    async def script(visit: Visit) -> None:
        await open_up(visit)
        got.append(await visit.reader.readexactly(8))
        await visit.say(close_frame(code))
        visit.writer.close()

    behind.script = script
    wire, _ = await opened(front)
    closing = close_frame(code, lambda count: b"abcd"[:count])
    assert await wire.ask(closing) == close_frame(code)
    assert got == [closing]


async def test_a_server_that_goes_away_is_told_to_the_client_u10(front: ProxyServer, behind: Behind) -> None:
    async def script(visit: Visit) -> None:
        await open_up(visit)
        await visit.say(frame(b"last words", 1))
        visit.writer.close()
        raise ConnectionError

    behind.script = script
    wire, _ = await opened(front)
    assert await wire.rest() == frame(b"last words", 1) + close_frame(1014)


async def test_a_server_that_breaks_off_within_a_frame_is_not_given_an_end(front: ProxyServer, behind: Behind) -> None:
    async def script(visit: Visit) -> None:
        await open_up(visit)
        await visit.say(frame(b"last words", 1)[:-2])
        visit.writer.close()
        raise ConnectionError

    behind.script = script
    wire, _ = await opened(front)
    assert await wire.rest() == frame(b"last words", 1)[:-2]


async def test_a_client_that_leaves_takes_the_server_with_it_after_its_last_words(front: ProxyServer, behind: Behind) -> None:
    got: list[bytes] = []

    async def script(visit: Visit) -> None:
        await open_up(visit)
        got.append(await visit.reader.read())
        raise ConnectionError

    behind.script = script
    wire, _ = await opened(front)
    await wire.say(frame(b"bye", 1, mask=MASK))
    await wire.close()
    async with asyncio.timeout(5):
        await behind.gone.wait()
    assert got == [frame(b"bye", 1, mask=MASK)]


async def test_a_message_that_is_too_large_ends_the_connection_for_both(front: ProxyServer, behind: Behind) -> None:
    got: list[bytes] = []

    async def script(visit: Visit) -> None:
        await open_up(visit)
        got.append(await visit.reader.read())
        raise ConnectionError

    behind.script = script
    front.websocket = replace(front.websocket, largest_message_bytes=10)
    wire, _ = await opened(front)
    await wire.say(frame(b"x" * 10, 2, mask=MASK) + frame(b"y" * 11, 2, mask=MASK))
    assert await wire.rest() == close_frame(1009)
    async with asyncio.timeout(5):
        await behind.gone.wait()
    assert got[0].startswith(frame(b"x" * 10, 2, mask=MASK) + b"\x88\x82")
    assert b"y" * 11 not in got[0]


async def test_a_reader_that_is_slow_holds_the_other_end_back(front: ProxyServer, behind: Behind) -> None:
    sent = asyncio.Event()
    piece = frame(b"x" * 60000, 2)

    async def script(visit: Visit) -> None:
        await open_up(visit)
        for _ in range(500):
            await visit.say(piece)
        sent.set()
        await visit.reader.read()

    behind.script = script
    wire, _ = await opened(front)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await sent.wait()
    assert await wire.exactly(500 * len(piece)) == piece * 500


async def test_a_real_client_and_a_real_server_understand_each_other(front: ProxyServer) -> None:
    codes: list[int | None] = []

    async def echo_messages(request: aiohttp.web.BaseRequest) -> aiohttp.web.WebSocketResponse:
        socket = aiohttp.web.WebSocketResponse(protocols=("chat",), autoclose=True)
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data)
        codes.append(socket.close_code)
        return socket

    server = aiohttp.web.Server(echo_messages)
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    front.before(listening.sockets[0].getsockname()[1])
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(f"http://127.0.0.1:{front.port}/", protocols=("other", "chat"), compress=15) as socket,
    ):
        assert socket.protocol == "chat"
        for text in ("a", "é" * 100_000, ""):
            await socket.send_str(text)
            assert await socket.receive_str() == text
        await socket.close(code=3001)
        assert socket.close_code is not None
    assert codes == [3001]
    listening.close()
    await server.shutdown(1.0)
