"""Many requests on one connection, and many connections at one server: each has its turn, and its whole answer."""

import asyncio
import socket

import pytest

from gateway.edge.before import Before
from gateway.edge.connection import MOST_A_TURN
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.rules import Listener, Waiting
from tests.edge.served import Served, asks, posts, served
from tests.harness.server import said
from tests.harness.wire import PATIENCE

LARGE = 4 * 1024 * 1024
TURNS = 50


async def _hello(request: Request) -> Response:
    return said(200, "hello")


@pytest.mark.parametrize("size", [1_000, 70_000, 150_000, 600_000])
@pytest.mark.parametrize("turns", [0, TURNS], ids=["at once", "later"])
async def test_behind_a_body_that_nobody_took_the_next_request_is_heard(size: int, turns: int) -> None:
    """A body that is larger than what is held makes its client wait; of one that came whole nobody says when it may go on."""

    async def handle(request: Request) -> Response:
        for _ in range(turns):
            await asyncio.sleep(0)
        return said(200, "hello")

    async with served(handle) as place:
        wire = await place.connect()
        for _ in range(3):
            wire.writer.write(posts(b"x" * size))
            assert (await wire.head()).startswith(b"HTTP/1.1 200 ") and await wire.exactly(5) == b"hello"


async def test_requests_behind_one_that_waits_make_their_client_wait_and_are_answered() -> None:
    go, count = asyncio.Event(), 20_000

    async def handle(request: Request) -> Response:
        if request.target == "/first":
            await go.wait()
        return said(200, "hello")

    async with served(handle) as place, asyncio.timeout(6 * PATIENCE):
        place.server.listener = Before(place.server.listener, at_once)
        wire = await place.connect()
        wire.writer.transport.set_write_buffer_limits(0)
        sending = asyncio.create_task(wire.say(asks(b"/first") + asks(b"/more", b"X: " + b"x" * 1000) * count))
        await asyncio.wait({sending}, timeout=0.5)
        assert not sending.done() and place.server.counting.running == 1
        go.set()
        for _ in range(1 + count):
            await wire.head()
            await wire.exactly(5)
        await sending


def at_once(behind: Listener, request: Request) -> Response | Waiting | None:
    """All but the first are answered without a wait."""
    return behind.begin(request) if request.target == "/first" else said(200, "hello")


async def test_who_asks_for_many_in_one_packet_lets_others_have_their_turn() -> None:
    """Without that, one packet of requests that are refused stops the process for a third of a second."""
    async with served(_hello) as place, asyncio.timeout(PATIENCE):
        count, steps = 20 * MOST_A_TURN, list[int]()
        place.server.listener = Before(place.server.listener, at_once)
        wire = await place.connect()
        wire.writer.write(asks(b"/") * count)
        while len(place.over) < count:
            before = len(place.over)
            await asyncio.sleep(0)
            steps.append(len(place.over) - before)
        assert max(steps) <= 2 * MOST_A_TURN  # what arrived in one turn, and what was put off to the next
        for _ in range(count):
            await wire.head()
            await wire.exactly(5)


async def test_an_answer_that_a_slow_client_has_not_taken_yet_is_sent_within_the_drain_time() -> None:
    async def handle(request: Request) -> Response:
        return Response(200, b"", ((b"Content-Length", b"%d" % LARGE),), body=b"x" * LARGE)

    async with served(handle) as place:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", place.port))
            client.setblocking(False)
            client.send(asks(b"/"))
            await _answered(place)
            assert place.server.present == 1 and place.server.counting.running == 0
            ending = asyncio.create_task(place.listening.aclose(PATIENCE))
            received = await _rest(client)
            await ending
        head, _, body = received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ") and len(body) == LARGE


async def test_a_client_that_takes_nothing_is_left_behind_when_the_drain_time_is_over() -> None:
    async def handle(request: Request) -> Response:
        return Response(200, b"", ((b"Content-Length", b"%d" % LARGE),), body=b"x" * LARGE)

    async with served(handle) as place:
        wire = await place.connect()
        await wire.say(asks(b"/"))
        await _answered(place)
        async with asyncio.timeout(PATIENCE):
            await place.listening.aclose(0.2)
        assert place.server.present == 0


async def _answered(place: Served) -> None:
    async with asyncio.timeout(PATIENCE):
        while not place.over:  # noqa: ASYNC110 - it tells nobody outside
            await asyncio.sleep(0)


async def _rest(client: socket.socket) -> bytes:
    received, loop = bytearray(), asyncio.get_running_loop()
    async with asyncio.timeout(PATIENCE):
        while piece := await loop.sock_recv(client, 65536):
            received += piece
    return bytes(received)
