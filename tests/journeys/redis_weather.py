"""Two replicas as processes on a Redis that can fail in many ways, with users who are signed in at both.

Owns the kinds of failure, the replicas and their clients. Checks nothing by itself.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic

import aiohttp

from gateway.dev.standin import Org
from tests.harness.hello_app import HelloApp
from tests.harness.person import HR, LOGIN, SCRIPT, Person, PersonReply, redemption
from tests.harness.polling import moment
from tests.harness.redis_servers import SENTINEL, RedisProcess
from tests.harness.system import USERS, WatchedJournal
from tests.harness.workers import RunningWorkers, behind, started
from tests.journeys.three_replicas import CONFIGURATION
from tests.shared_state.namespaces import namespace
from tests.shared_state.replicas import RedisProxy, wired

TTL_SECONDS = 2.0
TIMEOUT_SECONDS = 1.0
"""How long a call to Redis may take."""


@dataclass(frozen=True)
class Weather:
    """``state``: the lines of the configuration. ``begin`` and ``end`` change the weather. ``blinds``: nobody hears what others publish."""

    state: str
    begin: Callable[[], None]
    end: Callable[[], None]
    blinds: bool = True


def _state(redis: RedisProcess, port: int = 0) -> str:
    return f'url = "redis://{redis.host}:{port or redis.port}/0"'


@contextmanager
def _redis(folder: Path) -> Iterator[RedisProcess]:
    redis = RedisProcess(folder / "redis", 'save ""', "appendonly yes", "appendfsync always")
    try:
        yield redis
    finally:
        redis.kill()


@asynccontextmanager
async def stands_still(folder: Path) -> AsyncIterator[Weather]:
    """It takes connections and answers nobody."""
    with _redis(folder) as redis:
        yield Weather(_state(redis), lambda: redis.signal(signal.SIGSTOP), lambda: redis.signal(signal.SIGCONT))


@asynccontextmanager
async def stopped(folder: Path) -> AsyncIterator[Weather]:
    """It is killed, and started again."""
    with _redis(folder) as redis:
        yield Weather(_state(redis), redis.kill, redis.start)


@asynccontextmanager
async def full(folder: Path) -> AsyncIterator[Weather]:
    """It takes no changes, because its memory is full; what is there can be read."""
    with _redis(folder) as redis:
        limit = ("CONFIG", "SET", "maxmemory")
        yield Weather(_state(redis), lambda: _said(redis.cli(*limit, "1")), lambda: _said(redis.cli(*limit, "0")), blinds=False)


@asynccontextmanager
async def too_slow(folder: Path) -> AsyncIterator[Weather]:
    """Each answer takes three seconds, and each question as long."""
    with _redis(folder) as redis:
        async with wired(redis.place) as (wire, through):
            yield Weather(_state(redis, through.port), partial(_takes, wire, 3.0), partial(_takes, wire, 0.0))


@asynccontextmanager
async def slow(folder: Path) -> AsyncIterator[Weather]:
    """Each answer takes 300 ms: longer than anything should take, and less than the time-out."""
    with _redis(folder) as redis:
        async with wired(redis.place) as (wire, through):
            yield Weather(_state(redis, through.port), partial(_takes, wire, 0.15), partial(_takes, wire, 0.0), blinds=False)


@asynccontextmanager
async def cut_off(folder: Path) -> AsyncIterator[Weather]:
    """Nothing that is sent arrives, in either direction, and no connection is closed."""
    with namespace() as there:
        redis = RedisProcess(folder / "redis", "protected-mode no", 'save ""', "appendonly yes", host=there.host, within=there.within)
        try:
            yield Weather(_state(redis), there.cut, there.mend)
        finally:
            redis.kill()


@asynccontextmanager
async def fails_over(folder: Path) -> AsyncIterator[Weather]:
    """The primary is killed, and Sentinel makes its replica the primary. There is nothing to mend by hand."""
    primary = RedisProcess(folder / "primary")
    replica = RedisProcess(folder / "replica", f"replicaof 127.0.0.1 {primary.port}")
    watches = (f"sentinel monitor mine 127.0.0.1 {primary.port} 1", "sentinel down-after-milliseconds mine 1500")
    sentinel = RedisProcess(folder / "sentinel", *watches, "sentinel failover-timeout mine 3000", program=SENTINEL)
    try:
        async with asyncio.timeout(20):
            while "slaves=1" not in sentinel.cli("INFO", "sentinel") or "link_status:up" not in replica.cli("INFO", "replication"):
                await moment(0.05)
        yield Weather(f'url = "redis://mine"\nsentinel = ["127.0.0.1:{sentinel.port}"]', primary.kill, lambda: None)
    finally:
        for server in (sentinel, replica, primary):
            server.kill()


def _takes(wire: RedisProxy, seconds: float) -> None:
    wire.delay_seconds = seconds


def _said(word: str) -> None:
    assert word == "OK", word


@dataclass
class ReplicasInWeather:
    """The replicas, the org, and what every request took."""

    weather: Weather
    replicas: Sequence[RunningWorkers]
    org: Org
    client: aiohttp.ClientSession
    people: list[Person]
    at: int = 0
    longest_seconds: float = 0.0

    def person(self) -> Person:
        made = Timed(self.client, lambda: self.replicas[self.at].port)
        made.two = self
        self.people.append(made)
        return made

    async def entered(self, login: str) -> Person:
        """Signed in, and known at both replicas."""
        person = self.person()
        self.at = 0
        reply = await person.go(redemption(self.org.session_token(login)))
        assert (reply.status, reply.body) == (200, f"hello {login}")
        for number in (1, 0):
            assert await self.told(number, person) == f"hello {login}"
        return person

    async def told(self, number: int, person: Person) -> str:
        """What this replica answers to a script of hers: the app's words, or the status of a refusal."""
        self.at = number
        reply = await person.ask(f"{HR}/api/me", fields=SCRIPT, site="same-origin", shown=dict(person.jar))
        return reply.body if reply.status == 200 else str(reply.status)

    async def signs_out(self, person: Person) -> PersonReply:
        """At the first replica, to the last page. The browser keeps what it had, as a thief's copy would."""
        before, self.at = dict(person.jar), 0
        reply = await person.go(f"{HR}/.gateway/sign-out", site="same-origin", method="POST", body="to=")
        person.jar = before
        return reply

    async def until_told(self, number: int, person: Person, word: str, seconds: float) -> float:
        """How long it took until this replica says so."""
        started_at = monotonic()
        async with asyncio.timeout(seconds):
            while await self.told(number, person) != word:
                await moment(0.01)
        return monotonic() - started_at

    async def until_ready(self, number: int, seconds: float) -> None:
        async with asyncio.timeout(seconds):
            while (await self.replicas[number].readiness())[0] != 200:
                await moment(0.02)


