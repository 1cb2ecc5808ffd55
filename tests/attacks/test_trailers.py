"""Rows S20 and H17: trailers of a request reach no app, neither with that request nor with another one.

Behind a front proxy, the next request on a connection is another user's. A trailer that became a field of that request would give it a
session.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.attacks.strict import HERE, StrictSite, strict
from tests.harness.app import Visit
from tests.harness.browser import ALICE, BOB, HR
from tests.harness.replies import told
from tests.harness.site import FETCH, Site, cookie_line
from tests.harness.wire import PATIENCE, Wire

POST = b"POST /first HTTP/1.1\r\n" + HERE + b"Transfer-Encoding: chunked\r\n"
TRAILERS = {
    "unannounced": b"X-Leak: leak\r\n",
    "several": b"X-One: 1\r\nX-Two: leak\r\nX-Leak: leak\r\n",
    "a cookie": b"Cookie: __Host-gateway=leak\r\n",
    "a host": b"Host: leak.example.com\r\n",
    "identity": b"Remote-User: leak\r\n",
    "what the gateway says": b"X-Forwarded-For: leak\r\n",
}
FRAMING = [b"Content-Length: 7\r\nX-Leak: leak\r\n", b"X-Leak: leak\r\ntransfer-encoding: chunked\r\n"]
NEXT = b"GET /next HTTP/1.1\r\n" + HERE + b"\r\n"
POST_NEXT = b"POST /next HTTP/1.1\r\n" + HERE + b"Content-Length: 4\r\n\r\nbody"


@pytest.fixture
async def tried() -> AsyncIterator[StrictSite]:
    async with strict() as made:
        yield made


OK = b"HTTP/1.1 200 OK\r\n"


async def _answers(wire: Wire, count: int) -> list[bytes]:
    """So many answers of the app, to the byte."""
    answers = []
    for _ in range(count):
        head = await wire.head()
        answers.append(head + await wire.exactly(5))
    return answers


def _is_clean(tried: StrictSite, answers: list[bytes], lines: list[bytes]) -> None:
    """Each request came as what it is, whole, without a trailer, and was answered."""
    assert [visit.line for visit in tried.site.behind.visits] == lines
    assert not any(b"leak" in line or b"Trailer" in line for visit in tried.site.behind.visits for line in visit.fields)
    assert all(answer.startswith(OK) and answer.endswith(b"\r\n\r\nhello") and b"leak" not in answer for answer in answers)
    assert len(answers) == len(lines)


FIRST, GET_LINE, POST_LINE = b"POST /first HTTP/1.1", b"GET /next HTTP/1.1", b"POST /next HTTP/1.1"
BEHIND = {"GET": (NEXT, [GET_LINE]), "POST": (POST_NEXT, [POST_LINE]), "many": (NEXT * 3, [GET_LINE] * 3), "nothing": (b"", [])}


@pytest.mark.parametrize("name", TRAILERS)
@pytest.mark.parametrize("following", BEHIND)
async def test_s20_h17_what_follows_in_the_same_packet_is_a_request_of_its_own(tried: StrictSite, name: str, following: str) -> None:
    wire, (behind, lines) = await tried.site.connect(), BEHIND[following]
    await wire.say(POST + b"\r\n3\r\nabc\r\n0\r\n" + TRAILERS[name] + b"\r\n" + behind)
    _is_clean(tried, await _answers(wire, 1 + len(lines)), [FIRST, *lines])


@pytest.mark.parametrize("name", TRAILERS)
@pytest.mark.parametrize("announced", [b"", b"Trailer: X-Leak, Cookie, Host\r\n"], ids=["unannounced", "announced"])
async def test_s20_h17_what_follows_in_the_next_packet_is_a_request_of_its_own(tried: StrictSite, name: str, announced: bytes) -> None:
    wire, go = await tried.site.connect(), asyncio.Event()

    async def script(visit: Visit) -> None:
        body = await visit.body()
        assert body == (b"3\r\nabc\r\n0\r\n\r\n" if visit.line == FIRST else b"")
        await go.wait()
        await visit.say(OK + b"Content-Length: 5\r\n\r\nhello")

    tried.site.behind.script = script
    await wire.say(POST + announced + b"\r\n3\r\nabc\r\n0\r\n" + TRAILERS[name] + b"\r\n")
    async with asyncio.timeout(PATIENCE):
        await tried.site.behind.arrived.wait()
    await wire.say(NEXT)
    go.set()
    _is_clean(tried, await _answers(wire, 2), [FIRST, GET_LINE])


@pytest.mark.parametrize("name", TRAILERS)
async def test_s20_h17_what_follows_byte_by_byte_is_a_request_of_its_own(tried: StrictSite, name: str) -> None:
    wire = await tried.site.connect()
    sending = POST + b"\r\n3\r\nabc\r\n0\r\n" + TRAILERS[name] + b"\r\n" + NEXT
    answering = asyncio.create_task(_answers(wire, 2))
    for place in range(len(sending)):
        wire.writer.write(sending[place : place + 1])
        await asyncio.sleep(0)
    _is_clean(tried, await answering, [FIRST, GET_LINE])


@pytest.mark.parametrize("trailer", FRAMING)
async def test_s20_a_trailer_that_would_frame_a_message_is_refused_and_the_last(tried: StrictSite, trailer: bytes) -> None:
    wire = await tried.site.connect()
    await wire.say(POST + b"\r\n3\r\nabc\r\n0\r\n" + trailer + b"\r\n" + NEXT)
    answered = await wire.rest()
    assert answered.count(b"HTTP/1.1 ") == 1 and answered.startswith(b"HTTP/1.1 400 ") and b"\r\nConnection: close\r\n" in answered
    assert tried.whole == [] and b"leak" not in answered


@pytest.mark.parametrize("is_by_line", [False, True], ids=["at once", "line by line"])
async def test_t20_trailers_count_against_the_limits_of_fields(tried: StrictSite, is_by_line: bool) -> None:
    wire = await tried.site.connect()
    await wire.say(POST + b"\r\n3\r\nabc\r\n0\r\n")
    lines = [b"X-%d: " % number + b"x" * 60_000 + b"\r\n" for number in range(4)]
    for piece in lines if is_by_line else [b"".join(lines)]:
        if not wire.writer.transport.is_closing():
            wire.writer.write(piece)
            await asyncio.sleep(0)
    answered = await wire.rest()
    assert answered.startswith(b"HTTP/1.1 400 ") and tried.whole == []


async def test_s20_a_request_that_is_refused_for_its_head_is_the_last(tried: StrictSite) -> None:
    wire = await tried.site.connect()
    await wire.say(b"POST http://x/ HTTP/1.1\r\n" + HERE + b"Transfer-Encoding: chunked\r\n\r\n0\r\nCookie: leak\r\n\r\n" + NEXT)
    answered = await wire.rest()
    assert answered.count(b"HTTP/1.1 ") == 1 and answered.startswith(b"HTTP/1.1 400 ") and tried.site.behind.visits == []


@pytest.mark.parametrize("name", TRAILERS)
async def test_s20_behind_an_upgrade_that_was_not_granted_the_same_holds(tried: StrictSite, name: str) -> None:
    shake = b"GET /up HTTP/1.1\r\n" + HERE + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    wire = await tried.site.connect()
    await wire.say(shake + POST + b"\r\n3\r\nabc\r\n0\r\n" + TRAILERS[name] + b"\r\n" + NEXT)
    _is_clean(tried, await _answers(wire, 3), [b"GET /up HTTP/1.1", FIRST, GET_LINE])


async def test_h17_a_trailer_lends_its_session_to_nobody(site: Site) -> None:
    mine, hers = await site.entered(BOB), await site.entered(ALICE)
    planted, victim = cookie_line(mine, HR), cookie_line(hers, HR)
    site.behind.visits.clear()
    wire = await site.connect()
    first = b"POST /public/first HTTP/1.1\r\nHost: hr.example.com\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + planted + b"\r\n"
    await wire.say(first + b"GET /victim HTTP/1.1\r\nHost: hr.example.com\r\n" + FETCH + victim + b"\r\n")
    async with asyncio.timeout(PATIENCE):
        for _ in range(2):
            assert (await wire.head()).startswith(OK) and await wire.exactly(5) == b"hello"
    assert [visit.line for visit in site.behind.visits] == [b"POST /public/first HTTP/1.1", b"GET /victim HTTP/1.1"]
    assert [told(visit, "Remote-User") for visit in site.behind.visits] == [[], [ALICE]]
