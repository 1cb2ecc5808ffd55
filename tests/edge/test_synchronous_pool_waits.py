"""Requests that are answered at once, but for a connection to the app: all are in use, or none stands."""

import asyncio
import socket

from gateway.upstream.fetching import TRIES
from tests.edge.two_addresses import BROKEN, TwoAddresses, asked, duplicate, held_up, rest_of, two_addresses
from tests.harness.browser import BOB
from tests.harness.wire import PATIENCE, Wire
from tests.upstream.batches import make_busy


async def test_whoever_waits_is_answered_when_one_is_free() -> None:
    async with two_addresses(connections=1) as tried, asyncio.timeout(PATIENCE):
        go, wire = await _waiting(tried)
        assert tried.fast.begun == [True]
        go.set()
        assert (await wire.until(b"hello")).startswith(b"HTTP/1.1 200 OK")
        assert [visit.line for visit in tried.inner.app.visits] == [b"GET /a HTTP/1.1", b"GET /b HTTP/1.1"]
        await tried.quiet()


async def test_whoever_leaves_meanwhile_asks_for_nothing() -> None:
    async with two_addresses(connections=1) as tried, asyncio.timeout(PATIENCE):
        go, wire = await _waiting(tried)
        await wire.close()
        (line,) = await tried.fast.logged(1)
        assert line["status"] == 499
        go.set()
        await tried.quiet()
        assert len(tried.inner.app.visits) == 1


async def test_whose_session_ends_meanwhile_asks_for_nothing() -> None:
    async with two_addresses(connections=1) as tried, asyncio.timeout(PATIENCE):
        held, _ = tried.inner.held(BOB)
        bob = tried.inner.sealed(held)
        await tried.fast.raw(asked(b"/b", bob, b"Connection: close\r\n"))
        tried.inner.app.visits.clear()
        go, wire = await _waiting(tried, bob)
        assert tried.inner.live.close(tried.inner.sessions.marks(held.cookies).fingerprints) == 1
        assert await rest_of(wire) == BROKEN
        go.set()
        await tried.quiet()
        assert len(tried.inner.app.visits) == 1


async def test_whoever_waits_when_the_process_stops_is_broken_off() -> None:
    async with two_addresses(connections=1) as tried, asyncio.timeout(PATIENCE):
        go, wire = await _waiting(tried)
        await tried.fast.listening.aclose(0.05)
        assert await rest_of(wire) == BROKEN
        go.set()
        await tried.quiet()


async def test_an_app_that_is_not_there_is_a_page() -> None:
    async with two_addresses() as tried, asyncio.timeout(PATIENCE):
        wire = await tried.fast.connect()
        await wire.say(asked(b"/a", tried.cookie))
        await wire.until(b"hello")
        tried.inner.site.app_server.close()
        with duplicate(tried.inner.app.last.writer) as app:
            app.shutdown(socket.SHUT_RDWR)
        tried.fast.begun.clear()
        while tried.inner.app.open:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0)
        await wire.say(asked(b"/b", tried.cookie))
        head = await wire.head()
        assert head.startswith(b"HTTP/1.1 502 ") and b"Connection:" not in head
        assert (await tried.fast.logged(2))[-1]["reason"] == "upstream_unreachable"
        assert tried.fast.begun == [True]
        await tried.quiet()


async def test_an_app_that_closes_each_connection_at_once_is_asked_a_few_times_and_then_a_page() -> None:
    accepted = 0

    async def closes(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal accepted
        accepted += 1
        writer.close()

    async with two_addresses() as tried, asyncio.timeout(PATIENCE):
        wire = await tried.fast.connect()
        await wire.say(asked(b"/a", tried.cookie))
        await wire.until(b"hello")
        tried.inner.site.app_server.close()
        server = await asyncio.start_server(closes, "127.0.0.1", tried.inner.app.port)
        with duplicate(tried.inner.app.last.writer) as app:
            app.shutdown(socket.SHUT_RDWR)
        tried.fast.begun.clear()
        busy = asyncio.create_task(_busy_for_ever(tried))
        await wire.say(asked(b"/b", tried.cookie))
        assert (await wire.head()).startswith(b"HTTP/1.1 502 ")
        busy.cancel()
        assert tried.fast.begun == [True] and 1 <= accepted <= (TRIES + 1) * TRIES
        server.close()
        await server.wait_closed()
        await tried.quiet()


async def _busy_for_ever(tried: TwoAddresses) -> None:
    """No pass of the loop writes anything before it is over."""
    while True:
        await make_busy(tried.inner.parts.batch)


async def _waiting(tried: TwoAddresses, cookie: bytes = b"") -> tuple[asyncio.Event, Wire]:
    """A request that the app thinks about until the event is set, and another that waits for its connection."""
    go = await held_up(tried, await tried.fast.connect())
    tried.fast.begun.clear()
    wire = await tried.fast.connect()
    await wire.say(asked(b"/b", cookie or tried.cookie))
    while not tried.fast.begun:  # noqa: ASYNC110 - nobody is told
        await asyncio.sleep(0)
    return go, wire
