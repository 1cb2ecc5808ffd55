"""Requests that are answered at once where both sides speak TLS: what they take, how slowly they take it, and how they break."""

import asyncio
import socket
import ssl
from pathlib import Path

import pytest

from gateway.edge.rules import ClientRules
from tests.edge.two_addresses import Thinking, asked, rest_of, two_addresses
from tests.harness.app import Visit
from tests.harness.app_gateway import Secured
from tests.harness.polling import moment
from tests.harness.wire import PATIENCE

BIG = 32 * 1024 * 1024


@pytest.fixture
def secured(tmp_path: Path) -> Secured:
    return Secured.within(tmp_path)


async def _echo(visit: Visit) -> None:
    """An answer that says what was asked."""
    await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(visit.line) + visit.line)


async def test_one_client_asks_often(secured: Secured) -> None:
    async with two_addresses(secured=secured) as tried, asyncio.timeout(PATIENCE):
        tried.inner.app.script = _echo
        wire = await tried.fast.connect()
        for number in range(20):
            await wire.say(asked(b"/%d" % number, tried.cookie))
            await wire.until(b"GET /%d HTTP/1.1" % number)
        assert tried.fast.begun == [True] * 20 and tried.inner.app.connections == 1
        assert [line["status"] for line in await tried.fast.logged(20)] == [200] * 20
        await tried.quiet()


async def test_many_clients_ask_in_one_turn_and_each_gets_its_own(secured: Secured) -> None:
    async with two_addresses(secured=secured) as tried, asyncio.timeout(PATIENCE):
        tried.inner.app.script = _echo
        wires = [await tried.fast.connect() for _ in range(12)]
        for turn in range(5):
            for number, wire in enumerate(wires):
                wire.writer.write(asked(b"/%d/%d" % (turn, number), tried.cookie))
            for number, wire in enumerate(wires):
                await wire.until(b"GET /%d/%d HTTP/1.1" % (turn, number))
        assert tried.fast.begun == [True] * 60
        await tried.quiet()


async def test_who_takes_nothing_for_long_is_broken_off(secured: Secured) -> None:
    go = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % BIG)
        await go.wait()
        await visit.say(b"x" * BIG)

    async with two_addresses(rules=ClientRules(idle_seconds=0.2), secured=secured) as tried, asyncio.timeout(PATIENCE):
        tried.inner.app.script = script
        wire = await tried.fast.connect()
        await wire.say(asked(b"/a", tried.cookie))
        await wire.head()
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport of a stream reads
        go.set()
        while tried.fast.server.present:  # a server tells nobody outside
            await moment()
        (line,) = await tried.fast.logged(1)
        assert (line["status"], line["reason"]) in ((499, ""), (200, "client_stalled"))
        wire.writer.transport.resume_reading()  # type: ignore[attr-defined]  # as above
        assert len(await rest_of(wire)) < BIG
        await tried.quiet()


@pytest.mark.parametrize("which", ["fast", "slow"])
@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
async def test_an_answer_that_broke_off_never_ends_in_order_s16(secured: Secured, version: bytes, which: str) -> None:
    """TLS has an orderly end of its own, which would tell a client of 1.0 that it has the whole."""
    async with two_addresses(secured=secured) as tried, asyncio.timeout(PATIENCE):
        thinking = Thinking(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", leaves=True)
        tried.inner.app.script, address = thinking, getattr(tried, which)
        taken = asyncio.get_running_loop().run_in_executor(None, _taken, secured, address.port, asked(b"/a", tried.cookie, version=version))
        await thinking.asked.wait()
        thinking.go.set()
        assert (await taken).endswith(b"hello" + b"\r\n" * (version == b"1.1") + b"(broken)")
        (line,) = await address.logged(1)
        assert (line["status"], line["reason"]) == (200, "cut_short:hung_up")
        await tried.quiet()


def _taken(secured: Secured, port: int, request: bytes) -> bytes:
    """What a client gets that tells TLS's orderly end from none."""
    plain = socket.create_connection(("127.0.0.1", port), PATIENCE)
    received = b""
    with secured.client.wrap_socket(plain, server_hostname="hr.example.com", suppress_ragged_eofs=False) as client:
        client.sendall(request)
        try:
            while piece := client.recv(65536):
                received += piece
        except (ConnectionResetError, ssl.SSLEOFError):
            return received + b"(broken)"
    return received
