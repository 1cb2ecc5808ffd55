"""Requests that are answered at once, and their bounds: how many of one client, how much for one that takes nothing, and for how long."""

import asyncio
from pathlib import Path

import pytest

from gateway.edge.rules import ClientRules
from tests.edge.two_addresses import BROKEN, Address, Thinking, asked, rest_of, two_addresses, under_way
from tests.harness.app import Visit, hello
from tests.harness.app_gateway import Secured
from tests.harness.polling import moment
from tests.harness.wire import PATIENCE, Wire

CLOSE = b"Connection: close\r\n"
PIECE = 60_000
BIG = 32 * 1024 * 1024


class TestBounds:
    async def test_one_client_has_so_many_at_once(self) -> None:
        async with two_addresses(most=2) as tried, asyncio.timeout(PATIENCE):
            await tried.warm()
            wires = []
            for _ in range(2):
                thinking = Thinking(b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
                wires.append((await under_way(tried, thinking, CLOSE), thinking))
            refused = await tried.fast.raw(asked(b"/a", tried.cookie, CLOSE))
            assert refused.startswith(b"HTTP/1.1 503 ") and b"\r\nRetry-After: 1\r\n" in refused
            for wire, thinking in wires:
                thinking.go.set()
                assert (await rest_of(wire)).endswith(b"hello")
            tried.inner.app.script = hello
            assert (await tried.fast.raw(asked(b"/a", tried.cookie, CLOSE))).endswith(b"hello")
            assert tried.fast.begun == [True] * 4

    @pytest.mark.parametrize("is_secured", [False, True], ids=["plain", "tls"])
    async def test_a_slow_reader_makes_the_app_wait(self, tmp_path: Path, is_secured: bool) -> None:
        sent = asyncio.Event()

        async def script(visit: Visit) -> None:
            if b" /warm " in visit.line:
                return await hello(visit)
            await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % BIG)
            for _ in range(BIG // 65536):
                await visit.say(b"x" * 65536)
            sent.set()

        async with two_addresses(secured=Secured.within(tmp_path) if is_secured else None) as tried, asyncio.timeout(3 * PATIENCE):
            tried.inner.app.script = script
            wire = await tried.fast.connect()
            await wire.say(asked(b"/big", tried.cookie))
            await wire.head()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await sent.wait()
            assert tried.fast.begun == [True] and tried.fast.held < 1024 * 1024
            assert await wire.exactly(BIG) == b"x" * BIG

    @pytest.mark.parametrize("which", ["fast", "slow"])
    async def test_who_asks_for_more_and_takes_nothing_gets_no_more(self, which: str) -> None:
        async with two_addresses() as tried, asyncio.timeout(3 * PATIENCE):
            tried.inner.app.script, address, count = _piece, getattr(tried, which), 1000
            wire = await _greedy(address, tried.cookie, count)
            assert len(tried.inner.app.visits) < count and address.held < 1024 * 1024
            for _ in range(count):
                await wire.head()
                await wire.exactly(PIECE)

    @pytest.mark.parametrize("which", ["fast", "slow"])
    @pytest.mark.parametrize("closes", [False, True])
    async def test_who_takes_nothing_for_long_is_broken_off(self, which: str, closes: bool) -> None:
        async with two_addresses(rules=ClientRules(idle_seconds=0.2)) as tried, asyncio.timeout(PATIENCE):
            tried.inner.app.script, address = _piece, getattr(tried, which)
            wire = await _greedy(address, tried.cookie, 1000)
            if closes:
                await wire.say(asked(b"/last", tried.cookie, CLOSE))
            while address.server.present:  # a server tells nobody outside
                await moment()
            assert await rest_of(wire) == BROKEN
            assert address.lines[-1]["status"] == 499 and address.held == 0
            await tried.quiet()


async def _piece(visit: Visit) -> None:
    await visit.body()
    await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % PIECE + b"x" * PIECE)


async def _greedy(address: Address, cookie: bytes, count: int) -> Wire:
    """A client that asked for so many, takes none, and got what there is room for on the way."""
    wire = await address.connect()
    await wire.say(asked(b"/many", cookie) * count)
    async with asyncio.timeout(PATIENCE):
        while not address.held:  # a transport tells nobody outside
            await moment()
    return wire
