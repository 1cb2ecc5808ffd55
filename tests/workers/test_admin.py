"""The admin address of several workers: what it says of those that are unready, and that no worker holds it up."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp

from gateway.clock import Clock
from gateway.compose.addresses import bind
from gateway.doors.health import Health
from gateway.doors.refusals import refusal
from gateway.edge.handling import Handling
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.server import HttpServer, Listening
from gateway.observe.metrics import Metrics
from gateway.workers.admin import AdminAddress, WorkerAddress
from gateway.workers.process import WorkerProcess
from gateway.workers.slot import State, WorkerSlot
from gateway.workers.sockets import UnnamedSocket
from tests.harness.server import said

Handle = Callable[[Request], Awaitable[Response]]


async def never(number: int) -> WorkerProcess:
    raise BlockingIOError("no process is needed here")


async def stands_still(request: Request) -> Response:
    await asyncio.Event().wait()
    raise AssertionError("it went on")


async def says_nonsense(request: Request) -> Response:
    return said(503, "[not JSON")


def unready(**reasons: str) -> Handle:
    return Health(Metrics(), lambda: reasons).handle


@asynccontextmanager
async def admin(*workers: Handle, states: Sequence[State] = ()) -> AsyncIterator[str]:
    """The origin of an admin address before workers that answer so, in these states, or listening."""
    async with AsyncExitStack() as opened:

        async def listen(server: HttpServer, listening: Listening) -> None:
            opened.push_async_callback(listening.aclose, 0.0)
            await listening.start()

        address = AdminAddress(None, Metrics())
        places = []
        for number, handle in enumerate(workers):
            nameless = UnnamedSocket.made()
            opened.callback(nameless.close)
            slot = WorkerSlot(number, never, address.left, Clock(), lambda event, figures: None)
            slot.state = states[number] if states else "listening"
            places.append(WorkerAddress(slot, nameless.path))
            server = HttpServer(Handling(handle, lambda malformed: refusal(malformed, ())))
            await listen(server, Listening(server, nameless.listening))
        address.workers = places
        bound = bind("127.0.0.1:0", str)
        port = bound.getsockname()[1]
        server = HttpServer(Handling(address.handle, lambda malformed: refusal(malformed, ())))
        await listen(server, Listening(server, bound))
        yield f"http://127.0.0.1:{port}"


async def readiness(origin: str, query: str = "") -> tuple[int, object]:
    async with asyncio.timeout(20), aiohttp.ClientSession() as client, client.get(f"{origin}/readyz{query}") as answer:
        return answer.status, (await answer.json()).get("reasons", {})


async def test_readiness_names_the_worker_and_the_part() -> None:
    async with admin(unready(), unready(revocations="not shared"), stands_still, says_nonsense) as origin:
        expected = {"worker 1: revocations": "not shared", "worker 2": "no answer", "worker 3": "no answer"}
        assert await readiness(origin) == (503, expected)


async def test_what_the_caller_excludes_is_asked_of_no_worker() -> None:
    async with admin(unready(), unready(revocations="not shared")) as origin:
        assert await readiness(origin, "?exclude=revocations&exclude=%0d%0a") == (200, {})
        assert await readiness(origin, "?exclude=process") == (503, {"worker 1: revocations": "not shared"})


async def test_a_worker_that_waits_for_the_shared_state_says_why() -> None:
    reasons = {"process": "starting", "revocations": "Redis at redis:6379: cannot be reached"}
    async with admin(unready(), unready(**reasons), states=("listening", "waiting")) as origin:
        assert await readiness(origin) == (503, {f"worker 1: {part}": reason for part, reason in reasons.items()})
        assert await readiness(origin, "?exclude=revocations") == (503, {"worker 1: process": "starting"})


async def test_what_workers_say_of_the_event_hook_is_passed_on_and_keeps_no_traffic_away() -> None:
    def saying_of_the_hook(word: str) -> Handle:
        return Health(Metrics(), dict, None, lambda: {"event_hook": word}).handle

    async with (
        admin(saying_of_the_hook("trusted"), saying_of_the_hook("silent"), saying_of_the_hook("trusted")) as origin,
        aiohttp.ClientSession() as client,
        client.get(f"{origin}/readyz") as answer,
    ):
        assert (answer.status, await answer.json()) == (200, {"status": "ready", "event_hook": "silent, trusted"})


async def test_a_place_without_a_worker_is_unready() -> None:
    address = AdminAddress(None, Metrics())
    slot = WorkerSlot(3, never, address.left, Clock(), lambda event, figures: None)
    address.workers = (WorkerAddress(slot, "/nowhere"),)
    bound = bind("127.0.0.1:0", str)
    server = HttpServer(Handling(address.handle, lambda malformed: refusal(malformed, ())))
    listening = Listening(server, bound)
    await listening.start()
    try:
        assert await readiness(f"http://127.0.0.1:{bound.getsockname()[1]}") == (503, {"worker 3": "starting"})
    finally:
        await listening.aclose(0.0)
