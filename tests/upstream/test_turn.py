"""What is written at the end of a turn of the loop: in order, whatever one of them does, and nothing of what was given up meanwhile."""

import asyncio
from dataclasses import replace

import pytest

from gateway.edge.exchange import Incoming
from gateway.errors import Unsent
from gateway.upstream.write_batch import WriteBatch
from tests.upstream.conftest import Behind, Front, Wire

HEAD = b"GET /later HTTP/1.1\r\nHost: hr.example.com\r\n\r\n"


async def busy() -> WriteBatch:
    """A turn that came after one with two writes: nothing is written before it is over."""
    turn = WriteBatch(asyncio.get_running_loop())
    for _ in range(2):
        turn.write(lambda: None)
    await asyncio.sleep(0)
    return turn


async def test_what_is_given_to_a_busy_turn_is_called_once_and_in_order_when_it_is_over() -> None:
    turn, called = await busy(), list[int]()
    for number in range(3):
        turn.write(lambda number=number: called.append(number))  # type: ignore[misc]  # a default stands for a value bound now
    assert called == []
    await asyncio.sleep(0)
    assert called == [0, 1, 2]
    turn.write(lambda: called.append(3))
    await asyncio.sleep(0)
    assert called == [0, 1, 2, 3]


async def test_the_first_of_a_turn_is_written_at_once_where_the_turn_before_had_no_second() -> None:
    turn, called = WriteBatch(asyncio.get_running_loop()), list[int]()
    turn.write(lambda: called.append(0))
    assert called == [0]
    turn.write(lambda: called.append(1))
    assert called == [0]
    await asyncio.sleep(0)
    assert called == [0, 1]
    turn.write(lambda: called.append(2))
    assert called == [0, 1]  # that one had
    await asyncio.sleep(0)
    assert called == [0, 1, 2]
    turn.write(lambda: called.append(3))
    assert called == [0, 1, 2, 3]
    await asyncio.sleep(0)


async def test_what_is_given_while_a_turn_ends_is_called_at_the_end_of_the_next() -> None:
    turn, called = await busy(), list[str]()
    turn.write(lambda: called.append("before"))
    turn.write(lambda: turn.write(lambda: called.append("second")))
    turn.write(lambda: called.append("first"))
    await asyncio.sleep(0)
    assert called == ["before", "first"]
    await asyncio.sleep(0)
    assert called == ["before", "first", "second"]


async def test_one_that_fails_is_told_to_the_loop_and_keeps_none_of_the_others() -> None:
    loop, called, told = asyncio.get_running_loop(), list[str](), list[object]()
    loop.set_exception_handler(lambda _, told_of: told.append(told_of.get("exception")))
    turn, error = await busy(), RuntimeError("a bug")

    def fails() -> None:
        raise error

    turn.write(lambda: called.append("before"))
    turn.write(fails)
    turn.write(lambda: called.append("behind"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (called, told) == (["before", "behind"], [error])


async def test_what_follows_from_a_write_waits_until_all_are_written_also_where_one_fails() -> None:
    loop, called = asyncio.get_running_loop(), list[str]()
    loop.set_exception_handler(lambda _, told_of: None)
    turn = await busy()

    def fails() -> None:
        raise RuntimeError("a bug")

    def writes() -> None:
        called.append("written")
        turn.behind(lambda: called.append("behind"))

    for write in (writes, fails, writes):
        turn.write(write)
    await asyncio.sleep(0)
    assert called == ["written", "behind"]
    for call in (fails, lambda: called.append("last")):
        turn.behind(call)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert called == ["written", "behind", "written", "last", "behind"]


async def test_what_is_to_be_done_behind_a_turn_without_a_write_is_done() -> None:
    turn, called = WriteBatch(asyncio.get_running_loop()), list[str]()
    turn.behind(lambda: called.append("behind"))
    assert called == []
    await asyncio.sleep(0)
    assert called == ["behind"]


@pytest.mark.parametrize("gives_up", ["abort", "close"])
async def test_a_request_that_is_given_up_within_its_turn_never_leaves(front: Front, behind: Behind, gives_up: str) -> None:
    connection = await front.source.connection()
    connection.begin(HEAD, Incoming(connection), turn=await busy())
    getattr(connection, gives_up)()
    async with asyncio.timeout(5):
        await behind.gone.wait()
    assert behind.visits == []


async def test_a_request_leaves_when_its_turn_is_over(front: Front, behind: Behind) -> None:
    connection = await front.source.connection()
    incoming = Incoming(connection)
    connection.begin(HEAD, incoming, turn=await busy())
    async with asyncio.timeout(5):
        await incoming.came.wait()
    assert (incoming.status, behind.last.head) == (200, HEAD)


async def test_a_connection_that_closed_within_the_turn_says_that_nothing_was_sent(front: Front, behind: Behind) -> None:
    connection = await front.source.connection()
    incoming = Incoming(connection)
    connection.begin(HEAD, incoming, turn=await busy())
    connection.eof_received()
    assert connection._transport is not None
    connection._transport.close()  # what uvloop does next where a server says that it has said everything
    await asyncio.sleep(0)
    assert isinstance(incoming.error, Unsent) and not incoming.error.left
    async with asyncio.timeout(5):
        await behind.gone.wait()
    assert behind.visits == []


async def test_what_a_server_says_before_it_was_asked_answers_nobody(front: Front, behind: Behind) -> None:
    connection = await front.source.connection()
    incoming = Incoming(connection)
    connection.begin(HEAD, incoming, turn=await busy())
    connection.data_received(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
    assert isinstance(incoming.error, Unsent) and incoming.status == 0
    async with asyncio.timeout(5):
        await behind.gone.wait()
    assert behind.visits == []


async def asked_within_one_turn(front: Front, count: int) -> list[Wire]:
    """Clients whose requests arrive in one turn of the loop, in which nothing is written before it is over."""
    wires = [await front.connect() for _ in range(count)]
    front.http = replace(front.http, turn=await busy())
    for number, wire in enumerate(wires):
        wire.writer.write(b"GET /%d HTTP/1.1\r\nHost: hr.example.com\r\n\r\n" % number)
    return wires


async def test_what_a_door_forwards_leaves_when_the_turn_is_over_and_so_do_the_answers(front: Front, behind: Behind) -> None:
    for wire in await asked_within_one_turn(front, 3):
        assert (await wire.until(b"hello")).startswith(b"HTTP/1.1 200 OK")
    assert sorted(visit.line.split()[1] for visit in behind.visits) == [b"/0", b"/1", b"/2"]
