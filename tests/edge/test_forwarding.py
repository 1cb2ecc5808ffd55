"""A request on its way to a server, where something goes wrong that nobody foresaw, or the answer comes before the request is whole."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from gateway.edge.before import Before
from gateway.edge.forwarding import Failed, Forwarding, ForwardingRules
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.rules import Listener
from gateway.edge.write_batch import WriteBatch
from gateway.errors import OutsideFailed
from gateway.outbound import Timeouts
from gateway.policy.http.answer_rewrites import Rewrite
from gateway.policy.http.messages import Fields, Malformed
from gateway.upstream.fetching import Taking
from gateway.upstream.pool import PoolRules, Upstream
from gateway.upstream.server_address import ServerAddress
from tests.edge.served import HERE, Served, asks, posts, served
from tests.harness.app import Behind, Visit, hello
from tests.harness.server import said
from tests.harness.wire import PATIENCE

CHUNKED = b"Transfer-Encoding: chunked"
LARGE = 3_000_000


def _as_it_is(_: int, fields: Fields) -> Fields:
    return fields


def _bad_gateway(_: Request, __: OutsideFailed | Malformed) -> Response:
    return said(502)


@dataclass
class Forwarded:
    """``rewrite`` and ``failed`` may be replaced."""

    source: Upstream
    batch: WriteBatch
    rewrite: Rewrite = _as_it_is
    failed: Failed = _bad_gateway

    def begin(self, _: Listener, request: Request) -> None:
        """Every request goes to the app."""
        framing = b"" if request.body is None else CHUNKED if request.body.length is None else b"Content-Length: %d" % request.body.length
        text = f"{request.method} {request.target} HTTP/1.1\r\n".encode() + HERE + framing + b"\r\n" * (1 + bool(framing))
        taking = Taking(self.source, None, "")
        Forwarding(request, ForwardingRules(self.batch, {}), text, taking, self.rewrite, self.failed, None).begin()


@asynccontextmanager
async def _forwarded(behind: Behind) -> AsyncIterator[tuple[Served, Forwarded]]:
    source = Upstream(ServerAddress("127.0.0.1", behind.port), Timeouts(connect=2, first_byte=5, idle=5), PoolRules(connections=20))
    made = Forwarded(source, WriteBatch(asyncio.get_running_loop()))
    async with served(_nobody) as place:
        place.server.listener = Before(place.server.listener, made.begin)
        yield place, made
        for wire in place.wires:
            await wire.close()
    await source.aclose()
    async with asyncio.timeout(PATIENCE):
        while behind.open:
            behind.gone.clear()
            await behind.gone.wait()


async def _nobody(_: Request) -> Response:
    raise AssertionError("everything is forwarded")


def _bug(*_: object) -> Fields:
    raise LookupError("a bug of ours")


async def _half(visit: Visit) -> None:
    await visit.body()
    await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")


@pytest.mark.parametrize("sent", [asks(b"/a"), posts(b"abc"), posts(b"x" * LARGE)], ids=["GET", "POST", "an upload"])
@pytest.mark.parametrize("is_whole", [True, False])
async def test_a_bug_behind_the_apps_answer_is_told_and_half_an_answer_is_nobodys(sent: bytes, is_whole: bool, behind: Behind) -> None:
    async with _forwarded(behind) as (place, forwarded), asyncio.timeout(PATIENCE):
        forwarded.rewrite, wire = _bug, await place.connect()
        if not is_whole:
            behind.script = _half
        await wire.say(sent)
        assert (await wire.head()).startswith(b"HTTP/1.1 500 ")
        assert [status for _, status in place.over] == [500]
        forwarded.rewrite, behind.script = _as_it_is, hello
        await wire.say(asks(b"/again"))
        assert (await wire.head()).startswith(b"HTTP/1.1 200 ") and await wire.exactly(5) == b"hello"
        assert behind.connections == (1 if is_whole else 2)


async def test_a_bug_in_what_is_said_where_the_app_does_not_answer_is_told(behind: Behind) -> None:
    async def hangs_up(_: Visit) -> None:
        raise ConnectionError

    async with _forwarded(behind) as (place, forwarded), asyncio.timeout(PATIENCE):
        forwarded.failed, behind.script = _bug, hangs_up  # type: ignore[assignment]  # it returns nothing at all
        wire = await place.connect()
        await wire.say(asks(b"/a"))
        assert (await wire.head()).startswith(b"HTTP/1.1 500 ")


@pytest.mark.parametrize("closes", [False, True])
@pytest.mark.parametrize("framing", ["length", "chunks"])
async def test_an_app_that_answers_before_an_upload_is_whole_is_heard_and_the_rest_is_nobodys(
    framing: str, closes: bool, behind: Behind
) -> None:
    body = asks(b"/smuggled") * (LARGE // 50)

    async def answers_early(visit: Visit) -> None:
        if b" /early " not in visit.line:
            return await hello(visit)
        await visit.reader.readexactly(5)
        await visit.say(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        if closes:
            raise ConnectionError
        left = len(body) - 5 if framing == "length" else 2 * LARGE
        while left and (piece := await visit.reader.read(min(left, 65536))):
            left -= len(piece)

    async with _forwarded(behind) as (place, _), asyncio.timeout(PATIENCE):
        behind.script, wire = answers_early, await place.connect()
        head = b"Content-Length: %d" % len(body) if framing == "length" else CHUNKED
        pieces = (body,) if framing == "length" else (b"%x\r\n" % len(body), body, b"\r\n0\r\n\r\n")
        await wire.say(asks(b"/early", head, method=b"POST") + pieces[0] + b"".join(pieces[1:])[:70_000])
        assert (await wire.head()).startswith(b"HTTP/1.1 413 ")
        await wire.say(b"".join(pieces[1:])[70_000:])
        await wire.say(asks(b"/next"))
        assert (await wire.head()).startswith(b"HTTP/1.1 200 ") and await wire.exactly(5) == b"hello"
        assert [visit.line for visit in behind.visits] == [b"POST /early HTTP/1.1", b"GET /next HTTP/1.1"]


@pytest.mark.parametrize("framing", ["length", "chunks"])
async def test_an_app_that_takes_nothing_makes_its_client_wait_and_gets_every_byte(framing: str, behind: Behind) -> None:
    go, got = asyncio.Event(), list[int]()

    async def late(visit: Visit) -> None:
        await go.wait()
        if framing == "length":
            got.append(len(await visit.body()))
        else:
            got.append(0)
            while size := int(await visit.reader.readuntil(b"\r\n"), 16):
                got[0] += len(await visit.reader.readexactly(size + 2)) - 2
            await visit.reader.readexactly(2)
        await visit.say(b"HTTP/1.1 204 No Content\r\n\r\n")

    count = 20 * LARGE
    async with _forwarded(behind) as (place, _), asyncio.timeout(3 * PATIENCE):
        behind.script, wire = late, await place.connect()
        in_chunks = asks(b"/", CHUNKED, method=b"POST") + b"%x\r\n" % count + b"x" * count + b"\r\n0\r\n\r\n"
        sent = posts(b"x" * count) if framing == "length" else in_chunks
        sending = asyncio.create_task(wire.say(sent))
        await asyncio.wait({sending}, timeout=0.3)
        assert wire.writer.transport.get_write_buffer_size() > count // 2
        go.set()
        assert (await wire.head()).startswith(b"HTTP/1.1 204 ")
        await sending
        assert got == [count]
