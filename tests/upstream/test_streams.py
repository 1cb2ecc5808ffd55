"""Bodies under way: nothing is held back, and nothing that broke off looks whole, in either direction."""

import asyncio

import pytest

from gateway.edge.responses import Response
from gateway.policy.http.messages import Fields
from tests.harness.app import Behind, Visit, answering
from tests.upstream.proxy import END, HOST, ProxyServer, get


async def test_go_on_is_said_when_the_body_is_wanted_and_not_before_s14(front: ProxyServer, behind: Behind) -> None:
    wire = await front.connect()
    await wire.say(b"POST / HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 3\r\n" + END)
    assert await wire.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
    await wire.say(b"abc")
    assert (await wire.rest()).startswith(b"HTTP/1.1 200 OK\r\n")
    assert behind.last.value(b"expect") is None


async def test_after_go_on_the_answer_has_not_begun(front: ProxyServer, behind: Behind) -> None:
    def rewrite(status: int, fields: Fields) -> Fields:
        raise LookupError  # a bug of ours; the server answers 500 only while it believes that nothing was sent

    front.rewrite = rewrite
    wire = await front.connect()
    await wire.say(b"POST / HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 3\r\n" + END)
    await wire.head()
    await wire.say(b"abc")
    assert (await wire.rest()).startswith(b"HTTP/1.1 500 ")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 50,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ],
)
async def test_an_answer_that_breaks_off_never_looks_whole_s16(front: ProxyServer, behind: Behind, answer: bytes) -> None:
    behind.script = answering(answer, then_close=True)
    wire = await front.connect()
    with pytest.raises(ConnectionResetError):
        await wire.ask(get())
    response = await front.responses.get()
    assert isinstance(response, Response)
    assert response.abandoned.startswith("cut_short:")


async def test_an_answer_that_stops_being_chunks_never_looks_whole_s16(front: ProxyServer, behind: Behind) -> None:
    seen = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        await seen.wait()
        await visit.say(b"ZZ\r\n")
        await visit.reader.read()

    behind.script = script
    wire = await front.connect()
    await wire.say(get())
    await wire.until(b"hello")
    seen.set()
    with pytest.raises(ConnectionResetError):
        await wire.rest()


async def test_a_client_that_gives_up_its_upload_takes_the_request_with_it_s22(front: ProxyServer, behind: Behind) -> None:
    got: list[bytes] = []

    async def script(visit: Visit) -> None:
        got.append(await visit.reader.read(5))
        behind.arrived.set()
        got.append(await visit.reader.read())

    behind.script = script
    wire = await front.connect()
    await wire.say(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 10\r\n\r\n12345")
    async with asyncio.timeout(5):
        while not got:
            behind.arrived.clear()
            await behind.arrived.wait()
    await wire.close()
    async with asyncio.timeout(5):
        await behind.gone.wait()
    assert got == [b"12345", b""]


async def test_a_chunked_upload_that_breaks_off_is_not_completed_s22(front: ProxyServer, behind: Behind) -> None:
    got: list[bytes] = []

    async def script(visit: Visit) -> None:
        got.append(await visit.reader.read())

    behind.script = script
    wire = await front.connect()
    await wire.say(b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    async with asyncio.timeout(5):
        await behind.arrived.wait()
        await wire.close()
        await behind.gone.wait()
    assert b"0\r\n\r\n" not in got[0]


async def test_an_upload_that_stops_being_chunks_is_refused_and_not_completed(front: ProxyServer, behind: Behind) -> None:
    got: list[bytes] = []

    async def script(visit: Visit) -> None:
        got.append(await visit.reader.read())

    behind.script = script
    wire = await front.connect()
    await wire.say(b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    async with asyncio.timeout(5):
        await behind.arrived.wait()
    await wire.say(b"no chunk\r\n")
    assert (await wire.head()).startswith(b"HTTP/1.1 400 Bad Request\r\n")
    async with asyncio.timeout(5):
        await behind.gone.wait()
    assert b"0\r\n\r\n" not in got[0]


async def test_a_client_that_leaves_releases_the_server_at_once(front: ProxyServer, behind: Behind) -> None:
    async def script(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        assert await visit.reader.read() == b""
        raise ConnectionError

    behind.script = script
    wire = await front.connect()
    await wire.say(get())
    await wire.until(b"data: 1\n\n")
    await wire.close()
    async with asyncio.timeout(5):
        await behind.gone.wait()


async def test_events_arrive_one_by_one_as_they_are_sent_u13(front: ProxyServer, behind: Behind) -> None:
    more = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for number in range(3):
            await visit.say(b"data: %d\n\n" % number)
            await more.wait()
            more.clear()
        visit.writer.close()

    behind.script = script
    wire = await front.connect()
    await wire.say(get())
    await wire.head()
    for number in range(3):
        await wire.until(b"data: %d\n\n" % number)
        more.set()
    assert await wire.rest() == b"\r\n0\r\n\r\n"


async def test_an_answer_may_come_before_the_upload_ends(front: ProxyServer, behind: Behind) -> None:
    async def script(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await visit.reader.read()

    behind.script = script
    wire = await front.connect()
    await wire.say(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1000000\r\n\r\nabc")
    assert (await wire.head()).startswith(b"HTTP/1.1 413 Content Too Large\r\n")


async def test_a_slow_reader_holds_the_server_back_and_loses_nothing(front: ProxyServer, behind: Behind) -> None:
    size = 32 * 1024 * 1024
    sent = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size // 65536):
            await visit.say(b"x" * 65536)
        sent.set()

    behind.script = script
    wire = await front.connect()
    await wire.say(get())
    await wire.head()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await sent.wait()
    assert await wire.exactly(size) == b"x" * size
