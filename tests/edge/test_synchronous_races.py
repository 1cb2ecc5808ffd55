"""Requests that are answered at once, where something else happens in the very turn of the loop in which they arrive."""

import asyncio
import socket

import pytest

from gateway.edge.before import Answered, Before
from gateway.edge.connection import ClientConnection
from gateway.edge.exchange import Waiting
from gateway.edge.relay import Relay
from gateway.edge.request import Request
from gateway.edge.rules import Listener
from gateway.upstream.heads import AnswerTerms
from tests.edge.two_addresses import TwoAddresses, asked, duplicate, held_up, two_addresses
from tests.harness.app import Visit
from tests.harness.wire import PATIENCE, Wire
from tests.upstream.batches import make_busy


class TestReturning:
    """A client on a fast way asks again before aiohttp's task, which wrote the last answer, is back."""

    async def test_who_needed_the_task_once_is_answered_at_once_the_next_time(self) -> None:
        async with two_addresses() as tried, asyncio.timeout(PATIENCE):
            client = self._client_that_asks_again(tried, [asked(b"/b", tried.cookie)])
            client.send(_form(tried.cookie))
            assert (await _rest(client, b"hello")).endswith(b"hello")
            assert tried.fast.begun == [True, True]
            assert [line["method"] for line in await tried.fast.logged(2)] == ["POST", "GET"]
            client.close()

    async def test_what_arrives_in_pieces_meanwhile_is_one_request(self) -> None:
        async with two_addresses() as tried, asyncio.timeout(PATIENCE):
            text = asked(b"/b", tried.cookie)
            client = self._client_that_asks_again(tried, [text[:9]])
            client.send(_form(tried.cookie))
            await tried.fast.logged(1)
            client.send(text[9:])
            assert (await _rest(client, b"hello")).endswith(b"hello")
            assert [visit.line for visit in tried.inner.app.visits] == [b"POST /a HTTP/1.1", b"GET /b HTTP/1.1"]
            client.close()

    async def test_two_that_arrive_meanwhile_are_answered_in_order(self) -> None:
        async with two_addresses() as tried, asyncio.timeout(PATIENCE):
            client = self._client_that_asks_again(tried, [asked(b"/b", tried.cookie) + asked(b"/c", tried.cookie)])
            client.send(_form(tried.cookie))
            answers = await _rest(client, b"hello", 2)
            assert answers.count(b"HTTP/1.1 200 OK") == 2
            assert [visit.line for visit in tried.inner.app.visits][1:] == [b"GET /b HTTP/1.1", b"GET /c HTTP/1.1"]
            client.close()

    async def test_nonsense_that_arrives_meanwhile_is_refused(self) -> None:
        async with two_addresses() as tried, asyncio.timeout(PATIENCE):
            client = self._client_that_asks_again(tried, [b"\x16\x03\x01nonsense\r\n\r\n"])
            client.send(_form(tried.cookie))
            assert (await _rest(client, b"\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
            client.close()

    async def test_who_leaves_meanwhile_asked_for_nothing(self) -> None:
        async with two_addresses() as tried, asyncio.timeout(PATIENCE):
            client = self._client_that_asks_again(tried, [asked(b"/b", tried.cookie)], leaves=True)
            client.send(_form(tried.cookie))
            (line,) = await tried.fast.logged(1)
            assert line["method"] == "POST"
            await tried.quiet()

    def _client_that_asks_again(self, tried: TwoAddresses, texts: list[bytes], *, leaves: bool = False) -> socket.socket:
        """A client that sends ``texts``, one for each answer, in the moment in which the answer before is on the wire."""
        client = socket.create_connection(("127.0.0.1", tried.fast.port))
        server = tried.fast.server
        server.listener = Before(server.listener, answered=_telling(client, list(texts), leaves))
        client.setblocking(True)
        return client


def _telling(client: socket.socket, left: list[bytes], leaves: bool) -> Answered:
    """When an answer is out, the client has it, and asks for more or leaves."""

    def answered(behind: Listener, request: Request, status: int | None) -> None:
        behind.answered(request, status)
        if left:
            assert client.recv(65536).endswith(b"hello")
            client.send(left.pop(0))
        if leaves:
            client.close()

    return answered


class TestClosing:
    @pytest.mark.parametrize("has_another", [True, False])
    async def test_a_request_whose_connection_to_the_app_closes_in_its_turn_leaves_by_another(self, has_another: bool) -> None:
        async with two_addresses() as tried, asyncio.timeout(PATIENCE):
            wire = await _idle(tried, has_another)
            (last,) = (visit for visit in tried.inner.app.visits if b" /a " in visit.line)
            tried.inner.app.visits.clear()
            await make_busy(tried.inner.parts.batch)
            _at_one_time(wire, asked(b"/again", tried.cookie), last)
            assert (await wire.until(b"hello")).startswith(b"HTTP/1.1 200 OK")
            (visit,) = tried.inner.app.visits
            assert visit.line == b"GET /again HTTP/1.1" and visit.writer is not last.writer
            assert tried.fast.begun[-1] is True
            await tried.quiet()


class TestTaking:
    async def test_an_answer_is_written_although_its_client_takes_more_before_the_turn_is_over(self) -> None:
        async with two_addresses() as tried, asyncio.timeout(PATIENCE):
            wire = await tried.fast.connect()
            await wire.say(asked(b"/a", tried.cookie))
            await wire.until(b"hello")
            (client,) = (each for each in tried.fast.server.connections if isinstance(each, ClientConnection))
            waiting, batch = Waiting(asyncio.get_running_loop().create_future()), tried.inner.parts.batch
            await make_busy(batch)
            relay = Relay(client, None, AnswerTerms(), lambda _, fields: fields, waiting, batch)
            relay.arrived(200, b"", ((b"Content-Length", b"5"),), [b"again"], True)
            client.pause_writing()
            client.resume_writing()
            assert not waiting.ended.done()
            await wire.until(b"again")
            assert waiting.ended.done()


async def _idle(tried: TwoAddresses, has_another: bool) -> Wire:
    """A client, and a free connection to the app that its last answer came by: it is used next. ``has_another``: and one behind it."""
    wire, other = await tried.fast.connect(), await tried.fast.connect()
    go = await held_up(tried, wire)
    if has_another:
        await other.say(asked(b"/b", tried.cookie))
        await other.until(b"hello")
    go.set()
    await wire.until(b"hello")
    return wire


def _form(cookie: bytes) -> bytes:
    return asked(b"/a", cookie, b"Content-Length: 4\r\n", method=b"POST") + b"a=b&"


async def _rest(client: socket.socket, mark: bytes, count: int = 1) -> bytes:
    """What the client gets, while the loop goes on."""
    client.setblocking(False)
    received = b""
    while received.count(mark) < count:
        received += await asyncio.get_running_loop().sock_recv(client, 65536)
    return received


def _at_one_time(wire: Wire, request: bytes, last: Visit) -> None:
    """A client's request, and behind it the end of a connection to the app, before the loop looks at either."""
    with duplicate(wire.writer) as client, duplicate(last.writer) as app:
        client.send(request)
        app.shutdown(socket.SHUT_WR)
