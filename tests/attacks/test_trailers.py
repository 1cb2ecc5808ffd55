"""Rows S20 and H17: what stands in the trailer of a request reaches nobody: not the app with that request, and not with any other.

aiohttp's parser (3.14.5) hands the last trailer over as the first field of the next request on the connection. Behind a front proxy that
is another user's: with a Cookie in the trailer it would be answered in the attacker's session, with Remote-User under any name.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.attacks.deployment import ALICE, BOB, FETCH, HR, Site, cookie_line, told
from tests.attacks.strict import HERE, Strict, strict
from tests.proxy.conftest import PATIENCE, Visit, Wire

POST = b"POST /first HTTP/1.1\r\n" + HERE + b"Transfer-Encoding: chunked\r\n"
TRAILERS = {
    "unannounced": b"X-Leak: leak\r\n",
    "several": b"X-One: 1\r\nX-Two: leak\r\nX-Leak: leak\r\n",
    "a cookie": b"Cookie: __Host-gateway=leak\r\n",
    "a host": b"Host: leak.example.com\r\n",
    "identity": b"Remote-User: leak\r\n",
    "a length": b"Content-Length: 7\r\nX-Leak: leak\r\n",
    "chunks": b"X-Leak: leak\r\nTransfer-Encoding: chunked\r\n",
    "what the gateway says": b"X-Forwarded-For: leak\r\n",
}
FRAMING = {"a host", "a length", "chunks"}
"""Trailers that no trailer may be (RFC 9110 §6.5.1): with another request in the same packet the parser refuses both."""
NEXT = b"GET /next HTTP/1.1\r\n" + HERE + b"\r\n"
POST_NEXT = b"POST /next HTTP/1.1\r\n" + HERE + b"Content-Length: 4\r\n\r\nbody"


@pytest.fixture
async def tried() -> AsyncIterator[Strict]:
    async with strict() as made:
        yield made


async def _gone(wire: Wire) -> bytes:
    """Everything until the connection ends."""
    try:
        return await wire.rest()
    except ConnectionResetError:
        return b""


def _is_clean(tried: Strict, answered: bytes, name: str) -> None:
    """Only the first request came, whole, without its trailer, and the connection ended in order behind its answer; or it was refused."""
    assert answered.count(b"HTTP/1.1 ") == 1 and b"\r\nConnection: close\r\n" in answered and b"leak" not in answered
    if name in FRAMING and answered.startswith(b"HTTP/1.1 400 "):
        assert tried.whole == [] and all(visit.line == b"POST /first HTTP/1.1" for visit in tried.site.behind.visits)
        return
    assert [visit.line for visit in tried.site.behind.visits] == [b"POST /first HTTP/1.1"]
    (visit,) = tried.site.behind.visits
    assert not any(b"leak" in line or b"Trailer" in line for line in visit.fields)
    assert answered.startswith(b"HTTP/1.1 200 OK\r\n") and answered.endswith(b"\r\n\r\nhello")


@pytest.mark.parametrize("name", TRAILERS)
@pytest.mark.parametrize("following", [NEXT, POST_NEXT, NEXT * 3, b""], ids=["GET", "POST", "many", "nothing"])
async def test_s20_h17_what_follows_in_the_same_packet_is_no_request(tried: Strict, name: str, following: bytes) -> None:
    wire = await tried.site.connect()
    await wire.say(POST + b"\r\n3\r\nabc\r\n0\r\n" + TRAILERS[name] + b"\r\n" + following)
    _is_clean(tried, await _gone(wire), name)


@pytest.mark.parametrize("name", [name for name in TRAILERS if name not in ("a length", "chunks")])  # these are refused by themselves
@pytest.mark.parametrize("announced", [b"", b"Trailer: X-Leak, Cookie, Host\r\n"], ids=["unannounced", "announced"])
async def test_s20_h17_what_follows_in_the_next_packet_is_no_request(tried: Strict, name: str, announced: bytes) -> None:
    wire, go = await tried.site.connect(), asyncio.Event()

    async def script(visit: Visit) -> None:
        body = await visit.body()
        assert body == b"3\r\nabc\r\n0\r\n\r\n"
        await go.wait()
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")

    tried.site.behind.script = script
    await wire.say(POST + announced + b"\r\n3\r\nabc\r\n0\r\n" + TRAILERS[name] + b"\r\n")
    async with asyncio.timeout(PATIENCE):
        await tried.site.behind.arrived.wait()
    await wire.say(NEXT)
    go.set()
    _is_clean(tried, await _gone(wire), name)


@pytest.mark.parametrize("name", TRAILERS)
async def test_s20_h17_what_follows_byte_by_byte_is_no_request(tried: Strict, name: str) -> None:
    wire = await tried.site.connect()
    sending = POST + b"\r\n3\r\nabc\r\n0\r\n" + TRAILERS[name] + b"\r\n" + NEXT
    answering = asyncio.create_task(_gone(wire))
    for place in range(len(sending)):
        if not wire.writer.transport.is_closing():
            wire.writer.write(sending[place : place + 1])
            await asyncio.sleep(0)
    _is_clean(tried, await answering, name)


@pytest.mark.parametrize("refused", [b"GET /first HTTP/1.1\r\n", b"POST http://x/ HTTP/1.1\r\n"], ids=["a GET in chunks", "a bad target"])
async def test_s20_whatever_becomes_of_the_first_the_next_is_not_answered(tried: Strict, refused: bytes) -> None:
    wire = await tried.site.connect()
    await wire.say(refused + HERE + b"Transfer-Encoding: chunked\r\n\r\n0\r\nCookie: leak\r\n\r\n" + NEXT)
    answered = await _gone(wire)
    assert answered.count(b"HTTP/1.1 ") == 1
    assert all(visit.line == b"GET /first HTTP/1.1" for visit in tried.site.behind.visits)


@pytest.mark.parametrize("name", TRAILERS)
async def test_s20_behind_an_upgrade_that_was_not_granted_the_same_holds(tried: Strict, name: str) -> None:
    """What stands behind such a request is parsed on another way, and that way leads past nothing."""
    shake = b"GET /up HTTP/1.1\r\n" + HERE + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    wire = await tried.site.connect()
    await wire.say(shake + POST + b"\r\n3\r\nabc\r\n0\r\n" + TRAILERS[name] + b"\r\n" + NEXT)
    ours, _, rest = (await _gone(wire)).removeprefix(b"HTTP/1.1 ").partition(b"HTTP/1.1 ")
    assert ours.startswith(b"200 OK\r\n") and ours.endswith(b"\r\n\r\nhello")
    assert tried.site.behind.visits.pop(0).line == b"GET /up HTTP/1.1"
    tried.whole.remove(b"GET /up HTTP/1.1")
    _is_clean(tried, b"HTTP/1.1 " + rest, name)


async def test_h17_a_trailer_lends_its_session_to_nobody(site: Site) -> None:
    mine, hers = await site.entered(BOB), await site.entered(ALICE)
    planted, victim = cookie_line(mine, HR), cookie_line(hers, HR)
    site.behind.visits.clear()
    wire = await site.connect()
    first = b"POST /public/first HTTP/1.1\r\nHost: hr.example.com\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + planted + b"\r\n"
    await wire.say(first + b"GET /victim HTTP/1.1\r\nHost: hr.example.com\r\n" + FETCH + victim + b"\r\n")
    async with asyncio.timeout(PATIENCE):
        assert (await _gone(wire)).count(b"HTTP/1.1 ") == 1
    assert [visit.line for visit in site.behind.visits] == [b"POST /public/first HTTP/1.1"]
    assert told(site.behind.last, "Remote-User") == []
