"""Active checks: every server is asked again and again, and whatever is not a good answer in time is a bad one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from gateway.errors import Nonsense
from gateway.policy.routing.balancing import Balancer
from gateway.policy.routing.server_health import Server, is_healthy
from gateway.upstream.health import HealthChecks, question

PATIENCE = 30.0
A, B = Server("a"), Server("b")

Told = asyncio.Queue[tuple[Server, bool]]


class Machine:
    """A server that answers every check with the status it is told, or with silence; it remembers what it was asked."""

    def __init__(self) -> None:
        self.status: int | None = 200
        self.heads: list[bytes] = []
        self.asked = asyncio.Event()
        self.left = asyncio.Event()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append(await reader.readuntil(b"\r\n\r\n"))
        self.asked.set()
        if self.status is not None:
            writer.write(b"HTTP/1.1 %d \r\nContent-Length: 0\r\n\r\n" % self.status)
        await reader.read()
        self.left.set()
        writer.close()

    async def asks(self, _server: Server) -> bool:
        """One check as the gateway's own connections do it: connect, ask, read the status."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            method, target, fields = question("/health?deep=1", "hr.example.com")
            lines = b"".join(b"%s: %s\r\n" % field for field in fields)
            writer.write(f"{method} {target} HTTP/1.1\r\n".encode() + lines + b"\r\n")
            return is_healthy(int((await reader.readuntil(b"\r\n")).split()[1]))
        finally:
            writer.close()


@pytest.fixture
async def machine() -> AsyncIterator[Machine]:
    made = Machine()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


@contextlib.asynccontextmanager
async def running(checks: HealthChecks) -> AsyncIterator[None]:
    checks.start()
    try:
        yield
    finally:
        await checks.aclose()


def hear(told: Told) -> Callable[[Server, bool], None]:
    return lambda server, healthy: told.put_nowait((server, healthy))


async def results(told: Told, number: int) -> list[bool]:
    async with asyncio.timeout(PATIENCE):
        return [(await told.get())[1] for _ in range(number)]


async def test_a_server_is_asked_at_once_and_again_every_interval(machine: Machine) -> None:
    told = Told()
    async with running(HealthChecks([A], machine.asks, hear(told), 0.01)):
        assert await results(told, 5) == [True] * 5
    assert len(machine.heads) >= 5


async def test_the_question_holds_nothing_of_any_user(machine: Machine) -> None:
    told = Told()
    async with running(HealthChecks([A], machine.asks, hear(told), 60.0)):
        await results(told, 1)
    first, *fields = machine.heads[0].rstrip().split(b"\r\n")
    assert first == b"GET /health?deep=1 HTTP/1.1"
    assert [field.partition(b":")[0] for field in fields] == [b"Host", b"User-Agent", b"Accept"]


async def test_a_bad_status_is_a_bad_result_and_a_good_one_follows(machine: Machine) -> None:
    told, machine.status = Told(), 503
    async with running(HealthChecks([A], machine.asks, hear(told), 0.01)):
        assert await results(told, 2) == [False, False]
        machine.status = 204
        async with asyncio.timeout(PATIENCE):
            while await told.get() != (A, True):
                pass


async def test_silence_is_a_bad_result_when_the_interval_is_over(machine: Machine) -> None:
    told, machine.status = Told(), None
    async with running(HealthChecks([A], machine.asks, hear(told), 0.05)):
        assert await results(told, 1) == [False]
        async with asyncio.timeout(PATIENCE):
            await machine.left.wait()


async def test_a_server_that_cannot_be_reached_is_a_bad_result(machine: Machine) -> None:
    told, free = Told(), await asyncio.start_server(machine.serve, "127.0.0.1", 0)
    machine.port = free.sockets[0].getsockname()[1]
    free.close()
    await free.wait_closed()
    async with running(HealthChecks([A], machine.asks, hear(told), 0.01)):
        assert await results(told, 2) == [False, False]


async def test_what_is_no_http_is_a_bad_result() -> None:
    told = Told()

    async def nonsense(_server: Server) -> bool:
        raise Nonsense("head")

    async with running(HealthChecks([A], nonsense, hear(told), 0.01)):
        assert await results(told, 2) == [False, False]


async def test_a_server_that_hangs_delays_no_other(machine: Machine) -> None:
    told = Told()

    async def asks(server: Server) -> bool:
        if server == B:
            await asyncio.Event().wait()
        return await machine.asks(server)

    async with running(HealthChecks([B, A], asks, hear(told), 60.0)):
        async with asyncio.timeout(PATIENCE):
            assert await told.get() == (A, True)


async def test_the_results_take_a_server_out_and_bring_it_back(machine: Machine) -> None:
    balancer, changes, machine.status = Balancer([A]), Told(), 500

    def told(server: Server, healthy: bool) -> None:
        if balancer.checked(server, healthy):
            changes.put_nowait((server, healthy))

    async with running(HealthChecks([A], machine.asks, told, 0.01)):
        assert await results(changes, 1) == [False]
        assert balancer.choose(0.0) is None
        machine.status = 200
        assert await results(changes, 1) == [True]
        assert balancer.choose(0.0) == A


async def test_when_closed_a_question_under_way_is_given_up_and_nobody_is_told(machine: Machine) -> None:
    told, machine.status = Told(), None
    before = asyncio.all_tasks()
    checks = HealthChecks([A], machine.asks, hear(told), 60.0)
    checks.start()
    async with asyncio.timeout(PATIENCE):
        await machine.asked.wait()
        await checks.aclose()
        await machine.left.wait()
    assert told.empty()
    assert not [task for task in asyncio.all_tasks() - before if task.get_name().startswith("health")]


async def test_checks_that_never_started_can_be_closed() -> None:
    await HealthChecks([A], lambda server: asyncio.sleep(0, result=True), hear(Told()), 1.0).aclose()
