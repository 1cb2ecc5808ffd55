"""Group U: WebSockets, event streams, long polls. U8 and U9: ``test_open_connections``. The many cases of U11: ``tests/upstream``."""

import asyncio
import json

import pytest

from gateway.edge.frames import close_frame
from tests.attacks.streams import EVENT, ORIGIN, app, broken, echoes, opened, shake
from tests.harness.app import Visit
from tests.harness.replies import RawReply
from tests.harness.site import CONFIGURATION, FETCH, Site, deployed
from tests.harness.websocket import MASK, echo, frame, open_up


@pytest.mark.parametrize("asked", [b"Upgrade, HTTP2-Settings", b"upgrade"])
async def test_u1_h2c_is_not_asked_of_the_app_and_the_answer_is_plain(site: Site, asked: bytes) -> None:
    cookie = await site.signed_in()
    fields = b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nConnection: " + asked + b", close\r\n"
    reply = RawReply.of(await site.raw(b"GET / HTTP/1.1\r\nHost: hr.example.com\r\n" + FETCH + cookie + fields + b"\r\n"))
    assert (reply.status, reply.values("Upgrade")) == (200, [])
    assert reply.body == b"hello"
    for name in (b"upgrade", b"http2-settings"):
        assert site.behind.last.value(name) is None


@pytest.mark.parametrize("status", [b"200 OK", b"403 Forbidden", b"426 Upgrade Required"])
async def test_u3_an_upgrade_that_the_app_does_not_grant_stays_http(site: Site, status: bytes) -> None:
    cookie = await site.signed_in()

    async def script(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\nno")

    site.behind.script = script
    wire = await site.connect()
    await wire.say(shake(b"/ws", ORIGIN + cookie))
    assert (await wire.head()).startswith(b"HTTP/1.1 " + status)
    assert await wire.exactly(2) == b"no"
    # No raw tunnel: what follows is a request of its own, with a session of its own, and this one has none.
    await wire.say(b"GET /inner HTTP/1.1\r\nHost: hr.example.com\r\nConnection: close\r\n" + FETCH + b"\r\n")
    assert (await wire.rest()).startswith(b"HTTP/1.1 401 ")
    assert len(site.behind.visits) == 1


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (b"Origin: https://evil.example\r\n", 403),
        (b"Origin: null\r\n", 403),
        (b"Origin: http://hr.example.com\r\n", 403),
        (b"Origin: https://hr.example.com.evil.example\r\n", 403),
        (b"Origin: https://hr.example.com\r\nOrigin: https://evil.example\r\n", 403),
        (b"", 403),
        (ORIGIN, 101),
        (b"Origin: https://chat.example.com\r\n", 101),
    ],
)
async def test_u6_a_foreign_page_opens_nothing_with_its_visitors_cookies(site: Site, origin: bytes, status: int) -> None:
    cookie = await site.signed_in()
    site.behind.script = echo
    wire = await site.connect()
    await wire.say(shake(b"/ws", origin + cookie))
    assert RawReply.of(await wire.head()).status == status
    assert len(site.behind.visits) == (status == 101)


async def test_u6_no_origin_is_no_browser_and_may_where_no_session_is_needed(site: Site) -> None:
    site.behind.script = echo
    wire = await site.connect()
    await wire.say(shake(b"/public/ws", b""))
    assert RawReply.of(await wire.head()).status == 101


async def test_u7_without_a_session_a_script_hears_401_and_the_app_nothing(site: Site) -> None:
    reply = RawReply.of(await site.raw(shake(b"/ws", ORIGIN).replace(b"Connection: Upgrade", b"Connection: Upgrade, close")))
    assert (reply.status, reply.location) == (401, "")
    assert len(reply.body) < 1024
    assert json.loads(reply.body)["error"] == "no_session"
    assert site.behind.visits == []


async def test_u10_nothing_said_is_no_reason_to_end_and_pings_pass() -> None:
    impatient = CONFIGURATION.replace("websocket_origins", 'idle_timeout = "100ms"\nwebsocket_origins')
    async with deployed(configuration=impatient) as site:
        cookie = await site.signed_in()
        site.behind.script = app
        wire, slow = await opened(site, cookie), await site.connect()
        await slow.say(b"GET /events HTTP/1.1\r\nHost: hr.example.com\r\n" + FETCH + cookie + b"\r\n")
        await slow.until(EVENT % 1)
        assert await broken(slow)  # the idle time of an answer has passed; the WebSocket knows none
        ping = frame(b"are you there", 9, mask=MASK)
        await wire.say(ping)
        assert await wire.exactly(len(ping)) == ping


async def test_u10_an_app_that_restarts_is_told_and_the_next_handshake_goes_on(site: Site) -> None:
    cookie = await site.signed_in()

    async def leaving(visit: Visit) -> None:
        await open_up(visit)
        visit.writer.close()
        raise ConnectionError

    site.behind.script = leaving
    assert await (await opened(site, cookie)).rest() == close_frame(1014)
    site.behind.script = app
    assert await echoes(await opened(site, cookie), b"again")


async def test_u11_frames_pass_to_the_byte_through_the_whole_gateway(site: Site) -> None:
    cookie = await site.signed_in()
    site.behind.script = app
    wire = await opened(site, cookie)
    wrong = frame(b"caf\xe9 is no text", 1, mask=b"mask") + bytes((0xF3, 0x80)) + b"mask" + frame(b"x" * 70000, 2, mask=MASK)
    await wire.say(wrong)
    assert await wire.exactly(len(wrong)) == wrong


async def test_u13_events_come_one_by_one_unbuffered_and_uncompressed(site: Site) -> None:
    cookie = await site.signed_in()
    more = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for number in range(3):
            await visit.say(EVENT % number)
            await more.wait()
            more.clear()
        visit.writer.close()

    site.behind.script = script
    wire = await site.connect()
    await wire.say(
        b"GET /events HTTP/1.1\r\nHost: hr.example.com\r\nConnection: close\r\nAccept-Encoding: gzip, br\r\n" + FETCH + cookie + b"\r\n"
    )
    head = RawReply.of(await wire.head())
    assert (head.status, head.values("Content-Type"), head.values("Content-Encoding")) == (200, ["text/event-stream"], [])
    for number in range(3):
        await wire.until(EVENT % number)  # the next is not written before this one was read
        more.set()
    assert await wire.rest() == b"\r\n0\r\n\r\n"


async def test_u13_a_long_poll_is_answered_late_and_whole(site: Site) -> None:
    cookie = await site.signed_in()
    news = asyncio.Event()

    async def script(visit: Visit) -> None:
        await news.wait()
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnews")

    site.behind.script = script
    wire = await site.connect()
    await wire.say(b"GET /poll HTTP/1.1\r\nHost: hr.example.com\r\nConnection: close\r\n" + FETCH + cookie + b"\r\n")
    await site.behind.arrived.wait()
    news.set()
    assert RawReply.of(await wire.rest()).body == b"news"


async def test_u14_an_upgrade_over_http_1_0_is_no_upgrade(site: Site) -> None:
    cookie = await site.signed_in()
    reply = RawReply.of(await site.raw(shake(b"/ws", ORIGIN + cookie).replace(b"HTTP/1.1", b"HTTP/1.0", 1)))
    assert (reply.status, reply.values("Upgrade"), reply.body) == (200, [], b"hello")
    assert site.behind.last.value(b"upgrade") is None
