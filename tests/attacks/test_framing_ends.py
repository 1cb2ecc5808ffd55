"""Rows S12 to S22, one by one, through the whole gateway: where a message ends, and what happens to a message that does not end.

S20 is in ``test_trailers``. S19 has no test, because the gateway has no HTTP/2 listener.
"""

import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest

from tests.attacks.strict import HERE, SENTINEL, StrictSite, strict
from tests.harness.app import Visit, answering
from tests.harness.replies import RawReply
from tests.harness.site import FETCH, Site
from tests.harness.wire import PATIENCE, Wire

LINE = b"POST /x HTTP/1.1\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\n" + HERE + b"\r\n"


@pytest.fixture
async def tried() -> AsyncIterator[StrictSite]:
    async with strict() as made:
        yield made


@pytest.mark.parametrize("framing", ["length", "chunks"])
async def test_s12_what_stands_in_a_body_is_no_request(tried: StrictSite, framing: str) -> None:
    length = b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED
    chunks = CHUNKED + b"\r\n%x\r\n" % len(SMUGGLED) + SMUGGLED + b"\r\n0\r\n\r\n"
    told = await tried.told(LINE + HERE + (length if framing == "length" else chunks), 1)
    assert told.statuses == (200, 200)
    assert told.whole == (b"POST /x HTTP/1.1", b"GET /sentinel HTTP/1.1")


async def test_s12_the_second_request_of_a_connection_is_judged_by_itself(site: Site) -> None:
    cookie = await site.signed_in()
    host = b"Host: hr.example.com\r\n"
    own = b"GET /first HTTP/1.1\r\n" + host + FETCH + cookie + b"\r\n"
    nobody = b"GET /admin HTTP/1.1\r\n" + host + FETCH + b"\r\n"
    forbidden = b"GET /bob/x HTTP/1.1\r\n" + host + FETCH + cookie + b"Connection: close\r\n\r\n"
    answers = (await site.raw(own + nobody + own + forbidden)).split(b"HTTP/1.1 ")[1:]
    assert [int(answer[:3]) for answer in answers] == [200, 401, 200, 403]
    assert [visit.line for visit in site.behind.visits] == [b"GET /first HTTP/1.1"] * 2


@pytest.mark.parametrize("upgrade", [b"h2c", b"foo", b"tcp", b"websocket, h2c", b"\xe9", b""])
async def test_s12_a_body_behind_an_upgrade_nobody_knows_is_no_request(tried: StrictSite, upgrade: bytes) -> None:
    """The parser loses what stands in the packet of such an upgrade: then the body of the next request would be taken for one."""
    wire = await tried.site.connect()
    post = LINE + HERE + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED)
    await wire.say(b"GET /up HTTP/1.1\r\n" + HERE + b"Connection: Upgrade\r\nUpgrade: " + upgrade + b"\r\n\r\n" + post)
    head = await wire.head()
    await wire.say(SMUGGLED)
    await wire.say(SENTINEL)
    await _ended(wire)
    assert b" /smuggled " not in b"".join(visit.line for visit in tried.site.behind.visits)
    assert head.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 400 "))


async def _ended(wire: Wire) -> bytes:
    try:
        return await wire.rest()
    except ConnectionError:
        return b""


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"DELETE", b"OPTIONS"])
@pytest.mark.parametrize("body", [b"Content-Length: 5\r\n\r\nabcde", CHUNKED + b"\r\n5\r\nabcde\r\n0\r\n\r\n"], ids=["length", "chunks"])
async def test_s13_a_body_where_none_is_usual_is_passed_on_in_its_framing(tried: StrictSite, method: bytes, body: bytes) -> None:
    bodies: list[bytes] = []

    async def script(visit: Visit) -> None:
        bodies.append(await visit.body())
        await visit.say(b"HTTP/1.1 204 No Content\r\n\r\n")

    tried.site.behind.script = script
    told = await tried.told(method + b" /x HTTP/1.1\r\n" + HERE + body, 1)
    assert told.statuses == (204, 204)
    assert bodies == [b"5\r\nabcde\r\n0\r\n\r\n" if b"chunked" in body else b"abcde", b""]


async def test_s14_who_is_refused_is_not_told_to_go_on_and_his_body_is_nobodys(site: Site) -> None:
    wire = await site.connect()
    body = b"GET /public/x HTTP/1.1\r\nHost: hr.example.com\r\n\r\n"
    head = b"POST /admin HTTP/1.1\r\nHost: hr.example.com\r\nExpect: 100-continue\r\nContent-Length: %d\r\n" % len(body)
    await wire.say(head + FETCH + b"\r\n")
    answer = await wire.head()
    assert answer.startswith(b"HTTP/1.1 401 ") and b"\r\nConnection: close\r\n" in answer
    await wire.say(body)
    rest = await _ended(wire)
    assert b"HTTP/1.1 " not in rest and site.behind.visits == []


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 50,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
async def test_s16_half_an_answer_has_no_clean_end_and_is_counted(tried: StrictSite, answer: bytes, version: bytes) -> None:
    tried.site.behind.script = answering(answer, then_close=True)
    with pytest.raises(ConnectionResetError):
        await tried.site.raw(b"GET /x HTTP/" + version + b"\r\n" + HERE + b"\r\n")
    assert tried.site.lines[-1]["reason"] == "cut_short:hung_up"


async def test_s21_what_is_compressed_stays_as_it_is_both_ways(tried: StrictSite) -> None:
    packed, bodies = gzip.compress(b"hello" * 1000), list[bytes]()

    async def script(visit: Visit) -> None:
        bodies.append(await visit.body())
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed)

    tried.site.behind.script = script
    sent = LINE + HERE + b"Connection: close\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed
    reply = RawReply.of(await tried.site.raw(sent))
    assert bodies == [packed] and tried.site.behind.last.value(b"content-encoding") == b"gzip"
    assert reply.body == packed and reply.values("Content-Encoding") == ["gzip"]


@pytest.mark.parametrize(("framing", "begun"), [(b"Content-Length: 100000\r\n\r\n", b"12345"), (CHUNKED + b"\r\n", b"5\r\n12345\r\n")])
async def test_s22_half_a_request_is_never_completed(tried: StrictSite, framing: bytes, begun: bytes) -> None:
    got = asyncio.get_running_loop().create_future()

    async def script(visit: Visit) -> None:
        first = await visit.reader.readexactly(len(begun))
        go.set()
        got.set_result(first + await visit.reader.read())
        raise ConnectionError

    go, tried.site.behind.script = asyncio.Event(), script
    wire = await tried.site.connect()
    await wire.say(LINE + HERE + framing + begun)
    async with asyncio.timeout(PATIENCE):
        await go.wait()
        await wire.close()
        assert await got == begun
