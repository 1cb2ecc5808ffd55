"""Connections that close within the turn of the loop in which a request was to leave by them: it leaves by another, or by none.

A class of its own takes the place of ``WriteBatch``, which only plain Python allows: `make compiled` leaves this file out.
"""

import asyncio
from dataclasses import replace

import pytest

from gateway.upstream.connection import Connection
from gateway.upstream.fetching import TRIES
from gateway.upstream.write_batch import Write, WriteBatch
from tests.upstream.conftest import Behind, Front

HEAD = b"GET /a HTTP/1.1\r\nHost: hr.example.com\r\nConnection: close\r\n\r\n"


class Closing(WriteBatch):
    """The connections of the first ``left`` requests close before the turn is over."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        super().__init__(asyncio.get_running_loop())
        self.left = left

    def write(self, write: Write) -> None:
        connection = getattr(write, "__self__", None)
        if self.left and isinstance(connection, Connection) and connection._transport is not None:
            self.left -= 1
            connection._transport.close()
        super().write(write)


@pytest.mark.parametrize("closed", [1, TRIES - 1])
async def test_what_a_door_forwards_leaves_once_by_another_connection_where_its_own_closes_within_the_turn(
    front: Front, behind: Behind, closed: int
) -> None:
    front.http = replace(front.http, turn=Closing(closed))
    wire = await front.connect()
    await wire.say(b"POST /a HTTP/1.1\r\nHost: hr.example.com\r\nContent-Length: 4\r\n\r\na=b&")
    assert (await wire.until(b"hello")).startswith(b"HTTP/1.1 200 OK")
    assert [visit.line for visit in behind.visits] == [b"POST /a HTTP/1.1"]


async def test_where_one_connection_after_the_other_closes_it_is_said_and_nothing_leaves(front: Front, behind: Behind) -> None:
    front.http = replace(front.http, turn=Closing(TRIES))
    wire = await front.connect()
    await wire.say(HEAD)
    assert (await wire.until(b"before_sending")).startswith(b"HTTP/1.1 502 ")
    assert behind.visits == []
