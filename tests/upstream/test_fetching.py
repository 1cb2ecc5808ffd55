"""Waiting for a connection: whose turn it is, how often it is tried, and who gives up."""

import asyncio

from gateway.errors import OutsideFailed, Unreachable, Unsent
from gateway.upstream.connection import Connection
from gateway.upstream.fetching import TRIES, Fetching, Taking
from tests.upstream.proxy import ProxyServer


class WaitingRequest:
    """Counts the connections it is given; the first ``closed`` of them are closed already."""

    def __init__(self, closed: int = 0) -> None:
        self.closed = closed
        self.given: list[Connection] = []
        self.error: OutsideFailed | None = None
        self.is_over = asyncio.Event()

    def begin(self, connection: Connection) -> None:
        self.given.append(connection)
        if len(self.given) <= self.closed:
            connection.abort()
            raise Unsent("before_sending")
        self.is_over.set()

    def failed(self, error: OutsideFailed) -> None:
        self.error = error
        self.is_over.set()

    async def over(self) -> None:
        async with asyncio.timeout(5):
            await self.is_over.wait()


async def test_a_connection_that_closed_is_no_try_of_the_request(front: ProxyServer) -> None:
    waiting = WaitingRequest(closed=TRIES - 1)
    Fetching(Taking(front.source, None, ""), waiting.begin, waiting.failed)
    await waiting.over()
    assert (len(waiting.given), waiting.error) == (TRIES, None)
    waiting.given[-1].close()


async def test_where_one_after_the_other_is_closed_it_is_said(front: ProxyServer) -> None:
    waiting = WaitingRequest(closed=TRIES)
    Fetching(Taking(front.source, None, ""), waiting.begin, waiting.failed)
    await waiting.over()
    assert len(waiting.given) == TRIES and isinstance(waiting.error, Unsent)


async def test_a_server_that_is_not_there_is_said(front: ProxyServer) -> None:
    front.before(1)
    waiting = WaitingRequest()
    Fetching(Taking(front.source, None, ""), waiting.begin, waiting.failed)
    await waiting.over()
    assert waiting.given == [] and isinstance(waiting.error, Unreachable)


async def test_whoever_gives_up_is_told_nothing(front: ProxyServer) -> None:
    waiting = WaitingRequest()
    fetching = Fetching(Taking(front.source, None, ""), waiting.begin, waiting.failed)
    await asyncio.sleep(0)
    fetching.abort()
    async with asyncio.timeout(5):
        while len(front.source):  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0)
    assert (waiting.given, waiting.error) == ([], None)
