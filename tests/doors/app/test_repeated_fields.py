"""Fields that came before: the next request with the very same is answered alike, is judged by itself, and is nobody else's."""

import asyncio
import json

import pytest

from tests.doors.app.repeated_fields import HOST, answered, get, sent_before
from tests.harness.browser import ALICE, BOB, HR
from tests.harness.site import CONFIGURATION, FETCH, Site, cookie_line, deployed
from tests.harness.wire import Wire


async def site_and_cookie(site: Site) -> bytes:
    cookie = await site.signed_in(ALICE)
    site.behind.visits.clear()
    return cookie


async def test_the_app_gets_the_same_and_the_log_says_the_same() -> None:
    async with deployed() as site:
        block = HOST + FETCH + await site_and_cookie(site) + b"X-Odd:  a  b\r\n\r\n"
        wire = await site.connect()
        heads = [await answered(wire, get(b"/a?x=%d" % number, block)) for number in range(4)]
        fields = [[line for line in visit.fields if not line.startswith(b"X-Request-Id")] for visit in site.behind.visits]
        assert fields == [fields[0]] * 4
        assert [visit.line for visit in site.behind.visits] == [b"GET /a?x=%d HTTP/1.1" % number for number in range(4)]
        assert len({head.split(b"Date")[0] for head in heads}) == 1
        lines = [{**line, "at": "", "milliseconds": 0, "request_id": ""} for line in site.lines if line["event"] == "request"][-4:]
        assert lines == [lines[0]] * 4


async def test_each_path_is_judged_by_itself() -> None:
    async with deployed() as site:
        block = HOST + FETCH + await site_and_cookie(site) + b"\r\n"
        wire = await site.connect()
        await sent_before(site, wire, block)
        for target, status in ((b"/bob/x", b"403"), (b"/strong/x", b"403"), (b"/public/x", b"200"), (b"/.gateway/session", b"200")):
            assert (await answered(wire, get(target, block))).startswith(b"HTTP/1.1 " + status), target
        assert [visit.line for visit in site.behind.visits] == [b"GET /public/x HTTP/1.1"]
        assert (await answered(wire, get(b"/a/%2e%2e/bob/x", block))).startswith(b"HTTP/1.1 400")
        assert len(site.behind.visits) == 1


async def test_who_signed_out_is_refused_with_the_same_fields() -> None:
    async with deployed() as site:
        browser = await site.entered(ALICE)
        block = HOST + FETCH + cookie_line(browser, HR) + b"\r\n"
        wire = await site.connect()
        await sent_before(site, wire, block)
        assert (await browser.post(f"{HR}/.gateway/sign-out", "to=")).status == 303
        assert (await answered(wire, get(b"/known", block))).startswith(b"HTTP/1.1 401 ")
        assert site.behind.visits == []


async def test_a_session_that_okta_ended_is_refused_once_its_answer_is_old() -> None:
    async with deployed() as site:
        block = HOST + FETCH + await site_and_cookie(site) + b"\r\n"
        wire = await site.connect()
        await sent_before(site, wire, block)
        site.org.sessions.end(next(iter(site.org.sessions.active())))
        site.times.passed += 11
        assert (await answered(wire, get(b"/known", block))).startswith(b"HTTP/1.1 401 ")
        assert site.behind.visits == []


async def test_with_a_ttl_of_nothing_every_request_asks_k14() -> None:
    async with deployed(session='ttl = "0s"') as site:
        block = HOST + FETCH + await site_and_cookie(site) + b"\r\n"
        wire = await site.connect()
        asked = site.seen("/api/v1/sessions/me", "GET")
        await sent_before(site, wire, block)
        assert site.seen("/api/v1/sessions/me", "GET") == asked + 3


async def test_two_users_on_one_connection_are_two() -> None:
    async with deployed() as site:
        hers, his = [HOST + FETCH + await site.signed_in(login) + b"\r\n" for login in (ALICE, BOB)]
        wire = await site.connect()
        for block, name in ((hers, b"alice@example.com"), (his, b"bob@example.com")) * 3:
            await answered(wire, get(b"/", block))
            assert site.behind.last.value(b"remote-user") == name


