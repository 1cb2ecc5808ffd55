"""The order of a write batch, and connections that close within the pass of the loop in which a request was to leave by them.

Classes of its own take the place of compiled ones, which only plain Python allows: `make compiled` leaves this file out.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.edge.write_batch import BatchedAnswer, WriteBatch
from gateway.upstream.connection import Connection
from gateway.upstream.fetching import TRIES
from tests.harness.app import Behind
from tests.upstream.batches import busy
from tests.upstream.proxy import ProxyServer

HEAD = b"GET /a HTTP/1.1\r\nHost: hr.example.com\r\nConnection: close\r\n\r\n"


class Doing(BatchedAnswer):
    """An answer that calls a function where it is to be written, or was written."""

    def __init__(self, do: Callable[[], object]) -> None:
        self.do = do

    def write_out(self) -> None:
        self.do()

    def was_written(self) -> None:
        self.do()


def fails() -> None:
    raise RuntimeError("a bug")


async def test_what_is_given_to_a_busy_batch_is_written_once_and_in_order_when_the_pass_is_over() -> None:
    batch, called = await busy(), list[int]()
    for number in range(3):
        batch.answer(Doing(lambda number=number: called.append(number)))  # type: ignore[misc]  # a default stands for a value bound now
    assert called == []
    await asyncio.sleep(0)
    assert called == [0, 1, 2]
    batch.answer(Doing(lambda: called.append(3)))
    await asyncio.sleep(0)
    assert called == [0, 1, 2, 3]


async def test_the_first_of_a_pass_is_written_at_once_where_the_pass_before_had_no_second() -> None:
    batch, called = WriteBatch(asyncio.get_running_loop()), list[int]()
    batch.answer(Doing(lambda: called.append(0)))
    assert called == [0]
    batch.answer(Doing(lambda: called.append(1)))
    assert called == [0]
    await asyncio.sleep(0)
    assert called == [0, 1]
    batch.answer(Doing(lambda: called.append(2)))
    assert called == [0, 1]  # that one had
    await asyncio.sleep(0)
    assert called == [0, 1, 2]
    batch.answer(Doing(lambda: called.append(3)))
    assert called == [0, 1, 2, 3]
    await asyncio.sleep(0)


async def test_what_is_given_while_a_pass_ends_is_written_at_the_end_of_the_next() -> None:
    batch, called = await busy(), list[str]()
    batch.answer(Doing(lambda: called.append("before")))
    batch.answer(Doing(lambda: batch.answer(Doing(lambda: called.append("second")))))
    batch.answer(Doing(lambda: called.append("first")))
    await asyncio.sleep(0)
    assert called == ["before", "first"]
    await asyncio.sleep(0)
    assert called == ["before", "first", "second"]


async def test_one_that_fails_is_told_to_the_loop_and_keeps_none_of_the_others() -> None:
    loop, called, told = asyncio.get_running_loop(), list[str](), list[object]()
    loop.set_exception_handler(lambda _, told_of: told.append(str(told_of.get("exception"))))
    batch = await busy()
    for do in (lambda: called.append("before"), fails, lambda: called.append("behind")):
        batch.answer(Doing(do))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (called, told) == (["before", "behind"], ["a bug"])


async def test_what_follows_from_a_write_waits_until_all_are_written_also_where_one_fails() -> None:
    loop, called = asyncio.get_running_loop(), list[str]()
    loop.set_exception_handler(lambda _, told_of: None)
    batch = await busy()

    def writes() -> None:
        called.append("written")
        batch.behind(Doing(lambda: called.append("behind")))

    for write in (writes, fails, writes):
        batch.answer(Doing(write))
    await asyncio.sleep(0)
    assert called == ["written", "behind"]
    for call in (fails, lambda: called.append("last")):
        batch.behind(Doing(call))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert called == ["written", "behind", "written", "last", "behind"]


async def test_what_is_to_be_done_behind_a_pass_without_a_write_is_done() -> None:
    batch, called = WriteBatch(asyncio.get_running_loop()), list[str]()
    batch.behind(Doing(lambda: called.append("behind")))
    assert called == []
    await asyncio.sleep(0)
    assert called == ["behind"]


async def test_requests_leave_before_answers_and_an_answer_that_fails_keeps_no_request(front: ProxyServer, behind: Behind) -> None:
    loop, order = asyncio.get_running_loop(), list[str]()
    loop.set_exception_handler(lambda _, told_of: None)

    class Noting(Connection):
        def send(self) -> None:
            order.append("request")
            if len(order) == 1:
                fails()

    batch = await busy()
    batch.answer(Doing(lambda: order.append("answer")))
    for _ in range(3):
        batch.request(Noting(front.source, loop))
    await asyncio.sleep(0)
    assert order == ["request"]
    await asyncio.sleep(0)
    assert order == ["request", "request", "request", "answer"]


class ClosingBatch(WriteBatch):
    """The connections of the first ``left`` requests close before the pass is over."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        super().__init__(asyncio.get_running_loop())
        self.left = left

    def request(self, connection: Connection) -> None:
        if self.left and connection._transport is not None:
            self.left -= 1
            connection._transport.close()
        super().request(connection)


@pytest.mark.parametrize("closed", [1, TRIES - 1])
async def test_what_a_door_forwards_leaves_once_by_another_connection_where_its_own_closes_within_the_pass(
    front: ProxyServer, behind: Behind, closed: int
) -> None:
    front.http = replace(front.http, batch=ClosingBatch(closed))
    wire = await front.connect()
    await wire.say(b"POST /a HTTP/1.1\r\nHost: hr.example.com\r\nContent-Length: 4\r\n\r\na=b&")
    assert (await wire.until(b"hello")).startswith(b"HTTP/1.1 200 OK")
    assert [visit.line for visit in behind.visits] == [b"POST /a HTTP/1.1"]


async def test_where_one_connection_after_the_other_closes_it_is_said_and_nothing_leaves(front: ProxyServer, behind: Behind) -> None:
    front.http = replace(front.http, batch=ClosingBatch(TRIES))
    wire = await front.connect()
    await wire.say(HEAD)
    assert (await wire.until(b"before_sending")).startswith(b"HTTP/1.1 502 ")
    assert behind.visits == []
