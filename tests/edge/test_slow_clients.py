"""Clients that are slow with a head, a body or its end, or that say half of something and leave: bounded, told why, and never whole."""

import asyncio
from dataclasses import replace

import pytest

from gateway.doors.answers import to_response
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.rules import ClientRules
from gateway.errors import UploadBroken, UploadTooSlow
from gateway.policy.http.messages import Answer, RequestHead
from tests.doors.listening import listener
from tests.edge.served import asks, posts, served
from tests.edge.two_addresses import two_addresses
from tests.harness.app import Visit
from tests.harness.server import said
from tests.harness.wire import PATIENCE, Wire

CHUNKS = b"Transfer-Encoding: chunked"
IN_CHUNKS = asks(b"/", CHUNKS, method=b"POST")
UNENDED = {
    "a length": asks(b"/", b"Content-Length: 100000000", method=b"POST"),
    "chunks": IN_CHUNKS + b"fffff\r\n",
    "a chunk's size": IN_CHUNKS + b"3;x=",
    "trailers": IN_CHUNKS + b"3\r\nabc\r\n0\r\nX: ",
}
HURRIED = ClientRules(head_seconds=0.2, body_seconds=0.2, least_body_rate=10**9)
"""What drips in earns no time."""


async def _read(request: Request) -> Response:
    body = b""
    try:
        while request.body is not None and (piece := await request.body.piece()):
            body += piece
    except UploadTooSlow:
        return said(408)
    except UploadBroken:
        return said(400)
    return said(200, str(len(body)))


async def _drips(wire: Wire) -> None:
    """A byte every few milliseconds: as many as came at once would be too long a line before they are too slow."""
    never = asyncio.get_running_loop().create_future()
    while not wire.writer.transport.is_closing():
        wire.writer.write(b"x")
        await asyncio.wait({never}, timeout=0.002)


async def _is_silent(wire: Wire, seconds: float) -> bool:
    """Whether nothing comes for so long."""
    coming = asyncio.ensure_future(wire.reader.read(1))
    done, _ = await asyncio.wait({coming}, timeout=seconds)
    coming.cancel()
    await asyncio.wait({coming})
    return not done


async def _told_while_dripping(wire: Wire) -> bytes:
    dripping = asyncio.create_task(_drips(wire))
    try:
        return await wire.head()
    finally:
        dripping.cancel()


@pytest.mark.parametrize("name", UNENDED)
async def test_t21_a_body_that_drips_is_over_in_time(name: str) -> None:
    async with served(_read, HURRIED) as place:
        wire = await place.connect()
        await wire.say(UNENDED[name])
        assert (await _told_while_dripping(wire)).startswith(b"HTTP/1.1 408 ")
        assert place.over == [("/", 408)]


async def test_t21_what_arrived_earns_its_body_time() -> None:
    async with served(_read, replace(HURRIED, least_body_rate=500)) as place:
        wire = await place.connect()
        await wire.say(asks(b"/", b"Content-Length: 4000", method=b"POST"))
        async with asyncio.timeout(PATIENCE):
            while not place.server.counting.running:  # noqa: ASYNC110 - it tells nobody outside
                await asyncio.sleep(0)
        await wire.say(b"x" * 3999)
        assert await _is_silent(wire, 4 * HURRIED.body_seconds)
        await wire.say(b"x")
        assert (await wire.head()).startswith(b"HTTP/1.1 200 ") and await wire.exactly(4) == b"4000"


@pytest.mark.parametrize("expects", [(), (b"Expect: 100-continue",)], ids=["at once", "asked"])
async def test_t21_a_client_that_we_let_wait_is_not_slow(expects: tuple[bytes, ...]) -> None:
    """While nobody takes its body, or nobody has asked for it, no time runs."""
    size, go = 2_000_000, asyncio.Event()

    async def late(request: Request) -> Response:
        await go.wait()
        return await _read(request)

    async with served(late, HURRIED) as place:
        wire = await place.connect()
        await wire.say(asks(b"/", b"Content-Length: %d" % size, *expects, method=b"POST"))
        if not expects:
            wire.writer.write(b"x" * size)
        assert await _is_silent(wire, 4 * HURRIED.body_seconds)
        go.set()
        if expects:
            assert await wire.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
            wire.writer.write(b"x" * size)
        assert (await wire.head()).startswith(b"HTTP/1.1 200 ") and await wire.exactly(len(str(size))) == str(size).encode()


