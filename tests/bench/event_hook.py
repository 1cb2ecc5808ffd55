"""How many deliveries of Okta's event hook one worker takes, what they cost, and whether everybody whom they end is refused at once.

Run: ``python -m tests.bench.event_hook [seconds] [sqlite | redis]``. A gateway of one worker as a process, and for each engine: deliveries
of one event, of a hundred, and forged ones, as fast as they are answered; then 1,000 a second, on time, while an app is asked 200 times a
second; and 500 forged ones a second beside both, while users are ended one by one and ask right behind the answer. Exits 1 where an
answer is wrong, or somebody is served behind an end. "With a core of its own": what the worker's CPU time allows where others keep the
processors of this machine busy.
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path
from time import perf_counter, time

import uvloop

from gateway.dev.standin import User
from gateway.doors.hooks.event_hook import EVENT_HOOK_PATH
from tests.doors.hooks.two_gateways import LOGIN_HOST, SECRET
from tests.harness.connected_client import Caller
from tests.harness.polling import moment
from tests.harness.redis_servers import SERVER, RedisProcess
from tests.harness.workers import RunningWorkers, several_workers
from tests.policy.hooks.events import delivery, event

SECONDS, PER_SECOND, FORGED_PER_SECOND, APP_PER_SECOND = 5.0, 1000.0, 500.0, 200.0
CONNECTIONS, SESSIONS, ENDED = 32, 50, 20
"""``ENDED``: of the sessions, those that are ended by a delivery."""
SOURCE = "http://127.0.0.1/api/v1/eventHooks/who1"

Ask = Callable[[], Awaitable[float]]
"""Asks once; how long that took, or -1.0 for a wrong answer."""


@dataclass
class Deliveries:
    """Connections to the hook, and what comes over them."""

    port: int
    free: asyncio.Queue[Caller] = field(default_factory=asyncio.Queue)
    numbers: Iterator[int] = field(default_factory=count)

    async def open(self) -> None:
        """As many connections as may be busy at once."""
        for _ in range(CONNECTIONS):
            self.free.put_nowait(await self._connected())

    def body(self, *users: str) -> bytes:
        """A delivery that nobody has seen; without users about one whom nobody knows."""
        number, now = next(self.numbers), time()
        events = [event("user.session.clear", now, actor=user) for user in users or (f"00u{number:017}",)]
        return delivery(*events, event_id=f"delivery {number}", source=SOURCE)

    async def post(self, body: bytes, secret: str = SECRET, expected: tuple[int, ...] = (204,)) -> float:
        """How long the answer took."""
        head = f"POST {EVENT_HOOK_PATH} HTTP/1.1\r\nHost: {LOGIN_HOST}\r\nAuthorization: {secret}\r\nContent-Length: {len(body)}\r\n\r\n"
        started_at = perf_counter()
        caller = await self.free.get()
        status, _ = await caller.send(head, body)
        took = perf_counter() - started_at
        if status != 204:
            await caller.close()
            caller = await self._connected()
        self.free.put_nowait(caller)
        return took if status in expected else -1.0

    async def forge(self) -> float:
        """The same with a secret that is none."""
        return await self.post(b"{}", "wrong", (401, 429))

    async def _connected(self) -> Caller:
        return Caller(*await asyncio.open_connection("127.0.0.1", self.port))

    def ready(self, number: int, *users: str) -> Ask:
        """Posts one of so many deliveries, which are written before anybody measures."""
        bodies = iter([self.body(*users) for _ in range(number)])
        return lambda: self.post(next(bodies))


def main() -> int:
    """Measure, print, and return the exit status."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    status = 0
    for engine in sys.argv[2:] or ["sqlite", "redis"]:
        if engine == "redis" and SERVER is None:
            print("Redis: skipped, needs redis-server: apt-get install redis-server")
            continue
        with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            status = max(status, runner.run(_measure(Path(folder), engine, seconds)))
    return status


