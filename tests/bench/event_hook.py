"""How many deliveries of Okta's event hook one worker takes, what they cost, and whether everybody whom they end is refused at once.

Run: ``python -m tests.bench.event_hook [seconds] [sqlite | redis]``. A gateway of one worker as a process, and for each engine: deliveries
of one event as fast as they are answered, and of a hundred; then 1,000 a second, on time, while an app is asked 200 times a second; the
same with 1,000 forged ones a second beside them; then users who are ended one by one, and ask right behind the answer. Exits 1 where an
answer is wrong.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import count, cycle
from pathlib import Path
from time import perf_counter, time

import uvloop

from gateway.doors.hooks import EVENT_HOOK_PATH
from gateway.standin import User
from tests.doors.hooks.hooked import LOGIN_HOST, SECRET
from tests.house.callers import Caller
from tests.house.crew import Running, crew
from tests.policy.hooks.events import delivery, event
from tests.shared_state.engines import moment
from tests.shared_state.redis_servers import SERVER
from tests.shared_state.redis_servers import Running as Redis

SECONDS, PER_SECOND, APP_PER_SECOND, CONNECTIONS, SESSIONS = 5.0, 1000.0, 200.0, 32, 50
ENDED = 20
"""Of the sessions, those that are ended by an event."""
SOURCE = "http://127.0.0.1/api/v1/eventHooks/who1"
_TICK = os.sysconf("SC_CLK_TCK")

Ask = Callable[[], Awaitable[float]]
"""Asks once; how long that took, or -1.0 for a wrong answer."""


class Deliveries:
    """Connections to the hook, and what comes over them."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._free: asyncio.Queue[Caller] = asyncio.Queue()
        self._numbers = count()

    async def open(self) -> None:
        """As many connections as may be busy at once."""
        for _ in range(CONNECTIONS):
            self._free.put_nowait(await self._running.caller())

    def body(self, *users: str) -> bytes:
        """A delivery that nobody has seen; without users about one whom nobody knows."""
        number, now = next(self._numbers), time()
        events = [event("user.session.clear", now, actor=user) for user in users or (f"00u{number:017}",)]
        return delivery(*events, event_id=f"delivery {number}", source=SOURCE)

    async def post(self, body: bytes, secret: str = SECRET, expected: tuple[int, ...] = (204,)) -> float:
        """How long the answer took."""
        head = f"POST {EVENT_HOOK_PATH} HTTP/1.1\r\nHost: {LOGIN_HOST}\r\nAuthorization: {secret}\r\nContent-Length: {len(body)}\r\n\r\n"
        began = perf_counter()
        caller = await self._free.get()
        status, _ = await caller.send(head, body)
        took = perf_counter() - began
        if caller.reader.at_eof() or status != 204:
            await caller.close()
            caller = Caller(*await asyncio.open_connection("127.0.0.1", self._running.port))
        self._free.put_nowait(caller)
        return took if status in expected else -1.0


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
        made = Deliveries(running)
        await made.open()
        wrong = await _as_fast_as_answered(running, "of one event", seconds, lambda: made.post(made.body()))
        hundred = [f"00u{number:017}" for number in range(100)]
        wrong += await _as_fast_as_answered(running, "of a hundred events", seconds, lambda: made.post(made.body(*hundred)))
        app = _app(await running.caller(), lines)
        wrong += await _on_time(running, "beside an app", seconds, {"delivery": (PER_SECOND, lambda: made.post(made.body()))}, app)
        both = {
            "delivery": (PER_SECOND, lambda: made.post(made.body())),
            "forged": (PER_SECOND, lambda: made.post(b"{}", "wrong", (401, 429))),
        }
        wrong += await _on_time(running, "beside an app and forged ones", seconds, both, app)
        wrong += await _ended(running, made, lines[:ENDED])
        return 1 if wrong else 0