@pytest.mark.parametrize("name", UNENDED)
async def test_t21_a_body_that_nobody_wants_ends_its_connection_in_time(name: str) -> None:
    async def refuses(_: Request) -> Response:
        return said(403)

    async with served(refuses, HURRIED) as place:
        wire = await place.connect()
        await wire.say(UNENDED[name])
        assert (await wire.head()).startswith(b"HTTP/1.1 403 ")
        assert await wire.rest() == b""
        assert place.over == [("/", 403)]


@pytest.mark.parametrize("name", UNENDED)
async def test_t21_an_upload_that_drips_on_its_way_to_an_app_is_over_in_time_and_never_whole(name: str) -> None:
    async def script(visit: Visit) -> None:
        await visit.reader.read()
        ended.set()

    async with two_addresses(rules=HURRIED) as tried, asyncio.timeout(PATIENCE):
        ended, tried.inner.app.script = asyncio.Event(), script
        wire = await tried.fast.connect()
        await wire.say(UNENDED[name].replace(b"POST / ", b"POST /public/x "))
        assert (await _told_while_dripping(wire)).startswith(b"HTTP/1.1 408 ")
        assert (await tried.fast.logged(1))[0]["status"] == 408
        if tried.inner.app.visits:
            await ended.wait()
            assert b"0\r\n\r\n" not in tried.inner.app.last.head
        await tried.quiet()


@pytest.mark.parametrize("sent", [b"G", b"GET / HTTP/1.1\r\n", asks(b"/")[:-2], b"\r\nGET"], ids=repr)
async def test_t12_a_head_that_drips_is_refused_in_time(sent: bytes) -> None:
    async with served(_read, HURRIED) as place:
        wire = await place.connect()
        await wire.say(sent)
        if sent.endswith(b"\r\n"):
            await wire.say(b"X: ")
        assert (await _told_while_dripping(wire)).startswith(b"HTTP/1.1 408 ")
        assert place.refused == ["head_too_slow"]


async def test_t12_the_head_behind_a_whole_request_has_its_own_time() -> None:
    async with served(_read, HURRIED) as place:
        wire = await place.connect()
        await wire.say(asks(b"/"))
        await wire.head()
        await wire.exactly(1)
        assert await _is_silent(wire, 2 * HURRIED.head_seconds)  # idle, which is no head that has begun
        await wire.say(asks(b"/")[:10])
        assert (await wire.head()).startswith(b"HTTP/1.1 408 ")


class TestHalfClosed:
    """Half closed is closed: who says that it has no more to say is gone."""

    @pytest.mark.parametrize("name", UNENDED)
    async def test_s22_half_a_body_is_no_body(self, name: str) -> None:
        errors = list[BaseException]()

        async def handle(request: Request) -> Response:
            try:
                return await _read(request)
            except BaseException as error:
                errors.append(error)
                raise

        async with served(handle) as place:
            wire = await place.connect()
            await wire.say(UNENDED[name] + b"abc")
            wire.writer.write_eof()
            assert await wire.rest() == b""
            async with asyncio.timeout(PATIENCE):
                while not place.over:  # noqa: ASYNC110 - it tells nobody outside
                    await asyncio.sleep(0)
            assert place.over == [("/", None)] and [type(error) for error in errors] == [ConnectionResetError]

    async def test_what_came_whole_before_is_begun(self) -> None:
        """It may be a sign-out, which goes on without its client."""
        begun = list[str]()

        async def handle(request: Request) -> Response:
            begun.append(request.target)
            await asyncio.sleep(0)
            return said(200)

        async with served(handle) as place:
            wire = await place.connect()
            await wire.say(posts(b"sign-out"))
            wire.writer.write_eof()
            await wire.rest()
            assert begun == ["/"]

    @pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET / HT", asks(b"/")[:-1]], ids=repr)
    async def test_half_a_head_is_nobodys_and_nothing_is_said_of_it(self, sent: bytes) -> None:
        async with served(_read) as place:
            wire = await place.connect()
            await wire.say(sent)
            wire.writer.write_eof()
            assert await wire.rest() == b""
            assert (place.over, place.refused) == ([], [])


async def test_a_client_that_leaves_with_half_a_body_is_written_down_as_499() -> None:
    async def reads(request: Request, head: RequestHead) -> Response:
        assert request.body is not None
        while await request.body.piece():
            has_started.set()
        return to_response(Answer(200))

    async with listener() as place, asyncio.timeout(10):
        has_started, place.app.act = asyncio.Event(), reads
        _, writer = await asyncio.open_connection("127.0.0.1", place.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: hr.example.com\r\nContent-Length: 9\r\n\r\nhalf")
        await has_started.wait()
        writer.close()
        while not place.lines:  # noqa: ASYNC110 - the log tells nobody
            await asyncio.sleep(0)
        assert [(line["event"], line["status"]) for line in place.lines] == [("request", 499)]
