"""Row Z3: if an app closes its connection after each answer without saying so, no client gets a 502.

A request is sent again only if it may be repeated, once, on a new connection, and only if no byte of an answer came on the kept connection.
``Z3_REQUESTS=10000`` sends as many requests as the issue asks for.
"""

import asyncio
import os
from collections import Counter

import pytest

from tests.harness.app import Visit, hello
from tests.harness.site import CONFIGURATION, FETCH, Site, deployed
from tests.harness.websocket import KEY, accept
from tests.harness.wire import Wire

REQUESTS = int(os.environ.get("Z3_REQUESTS", "1000"))
CLIENTS = 32
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def asked(method: bytes = b"GET", fields: bytes = b"", body: bytes = b"") -> bytes:
    return method + b" /public/x HTTP/1.1\r\nHost: hr.example.com\r\n" + FETCH + fields + b"\r\n" + body


async def answers(site: Site, count: int) -> Counter[bytes]:
    """How often each status came, of so many requests on one connection of a client."""
    seen: Counter[bytes] = Counter()
    wire = await site.connect()
    for _ in range(count):
        await wire.say(asked())
        head = await wire.head()
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await wire.exactly(length)
        seen[head[9:12]] += 1
        if b"\r\nConnection: close\r\n" in head:
            await wire.close()
            wire = await site.connect()
    await wire.close()
    return seen


@pytest.mark.parametrize("turns", [0, 1, 3])
async def test_z3_no_get_is_502_before_an_app_that_closes_behind_each_answer(turns: int) -> None:
    async def script(visit: Visit) -> None:
        await visit.say(ANSWER)
        for _ in range(turns):  # of the loop: the gateway may have sent the next request meanwhile
            await asyncio.sleep(0)
        raise ConnectionError

    async with deployed() as site:
        site.behind.script = script
        each = REQUESTS // CLIENTS + 1
        seen = sum(await asyncio.gather(*(answers(site, each) for _ in range(CLIENTS))), Counter[bytes]())
        assert seen == {b"200": each * CLIENTS}


async def test_z3_nor_where_there_is_no_room_for_another_connection() -> None:
    async def script(visit: Visit) -> None:
        await visit.say(ANSWER)
        raise ConnectionError

    few = CONFIGURATION.replace('upstream = "{upstream}"\nfirst_byte', 'upstream = "{upstream}"\nconnections = 2\nfirst_byte')
    async with deployed(configuration=few) as site:
        site.behind.script = script
        seen = sum(await asyncio.gather(*(answers(site, 50) for _ in range(8))), Counter[bytes]())
        assert seen == {b"200": 400}, Counter(line.get("reason") for line in site.lines)


class Dying:
    """Answers the first request, and lets the next on that connection die: behind ``says``, or with a reset."""

    def __init__(self, says: bytes = b"", dies_always: bool = False) -> None:
        self._says, self._dies_always = says, dies_always
        self._used: set[asyncio.StreamWriter] = set()
        self.died: list[bytes] = []

    async def __call__(self, visit: Visit) -> None:
        if visit.writer not in self._used and not (self._dies_always and self.died):
            self._used.add(visit.writer)
            return await hello(visit)
        self.died.append(visit.line.split(b" ")[0])
        await visit.say(self._says)
        raise ConnectionError


async def kept(site: Site) -> None:
    """Have one kept connection to the app."""
    wire = await site.connect()
    await wire.say(asked())
    await wire.until(b"hello")
    await wire.close()


async def status(site: Site, request: bytes) -> bytes:
    wire: Wire = await site.connect()
    await wire.say(request)
    head = await wire.head()
    await wire.close()
    return head[9:12]


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"])
async def test_z3_what_may_be_done_twice_is_asked_once_more(site: Site, method: bytes) -> None:
    site.behind.script = script = Dying()
    await kept(site)
    assert await status(site, asked(method)) == b"200"
    assert script.died == [method] and len(site.behind.visits) == 3


@pytest.mark.parametrize(
    "request_text",
    [
        asked(b"POST", b"Content-Length: 0\r\n"),
        asked(b"POST"),
        asked(b"PATCH"),
        asked(b"PUT", b"Content-Length: 1\r\n", b"x"),
        asked(b"GET", b"Content-Length: 1\r\n", b"x"),
        asked(b"PUT", b"Transfer-Encoding: chunked\r\n", b"1\r\nx\r\n0\r\n\r\n"),
    ],
)
async def test_z3_nothing_else_is(site: Site, request_text: bytes) -> None:
    site.behind.script = script = Dying()
    await kept(site)
    assert await status(site, request_text) == b"502"
    assert len(script.died) == 1 and len(site.behind.visits) == 2


@pytest.mark.parametrize("says", [b"H", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])
async def test_z3_nor_anything_of_which_a_byte_of_an_answer_came(site: Site, says: bytes) -> None:
    site.behind.script = script = Dying(says)
    await kept(site)
    assert await status(site, asked()) == b"502"
    assert script.died == [b"GET"]


@pytest.mark.parametrize("says", [b"\r\n", b"the rest of the answer before"])
async def test_z3_bytes_that_are_none_of_an_answer_belong_to_the_one_before(site: Site, says: bytes) -> None:
    site.behind.script = script = Dying(says)
    await kept(site)
    assert await status(site, asked()) == b"200"
    assert script.died == [b"GET"]


async def test_z3_it_is_asked_once_more_and_not_twice(site: Site) -> None:
    site.behind.script = script = Dying(dies_always=True)
    await kept(site)
    assert await status(site, asked()) == b"502"
    assert script.died == [b"GET", b"GET"]


async def test_z3_a_new_connection_that_dies_is_not_asked_again(site: Site) -> None:
    site.behind.script = script = Dying(dies_always=True)
    script.died.append(b"")
    assert await status(site, asked()) == b"502"
    assert script.died == [b"", b"GET"]


async def test_z3_a_websocket_is_opened_over_a_new_connection(site: Site) -> None:
    cookie = await site.signed_in()
    script = Dying()

    async def shaking(visit: Visit) -> None:
        if visit.value(b"upgrade") is None or visit.writer in script._used:
            return await script(visit)
        await visit.say(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
            + accept(KEY)
            + b"\r\n\r\n"
        )
        await visit.reader.read()

    site.behind.script = shaking
    await kept(site)
    shake = (
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nOrigin: https://hr.example.com\r\nSec-WebSocket-Key: "
    )
    assert await status(site, asked(b"GET", shake + KEY + b"\r\n" + cookie).replace(b"/public/x", b"/ws")) == b"101"
    assert script.died == [b"GET"]
