"""The door to another worker: what it hands over, and what it says while that worker is away."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
import yarl
from aiohttp import web

from gateway.clock import Clock
from gateway.compose.keeper import relay_door
from gateway.compose.server import Listening, Server, bind
from gateway.core.messages import Authority, Fields, RequestHead
from gateway.doors.notes import noted
from gateway.doors.refusals import refusal

NAVIGATION = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@dataclass
class Keeper:
    """What the other worker received, and whether it is there."""

    path: Path
    received: list[tuple[str, str, Fields, bytes]] = field(default_factory=list)
    noted: list[dict[str, str]] = field(default_factory=list)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Whatever came, said back."""
        body = await request.content.read()
        self.received.append((request.method, request.raw_path, tuple(request.raw_headers), body))
        return web.Response(status=418, headers={"Set-Cookie": "one=1", "X-Is": "kept"}, text="short and stout")


@asynccontextmanager
async def relaying(path: Path, *, there: bool) -> AsyncIterator[tuple[aiohttp.ClientSession, Keeper]]:
    """A client of a worker that relays everything to a keeper at this path."""
    keeper = Keeper(path)
    async with AsyncExitStack() as opened:
        if there:
            bound = socket.socket(socket.AF_UNIX)
            bound.bind(str(path))
            await listening(Server(keeper.answer, lambda request, malformed: refusal(malformed, ())), bound, opened)
        door = relay_door(str(path), Clock(), opened)

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            fields = tuple(request.raw_headers)
            head = RequestHead(request.method, request.raw_path, Authority("a", 80), fields, False, "10.0.0.9", "192.0.2.7")
            response = await door.handle(request, head)
            keeper.noted.append(noted(request))
            return response

        public = bind("127.0.0.1:0", str)
        await listening(Server(handle, lambda request, malformed: refusal(malformed, ())), public, opened)
        client = await opened.enter_async_context(aiohttp.ClientSession(f"http://127.0.0.1:{public.getsockname()[1]}"))
        yield client, keeper


async def listening(server: Server, bound: socket.socket, opened: AsyncExitStack) -> None:
    made = Listening(server, bound)
    opened.push_async_callback(made.aclose, 0.0)
    await made.start()


async def test_the_request_and_the_answer_go_through_as_they_are(tmp_path: Path) -> None:
    async with relaying(tmp_path / "keeper", there=True) as (client, keeper):
        target, sent = yarl.URL("/login?x=%2f", encoded=True), {"Cookie": "sid=1", "TE": "trailers", "Connection": "x-is"}
        answer = await client.post(target, data=b"token=1", headers=sent)
        assert (answer.status, await answer.text(), answer.headers["X-Is"]) == (418, "short and stout", "kept")
        assert answer.headers.getall("Set-Cookie") == ["one=1"]
        ((method, asked, fields, body),) = keeper.received
        assert (method, asked, body) == ("POST", "/login?x=%2f", b"token=1")
        assert {(b"Cookie", b"sid=1"), (b"X-Gateway-Hop-TE", b"trailers"), (b"X-Gateway-Relayed", b"10.0.0.9 192.0.2.7")} <= set(fields)
        assert keeper.noted == [{"verdict": "relayed"}]


@pytest.mark.parametrize("fields", [{}, NAVIGATION], ids=["script", "navigation"])
async def test_while_the_keeper_is_away_everybody_is_told_to_come_again(tmp_path: Path, fields: dict[str, str]) -> None:
    async with relaying(tmp_path / "keeper", there=False) as (client, keeper):
        answer = await client.get("/", headers=fields)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
        if fields:
            assert answer.content_type == "text/html" and "worker_away" in await answer.text()
        else:
            assert json.loads(await answer.text()) == {"error": "unavailable", "reason": "worker_away"}
        assert keeper.noted == [{"verdict": "unavailable", "reason": "keeper_unreachable"}]


async def test_nothing_is_sent_twice_to_a_keeper_that_hangs_up(tmp_path: Path) -> None:
    came: list[bytes] = []

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(await reader.readuntil(b"token=1"))
        writer.close()

    server = await asyncio.start_unix_server(rude, tmp_path / "keeper")
    async with relaying(tmp_path / "keeper", there=False) as (client, keeper):
        assert (await client.post("/login", data=b"token=1")).status == 503
        assert len(came) == 1 and keeper.noted == [{"verdict": "unavailable", "reason": "keeper_hung_up"}]
    server.close()
    await server.wait_closed()