@pytest.mark.parametrize("cut", range(1, 60, 3))
async def test_fields_that_came_in_pieces_are_not_learnt_by_their_last_piece(cut: int) -> None:
    async with deployed() as site:
        tail = await site.signed_in(ALICE) + b"\r\n"
        block = HOST + FETCH + tail
        wire = await site.connect()
        for _ in range(3):
            sent = get(b"/known", block)
            place = len(sent) - len(tail) - (cut % 7)  # inside the fields
            await wire.say(sent[:place])
            await wire.say(sent[place:])
            await wire.head()
            await wire.exactly(5)
        site.behind.visits.clear()
        # Alone, what was the last piece is a head without a Host.
        assert (await site.raw(get(b"/known", tail.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")))).startswith(b"HTTP/1.1 400 ")
        other = await site.connect()
        await other.say(get(b"/known", tail))
        assert (await other.head()).startswith(b"HTTP/1.1 400 ")
        assert site.behind.visits == []


async def test_what_stands_before_the_first_line_or_behind_the_last_is_not_overlooked() -> None:
    async with deployed() as site:
        block = HOST + FETCH + await site_and_cookie(site) + b"\r\n"
        for odd in (
            b" " + get(b"/known", block),
            b"GET /known HTTP/1.1 \r\n" + block,
            b"GET /known HTTP/1.1\n" + block,
            b"GET /kn\x00wn HTTP/1.1\r\n" + block,
            b"GET //known/bob HTTP/1.1\r\n" + block,
            b"GET /" + b"k" * 9000 + b" HTTP/1.1\r\n" + block,
            b"GET /known HTTP/1.2\r\n" + block,
        ):
            wire = await site.connect()
            await sent_before(site, wire, block)
            await wire.say(odd)
            head = await wire.head()
            assert head.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 414 ", b"HTTP/1.1 505 ")), odd
            assert site.behind.visits == []


async def test_what_follows_in_the_same_packet_is_a_request_of_its_own() -> None:
    async with deployed() as site:
        block = HOST + FETCH + await site_and_cookie(site) + b"\r\n"
        wire = await site.connect()
        await sent_before(site, wire, block)
        await wire.say(get(b"/one", block) + get(b"/bob/two", block) + get(b"/three", block))
        assert (await wire.head()).startswith(b"HTTP/1.1 200 ")
        await wire.exactly(5)
        head = await wire.head()
        assert head.startswith(b"HTTP/1.1 403 ")
        assert json.loads(await wire.exactly(int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])))["error"] == "forbidden"
        assert (await wire.head()).startswith(b"HTTP/1.1 200 ")
        assert [visit.line for visit in site.behind.visits] == [b"GET /one HTTP/1.1", b"GET /three HTTP/1.1"]


async def test_another_address_does_not_speak_with_what_this_one_sent() -> None:
    async with deployed() as site:
        block = HOST + b"Accept: */*\r\n\r\n"
        wire = await site.connect()
        for _ in range(3):
            assert (await answered(wire, get(b"/public/x", block))).startswith(b"HTTP/1.1 200 ")
        reader, writer = await asyncio.open_connection("127.0.0.1", site.gateway.public_port, local_addr=("127.0.0.9", 0))
        other = Wire(reader, writer)
        site.wires.append(other)
        await answered(other, get(b"/public/x", block))
        assert site.behind.last.value(b"x-forwarded-for") == b"127.0.0.9"


async def test_a_limit_on_a_client_holds_for_what_is_known() -> None:
    async with deployed(listen="requests_per_client = 1", configuration=CONFIGURATION) as site:
        block = HOST + FETCH + await site_and_cookie(site) + b"\r\n"
        one, two = await site.connect(), await site.connect()
        await sent_before(site, one, block)
        go = asyncio.Event()

        async def waits(visit: object) -> None:
            await go.wait()

        plain, site.behind.script = site.behind.script, waits
        site.behind.arrived.clear()
        await one.say(get(b"/slow", block))
        await site.behind.arrived.wait()
        assert (await answered(two, get(b"/known", block))).startswith(b"HTTP/1.1 503 ")
        site.behind.script = plain
        go.set()