class Timed(Person):
    """A person who looks at the clock."""

    two: ReplicasInWeather

    async def ask(self, *asked: object, **how: object) -> PersonReply:
        """As a person, and how long it took."""
        started_at = monotonic()
        try:
            return await super().ask(*asked, **how)  # type: ignore[arg-type]  # handed on as it came
        finally:
            self.two.longest_seconds = max(self.two.longest_seconds, monotonic() - started_at)


@asynccontextmanager
async def two_replicas(folder: Path, weather: Weather) -> AsyncIterator[ReplicasInWeather]:
    """Both listening, in good weather still."""
    people: list[Person] = []
    async with AsyncExitStack() as opened:
        served, _, upstream = await opened.enter_async_context(behind(USERS))
        served.org.journal = journal = WatchedJournal(served.org, people)
        text = CONFIGURATION.format(org=served.url, host="login.example.com", redis=1, login=LOGIN, app=HR, upstream=upstream)
        text = text.replace('url = "redis://127.0.0.1:1/0"', f'{weather.state}\ntimeout = "{TIMEOUT_SECONDS}s"')
        text = text.replace('"30m"', f'"{TTL_SECONDS:.0f}s"')

        async def replica(number: int) -> RunningWorkers:
            place = folder / f"replica-{number}"
            (place / "scratch").mkdir(parents=True)
            (place / "gateway.toml").write_text(text)
            return await opened.enter_async_context(started(place, served.org, HelloApp(), workers=1))

        replicas = await asyncio.gather(*map(replica, range(2)))
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        client = await opened.enter_async_context(aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()))
        yield ReplicasInWeather(weather, replicas, served.org, client, people)
        assert journal.broken == []
