"""Requests and answers that are written at the end of a pass of the loop: nothing is written of what was given up meanwhile."""

import asyncio
from dataclasses import replace

import pytest

from gateway.edge.exchange import Incoming
from gateway.edge.write_batch import WriteBatch
from gateway.errors import Unsent
from gateway.upstream.connection import Connection
from tests.harness.app import Behind
from tests.harness.wire import Wire
from tests.upstream.batches import busy
from tests.upstream.proxy import ProxyServer

HEAD = b"GET /later HTTP/1.1\r\nHost: hr.example.com\r\n\r\n"


def begun(connection: Connection, batch: WriteBatch) -> Incoming:
    """A request that leaves with this batch."""
    incoming = Incoming(connection)
    connection.begin(HEAD, incoming, is_held_back=True)
    batch.request(connection)
    return incoming


@pytest.mark.parametrize("gives_up", ["abort", "close"])
async def test_a_request_that_is_given_up_within_its_pass_never_leaves(front: ProxyServer, behind: Behind, gives_up: str) -> None:
    connection = await front.source.connection()
    begun(connection, await busy())
    getattr(connection, gives_up)()
    async with asyncio.timeout(5):
        await behind.gone.wait()
    assert behind.visits == []


async def test_a_request_leaves_when_its_pass_is_over(front: ProxyServer, behind: Behind) -> None:
    connection = await front.source.connection()
    incoming = begun(connection, await busy())
    async with asyncio.timeout(5):
        await incoming.came.wait()
    assert (incoming.status, behind.last.head) == (200, HEAD)


async def test_a_connection_that_closed_within_the_pass_says_that_nothing_was_sent(front: ProxyServer, behind: Behind) -> None:
    connection = await front.source.connection()
    incoming = begun(connection, await busy())
    connection.eof_received()
    assert connection._transport is not None
    connection._transport.close()  # what uvloop does next where a server says that it has said everything
    await asyncio.sleep(0)
    assert isinstance(incoming.error, Unsent) and not incoming.error.left
    async with asyncio.timeout(5):
        await behind.gone.wait()
    assert behind.visits == []


async def test_what_a_server_says_before_it_was_asked_answers_nobody(front: ProxyServer, behind: Behind) -> None:
    connection = await front.source.connection()
    incoming = begun(connection, await busy())
    connection.data_received(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
    assert isinstance(incoming.error, Unsent) and incoming.status == 0
    async with asyncio.timeout(5):
        await behind.gone.wait()
    assert behind.visits == []


async def asked_within_one_pass(front: ProxyServer, count: int) -> list[Wire]:
    """Clients whose requests arrive in one pass of the loop, in which nothing is written before it is over."""
    wires = [await front.connect() for _ in range(count)]
    front.http = replace(front.http, batch=await busy())
    for number, wire in enumerate(wires):
        wire.writer.write(b"GET /%d HTTP/1.1\r\nHost: hr.example.com\r\n\r\n" % number)
    return wires


async def test_what_a_door_forwards_leaves_when_the_pass_is_over_and_so_do_the_answers(front: ProxyServer, behind: Behind) -> None:
    for wire in await asked_within_one_pass(front, 3):
        assert (await wire.until(b"hello")).startswith(b"HTTP/1.1 200 OK")
    assert sorted(visit.line.split()[1] for visit in behind.visits) == [b"/0", b"/1", b"/2"]
