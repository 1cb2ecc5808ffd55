"""What nobody foresaw in a request: the client is told by a page, or cut off, and nothing is left behind."""

import asyncio

import pytest

from gateway.doors.app import ProtectedDoor
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.rules import Waiting
from gateway.policy.http.messages import RequestHead
from gateway.policy.routing.routing import App
from tests.edge.two_addresses import BROKEN, asked, two_addresses
from tests.harness.wire import PATIENCE


class Flawed:
    """The app door with a bug, which shows before anything is begun, or behind it; ``good``: so many requests are spared."""

    def __init__(self, door: ProtectedDoor, *, is_late: bool, good: int = 0) -> None:
        self.door, self.is_late, self.good = door, is_late, good

    def begin(self, request: Request, head: RequestHead, app: App) -> Response | Waiting | None:
        if head.path == "/warm":
            return self.door.begin(request, head, app)
        self.good -= 1
        step = self.door.begin(request, head, app) if self.good >= 0 or self.is_late else None
        if self.good < 0:
            raise TypeError("a bug")
        return step


@pytest.mark.parametrize("good", [0, 1], ids=["the first", "a later one"])
async def test_a_bug_before_anything_was_begun_is_a_page(good: int) -> None:
    async with two_addresses(door=lambda door: Flawed(door, is_late=False, good=good)) as tried, asyncio.timeout(PATIENCE):
        wire = await tried.fast.connect()
        for _ in range(good):
            await wire.say(asked(b"/a", tried.cookie))
            assert (await wire.until(b"hello")).startswith(b"HTTP/1.1 200 ")
        await wire.say(asked(b"/a", tried.cookie))
        assert (await wire.rest()).startswith(b"HTTP/1.1 500 ")
        lines = await tried.fast.logged(good + 2)
        assert [line["event"] for line in lines] == ["request"] * good + ["request_failed", "request"]
        assert "session_gateway_requests_running 0.0" in tried.fast.counts
        await tried.quiet()


@pytest.mark.parametrize("good", [0, 1], ids=["the first", "a later one"])
async def test_a_bug_behind_what_was_begun_cuts_the_client_off_and_counts_nothing_twice(good: int) -> None:
    async with two_addresses(door=lambda door: Flawed(door, is_late=True, good=good)) as tried, asyncio.timeout(PATIENCE):
        wire = await tried.fast.connect()
        for _ in range(good):
            await wire.say(asked(b"/a", tried.cookie))
            await wire.until(b"hello")
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await wire.say(asked(b"/a", tried.cookie))
            await wire.until(b"hello")
        lines = await tried.fast.logged(good + 2)
        assert [(line["event"], line.get("status")) for line in lines[good:]] == [("request_failed", None), ("request", 500)]
        assert "session_gateway_requests_running 0.0" in tried.fast.counts
        await tried.quiet()
        assert await tried.fast.raw(asked(b"/b", tried.cookie, b"Connection: close\r\n")) == BROKEN  # the door is still the same


class FlawedAnswer:
    """The app door with a bug that shows when the app's answer is there."""

    def __init__(self, door: ProtectedDoor) -> None:
        self.door = door

    def begin(self, request: Request, head: RequestHead, app: App) -> Response | Waiting | None:
        if head.path == "/warm":
            return self.door.begin(request, head, app)
        asyncio.get_running_loop().call_soon(request.client.failed, TypeError("a bug"))
        return None


async def test_a_bug_where_the_loop_calls_is_a_page_and_a_line_too() -> None:
    async with two_addresses(door=FlawedAnswer) as tried, asyncio.timeout(PATIENCE):
        answer = await tried.fast.raw(asked(b"/a", tried.cookie, b"Connection: close\r\n"))
        assert answer.startswith(b"HTTP/1.1 500 ") and b"a bug" not in answer
        lines = await tried.fast.logged(2)
        assert [(line["event"], line.get("status")) for line in lines] == [("request_failed", None), ("request", 500)]
        assert "session_gateway_requests_running 0.0" in tried.fast.counts
        await tried.quiet()