@asynccontextmanager
async def _gateway(folder: Path, engine: str) -> AsyncIterator[Running]:
    (folder / "secret").write_text(f"{SECRET}\n")
    (folder / "secret").chmod(0o600)
    (folder / "state").mkdir(mode=0o700)
    redis = Redis(folder / "redis") if engine == "redis" else None
    state = {"STATE__URL": f"redis://127.0.0.1:{redis.port}"} if redis is not None else {"STATE__DIRECTORY": str(folder / "state")}
    given = {"HOOKS__OKTA_SECRET_FILE": str(folder / "secret"), "LISTEN__REQUESTS_PER_CLIENT": "0", **state}
    environ = {f"SESSION_GATEWAY__{name}": value for name, value in given.items()}
    users = [User(f"user{number}@example.com", "correct-horse") for number in range(SESSIONS)]
    try:
        async with crew(folder, workers=1, environ=environ, users=users) as running:
            running.org.limits.per_minute = 1_000_000
            yield running
    finally:
        if redis is not None:
            redis.kill()


def _cpu_seconds(running: Running) -> float:
    """What the worker has used so far."""
    pids = running.pids() or {0: running.process.pid}
    words = Path(f"/proc/{pids[0]}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / _TICK


async def _as_fast_as_answered(running: Running, what: str, seconds: float, post: Ask) -> int:
    took: list[float] = []
    ends, used = perf_counter() + seconds, _cpu_seconds(running)

    async def posts() -> None:
        while perf_counter() < ends:
            took.append(await post())

    began = perf_counter()
    await asyncio.gather(*(posts() for _ in range(CONNECTIONS)))
    used, seconds = _cpu_seconds(running) - used, perf_counter() - began
    print(f"  deliveries {what}: {len(took) / seconds:.0f} a second; {used / len(took) * 1000:.2f} ms of the worker's CPU each")
    return _told("delivery", took)


def _app(caller: Caller, lines: list[str]) -> tuple[float, Ask]:
    turns = cycle(lines[ENDED:])

    async def ask() -> float:
        began = perf_counter()
        status, _ = await caller.ask("/", next(turns))
        return perf_counter() - began if status == 200 else -1.0

    return APP_PER_SECOND, ask


async def _on_time(running: Running, what: str, seconds: float, posts: Mapping[str, tuple[float, Ask]], app: tuple[float, Ask]) -> int:
    """Each kind at its pace: a slow answer delays no other, but the app's, which come one after the other on one connection."""
    used, began = _cpu_seconds(running), perf_counter()
    took = {name: list[float]() for name in (*posts, "request of the app")}

    async def paced(name: str, per_second: float, ask: Ask) -> None:
        async def one() -> None:
            took[name].append(await ask())

        async with asyncio.TaskGroup() as group:
            for number in range(int(per_second * seconds)):
                await moment(max(0.0, began + number / per_second - perf_counter()))
                group.create_task(one())

    async def asks() -> None:
        per_second, ask = app
        for number in range(int(per_second * seconds)):
            await moment(max(0.0, began + number / per_second - perf_counter()))
            took["request of the app"].append(await ask())

    await asyncio.gather(asks(), *(paced(name, *post) for name, post in posts.items()))
    lasted = perf_counter() - began
    rate = len(took["delivery"]) / lasted
    print(f"  {rate:.0f} deliveries a second {what}: the worker uses {(_cpu_seconds(running) - used) / lasted:.0%} of a core")
    return sum(_told(name, seen) for name, seen in took.items())


async def _ended(running: Running, made: Deliveries, lines: list[str]) -> int:
    """How many were served, or not served before, once the delivery that ends them was answered."""
    caller, odd = await running.caller(), 0
    for number, line in enumerate(lines):
        before, _ = await caller.ask("/", line)
        user = running.org.known_user(f"user{number}@example.com").id
        posted = await made.post(made.body(user))
        after, _ = await caller.ask("/", line)
        odd += (before, posted >= 0, after) != (200, True, 401)
    print(f"  {len(lines)} users ended by a delivery: {odd} served behind its answer")
    return odd


def _told(name: str, took: list[float]) -> int:
    right = sorted(one for one in took if one >= 0)
    wrong = len(took) - len(right)
    p50, p99 = (right[int(len(right) * part)] * 1000 for part in (0.5, 0.99)) if right else (0.0, 0.0)
    print(f"    {name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, {len(right)} right, {wrong} wrong")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
