"""A side that hangs up after any byte: its exchange is whole or visibly broken, nobody else's is touched, and nothing is left behind.

The app hangs up after each byte of its answer, the client after each byte of its request and of the answer, in order (FIN) and not (RST).
Beside each of them another client asks over the same pool; and behind each of them the next request is answered.
"""

import asyncio

import pytest

from gateway.outbound import Timeouts
from tests.harness.app import Behind
from tests.harness.site import CONFIGURATION, FETCH, deployed
from tests.harness.wire import Wire
from tests.upstream.any_byte import KINDS, CuttingApp, How, asked, hang_up, left, left_waiting, settled, taken, tasks_of
from tests.upstream.proxy import HOST, ProxyServer

BYSTANDER = KINDS["length"]
BOTH = pytest.mark.parametrize("how", (How.FIN, How.RST), ids=lambda how: how.value)
EACH = pytest.mark.parametrize("name", KINDS)


class Tried:
    """The proxy before an app that can be cut."""

    def __init__(self, front: ProxyServer, behind: Behind) -> None:
        self.front, self.behind, self.app = front, behind, CuttingApp()
        behind.script = self.app
        front.with_timeouts(Timeouts(connect=2, first_byte=600, idle=600))  # no deadline may hide what nobody released
        self.tasks = tasks_of(behind)

    async def connect(self) -> Wire:
        wire = await self.front.connect()
        self.front.wires.clear()
        return wire

    async def bystander(self) -> bool:
        return await asked(self.connect, BYSTANDER, self.app.ask(BYSTANDER))

    def nothing_is_left(self) -> bool:
        source = self.front.source
        idle = source.idle_count == len(source) == self.behind.open
        return idle and not len(self.front.live) and tasks_of(self.behind) == self.tasks

    def shown(self) -> object:
        source = self.front.source
        return source.idle_count, len(source), self.behind.open, len(self.front.live), tasks_of(self.behind), self.tasks


@EACH
@BOTH
async def test_an_app_that_hangs_up_after_any_byte(front: ProxyServer, behind: Behind, name: str, how: How) -> None:
    tried, kind = Tried(front, behind), KINDS[name]
    length = len(kind.answered(100_000))
    for place in range(length + 1):
        number = tried.app.ask(kind, (place, how))
        whole, other = await asyncio.gather(asked(tried.connect, kind, number), tried.bystander())
        assert not whole or place == length or (name == "WebSocket" and place > length - 1)
        assert other or place == length  # there the app closes a connection that is free again: it may be taken a moment too early
        await settled(tried.nothing_is_left, tried.shown)
        assert await tried.bystander()


@EACH
@BOTH
async def test_a_client_that_hangs_up_after_any_byte_of_its_request(front: ProxyServer, behind: Behind, name: str, how: How) -> None:
    tried, kind = Tried(front, behind), KINDS[name]
    for place in range(len(kind.request(100_000, HOST)) + 1):
        number = tried.app.ask(kind)
        request = kind.request(number, HOST)
        _, other = await asyncio.gather(left(tried.connect, request[:place], 0, how), tried.bystander())
        assert other
        await settled(tried.nothing_is_left, tried.shown)
        assert number not in tried.app.whole or place == len(request)
        assert await tried.bystander()


@EACH
@BOTH
async def test_a_client_that_hangs_up_after_any_byte_of_the_answer(front: ProxyServer, behind: Behind, name: str, how: How) -> None:
    tried, kind = Tried(front, behind), KINDS[name]
    length = len(await taken(tried.connect, kind, tried.app.ask(kind)))
    for place in range(1, length + 1):
        request = kind.request(tried.app.ask(kind), HOST)
        _, other = await asyncio.gather(left(tried.connect, request, place, how), tried.bystander())
        assert other
        await settled(tried.nothing_is_left, tried.shown)
        assert await tried.bystander()


@EACH
@BOTH
async def test_a_client_that_hangs_up_while_the_app_is_after_any_byte_of_its_answer(
    front: ProxyServer, behind: Behind, name: str, how: How
) -> None:
    tried, kind = Tried(front, behind), KINDS[name]
    for place in range(len(kind.answered(100_000))):
        number = tried.app.ask(kind, (place, How.NOT))
        leaving = left_waiting(tried.connect, kind.request(number, HOST), tried.app.waits, how)
        _, other = await asyncio.gather(leaving, tried.bystander())
        assert other
        await settled(tried.nothing_is_left, tried.shown)
        assert await tried.bystander()


@BOTH
async def test_a_client_that_hangs_up_within_an_upload_that_was_answered_already(front: ProxyServer, behind: Behind, how: How) -> None:
    """What is missing of it must not be taken from the request that would be next on that connection."""
    tried, kind = Tried(front, behind), KINDS["early answer"]
    for missing in range(1, len(kind.body)):
        number = tried.app.ask(kind)
        wire = await tried.connect()
        await wire.say(kind.request(number, HOST)[:-missing])
        await wire.head()
        assert await wire.exactly(6) == b"%d" % number
        assert await tried.bystander()
        await hang_up(wire.writer, how)
        await settled(tried.nothing_is_left, tried.shown)
        assert await tried.bystander()


TIDY = ("session_gateway_requests_running 0.0", "session_gateway_streams_open 0.0", "session_gateway_connections_open 0.0")
DEPLOYED = CONFIGURATION.replace('upstream = "{upstream}"\nfirst_byte', 'upstream = "{upstream}"\nconnections = 8\nfirst_byte')


@pytest.mark.parametrize("name", ["length", "chunks", "HEAD", "upload"])
async def test_through_the_whole_gateway_where_requests_are_answered_at_once(name: str) -> None:
    """Alice is cut, bob asks beside her; the pool of the app is one, and small."""
    async with deployed(configuration=DEPLOYED) as site:
        host = b"Host: hr.example.com\r\n" + FETCH
        hers, his = host + await site.signed_in(), host + await site.signed_in("bob@example.com")
        await site.browsers.close()  # and with it what they left open
        kind, app = KINDS[name], CuttingApp()
        site.behind.script = app

        async def connect() -> Wire:
            wire = await site.connect()
            site.wires.clear()
            return wire

        async def bystander() -> bool:
            return await asked(connect, BYSTANDER, app.ask(BYSTANDER), his)

        def is_tidy() -> bool:
            return all(line in site.gateway.metrics.exposition().decode() for line in TIDY) and site.behind.open <= 8

        got = await taken(connect, kind, app.ask(kind), hers)
        request_length, length = len(kind.request(100_000, hers)), len(kind.answered(100_000))
        for how in (How.FIN, How.RST):
            for place in range(length):
                whole, other = await asyncio.gather(asked(connect, kind, app.ask(kind, (place, how)), hers), bystander())
                assert other and not whole
            for place in range(1, len(got) + 1):
                _, other = await asyncio.gather(left(connect, kind.request(app.ask(kind), hers), place, how), bystander())
                assert other
            for place in (*range(len(kind.line) + 9), *range(request_length - len(kind.body) - 4, request_length)):
                number = app.ask(kind)
                _, other = await asyncio.gather(left(connect, kind.request(number, hers)[:place], 0, how), bystander())
                assert other and number not in app.whole
            await settled(is_tidy, lambda: site.gateway.metrics.exposition().decode())
        assert await bystander()