async def _measure(folder: Path, engine: str, seconds: float) -> int:
    print(f"one worker, {engine}")
    async with _gateway(folder, engine) as running:
        lines = [(await running.entered(f"user{number}@example.com"))[1] for number in range(SESSIONS)]
        made, many = Deliveries(running.port), int(PER_SECOND * seconds)
        await made.open()
        wrong = await _at_full_speed(running, "deliveries of one event", many, made.ready(many))
        hundred = [f"00u{number:017}" for number in range(100)]
        wrong += await _at_full_speed(running, "deliveries of a hundred events", many // 50, made.ready(many // 50, *hundred))
        wrong += await _at_full_speed(running, "forged deliveries", many, made.forge)
        app = "request of the app", APP_PER_SECOND, _app(await running.caller(), lines)
        wrong += await _on_time(running, seconds, app, ("delivery", PER_SECOND, made.ready(many)))
        forged = "forged delivery", FORGED_PER_SECOND, made.forge
        ending = asyncio.create_task(_ended(running, made, lines[:ENDED], seconds))
        wrong += await _on_time(running, seconds, app, ("delivery", PER_SECOND, made.ready(many)), forged)
        return 1 if wrong + await ending else 0


@asynccontextmanager
async def _gateway(folder: Path, engine: str) -> AsyncIterator[RunningWorkers]:
    (folder / "secret").write_text(f"{SECRET}\n")
    (folder / "secret").chmod(0o600)
    (folder / "state").mkdir(mode=0o700)
    redis = RedisProcess(folder / "redis") if engine == "redis" else None
    state = {"STATE__URL": f"redis://127.0.0.1:{redis.port}"} if redis is not None else {"STATE__DIRECTORY": str(folder / "state")}
    given = {"HOOKS__OKTA_SECRET_FILE": str(folder / "secret"), "LISTEN__REQUESTS_PER_CLIENT": "0", **state}
    environ = {f"SESSION_GATEWAY__{name}": value for name, value in given.items()}
    users = [User(f"user{number}@example.com", "correct-horse") for number in range(SESSIONS)]
    try:
        async with several_workers(folder, workers=1, environ=environ, users=users) as running:
            running.org.limits.per_minute = 1_000_000
            yield running
    finally:
        if redis is not None:
            redis.kill()


class Processor:
    """What the worker has had of the machine since this was made."""

    def __init__(self, running: RunningWorkers) -> None:
        self._file = Path(f"/proc/{running.process.pid}/schedstat")
        self._before = self._read()
        self._began = perf_counter()

    def _read(self) -> tuple[int, int]:
        ran, waited, _ = map(int, self._file.read_text().split())
        return ran, waited

    @property
    def ran_seconds(self) -> float:
        """Its CPU time."""
        return (self._read()[0] - self._before[0]) / 1e9

    @property
    def said(self) -> str:
        """The shares of the time in which it ran, and in which it could have but others had the processors."""
        seconds = perf_counter() - self._began
        ran, waited = ((now - before) / 1e9 / seconds for now, before in zip(self._read(), self._before, strict=True))
        return f"the worker ran {ran:.0%} of the time, and waited for a processor {waited:.0%}"


async def _at_full_speed(running: RunningWorkers, what: str, number: int, ask: Ask) -> int:
    took: list[float] = []
    left = iter(range(number))

    async def asks() -> None:
        for _ in left:
            took.append(await ask())

    started_at, processor = perf_counter(), Processor(running)
    await asyncio.gather(*(asks() for _ in range(CONNECTIONS)))
    seconds, each = perf_counter() - started_at, processor.ran_seconds / number
    print(f"  {what}: {number / seconds:.0f} a second; {each * 1000:.2f} ms of the worker each, so {1 / each:.0f} with a core of its own")
    print(f"    {processor.said}")
    return _told(what, took)


def _app(caller: Caller, lines: list[str]) -> Ask:
    turns = cycle(lines[ENDED:])

    async def ask() -> float:
        started_at = perf_counter()
        status, _ = await caller.ask("/", next(turns))
        return perf_counter() - started_at if status == 200 else -1.0

    return ask


async def _on_time(running: RunningWorkers, seconds: float, app: tuple[str, float, Ask], *posts: tuple[str, float, Ask]) -> int:
    """Each kind at its pace: a slow answer delays no other, but of the app's requests, which come one after the other."""
    started_at, processor = perf_counter(), Processor(running)
    took = {name: list[float]() for name, _, _ in (app, *posts)}

    async def one(name: str, ask: Ask) -> None:
        took[name].append(await ask())

    async def paced(name: str, per_second: float, ask: Ask) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(int(per_second * seconds)):
                if (early := started_at + number / per_second - perf_counter()) > 0:
                    await moment(early)
                group.create_task(one(name, ask))

    async def in_turn(name: str, per_second: float, ask: Ask) -> None:
        for number in range(int(per_second * seconds)):
            if (early := started_at + number / per_second - perf_counter()) > 0:
                await moment(early)
            await one(name, ask)

    await asyncio.gather(in_turn(*app), *(paced(*post) for post in posts))
    lasted = perf_counter() - started_at
    rates = ", ".join(f"{len(seen) / lasted:.0f} of {name}" for name, seen in took.items())
    print(f"  a second: {rates}")
    print(f"    {processor.said}")
    return sum(_told(name, seen) for name, seen in took.items())


async def _ended(running: RunningWorkers, made: Deliveries, lines: list[str], seconds: float) -> int:
    """How many of these users were served, or not served before, once the delivery that ends them was answered."""
    caller, odd = await running.caller(), 0
    for number, line in enumerate(lines):
        before, _ = await caller.ask("/", line)
        posted = await made.post(made.body(running.org.known_user(f"user{number}@example.com").id))
        after, _ = await caller.ask("/", line)
        odd += (before, posted >= 0, after) != (200, True, 401)
        await moment(0.5 * seconds / len(lines))
    print(f"  {len(lines)} users ended by a delivery meanwhile: {odd} served behind its answer")
    return odd


def _told(name: str, took: list[float]) -> int:
    right = sorted(one for one in took if one >= 0)
    wrong = len(took) - len(right)
    p50, p99 = (right[int(len(right) * part)] * 1000 for part in (0.5, 0.99)) if right else (0.0, 0.0)
    print(f"    {name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, {wrong} of {len(took)} wrong")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
