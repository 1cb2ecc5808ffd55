"""What is open under a session in any worker ends when the session is revoked at one, and nothing else does."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from gateway.dev.standin import User
from tests.harness.browser import FORM, HR, Browser
from tests.harness.workers import RunningWorkers, several_workers

USERS, SOCKETS_EACH, WORKERS = 50, 2, 4
CLOSED_SECONDS = 5.0  # alone it is milliseconds; without the news of the revocation it would be half an hour
REVOKED = 1008


@dataclass
class Socket:
    """A WebSocket of one user; ``closed``: when it ended, on the loop's clock, and with which code."""

    login: str
    open: aiohttp.ClientWebSocketResponse
    closed: tuple[float, int] | None = None
    reading: asyncio.Task[None] = field(init=False)

    def __post_init__(self) -> None:
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        await self.open.receive()
        self.closed = asyncio.get_running_loop().time(), self.open.close_code or 0


@pytest.mark.timeout(240)
async def test_exactly_the_sockets_of_who_signed_out_close_in_every_worker(tmp_path: Path) -> None:
    users = [User(f"user{number}@example.com", "long enough 7") for number in range(USERS)]
    async with (
        several_workers(tmp_path, workers=WORKERS, users=users) as running,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client,
    ):
        entered = {user.login: await running.entered(user.login) for user in users}
        sockets = [await _opened(running, client, login, line) for login, (_, line) in entered.items() for _ in range(SOCKETS_EACH)]
        leaving = [user.login for user in users[::2]]
        answered = dict(zip(leaving, await asyncio.gather(*(_signed_out(entered[login][0]) for login in leaving)), strict=True))
        theirs = [socket for socket in sockets if socket.login in answered]
        async with asyncio.timeout(20):
            await asyncio.gather(*(socket.reading for socket in theirs))
        waits = [socket.closed[0] - answered[socket.login] for socket in theirs if socket.closed is not None]
        assert len(waits) == USERS // 2 * SOCKETS_EACH and max(waits) < CLOSED_SECONDS
        assert {socket.closed[1] for socket in theirs if socket.closed is not None} == {REVOKED}
        assert [socket.login for socket in sockets if socket.closed is not None and socket not in theirs] == []
        await running.event("request", len(theirs), status=101)
        assert {line["worker"] for line in running.events("request", status=101)} == set(range(WORKERS))
        assert len(running.events("request", status=101)) == len(theirs)
        for socket in sockets:
            socket.reading.cancel()
            await asyncio.gather(socket.reading, return_exceptions=True)
            await socket.open.close()


async def _opened(running: RunningWorkers, client: aiohttp.ClientSession, login: str, line: str) -> Socket:
    fields = {"Host": HR.partition("://")[2], "Origin": HR, "Cookie": line.partition(": ")[2]}
    return Socket(login, await client.ws_connect(f"http://127.0.0.1:{running.port}/live", headers=fields, autoclose=False))


async def _signed_out(browser: Browser) -> float:
    """When the sign-out was answered."""
    assert (await browser.post(f"{HR}/.gateway/sign-out", fields={**FORM, "Origin": HR})).status == 303
    return asyncio.get_running_loop().time()
