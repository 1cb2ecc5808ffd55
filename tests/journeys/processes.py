"""Several gateways as processes on one shared state, each with its own workers. Any of them may get the next request of any client.

Owns how they start, stop and die, which of them gets the next request, the clock that all of them use, and the delays of connections to the
org and to Redis. Checks nothing by itself.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Literal

import aiohttp
from multidict import CIMultiDict

from gateway.dev.standin import Org
from gateway.dev.standin.clock import Clock
from tests.harness.clock_ahead import ClockAhead
from tests.harness.hello_app import HelloApp, served
from tests.harness.person import Lines
from tests.harness.polling import moment
from tests.harness.redis_servers import RedisProcess
from tests.harness.workers import RunningWorkers, is_alive, started, until
from tests.journeys.delaying_proxy import DelayingProxy
from tests.journeys.watched import WatchedPerson

DRAIN_SECONDS = 20
PATIENCE_SECONDS = 10
"""How long a gateway waits for Redis. On a busy machine the processes of a test wait for each other."""
SETTLED_SECONDS = 60.0
WAKENING_SECONDS = 0.6
"""So long after a step of the clock a waiting process may not have noticed that its deadlines are over."""
SLOWER_IN_MEMORY = 20.0
"""The scenarios say how slow an org is in seconds of a scripted clock; here it is real time."""

CONFIGURATION = """
[listen]
address = "127.0.0.1:0"
workers = {workers}
drain = "{drain}s"
[admin]
address = "127.0.0.1:0"
[okta]
org = "http://127.0.0.1:{org}"
host = "login.example.com"
[state]
{state}
[login]
url = "https://login.example.com"
[switch]
trusted_origins = ["https://portal.example.com"]
[[app]]
name = "hr"
url = "https://hr.example.com"
upstream = "{upstream}"
"""


@dataclass(frozen=True)
class Topology:
    """How many gateways of how many workers each there are, and what they share."""

    gateways: int
    workers: int
    shares: Literal["redis", "sqlite"]


class Gateways:
    """The gateways of one kind. Begin with ``start``; end with ``aclose``."""

    def __init__(self, kind: Topology, folder: Path, upstream: str) -> None:
        """``upstream``: the app's origin. Their files lie in ``folder``."""
        self.kind = kind
        self.clock = ClockAhead(folder / "clock")
        self.to_org, self.to_redis = DelayingProxy(), DelayingProxy()
        self.deaths = 0
        self.is_dying = False
        self.visits = 2 * kind.gateways * kind.workers
        self._folder, self._upstream, self._text = folder, upstream, ""
        self._redis: RedisProcess | None = None
        self._living: list[tuple[RunningWorkers, AsyncExitStack]] = []
        self._numbers, self._turns, self._chosen = count(), count(), count()
        self._coming: set[asyncio.Task[None]] = set()
        self._port = 0

    async def start(self) -> None:
        """All of them listen."""
        state = f'directory = "{self._folder / "state"}"'
        if self.kind.shares == "redis":
            self._redis = RedisProcess(self._folder / "redis", environ=dict(self.clock.environ))
            self.to_redis.to = self._redis.port
            state = f'url = "redis://127.0.0.1:{await self.to_redis.start()}/0"\ntimeout = "{PATIENCE_SECONDS}s"'
        self._text = CONFIGURATION.format(
            workers=self.kind.workers, drain=DRAIN_SECONDS, org=await self.to_org.start(), state=state, upstream=self._upstream
        )
        await asyncio.gather(*(self._another() for _ in range(self.kind.gateways)))

    async def aclose(self) -> None:
        """Nothing is left of them."""
        await self._all_came()
        while self._living:
            await self._living.pop()[1].aclose()
        await self.to_org.aclose()
        if self._redis is not None:
            await self.to_redis.aclose()
            self._redis.kill()

    @property
    def lines(self) -> list[dict[str, object]]:
        """What those that live have written."""
        return [dict(line) for running, _ in self._living for line in running.lines]

    def port(self) -> int:
        """Whose turn it is: one after the other, whoever asks."""
        if self._living:
            self._port = self._living[next(self._turns) % len(self._living)][0].port
        return self._port

    def slow(self, delays: Sequence[float]) -> None:
        """The way to the org and back takes so long, in turn."""
        self.to_org.takes([seconds / SLOWER_IN_MEMORY for seconds in delays])

    async def waits(self, seconds: float) -> None:
        """Time passes at once for all of them, as for a machine that was suspended; then every gateway is ready again."""
        await self._all_came()
        self.clock.advance(seconds)
        await moment(WAKENING_SECONDS)
        await self.are_ready()

    async def are_ready(self) -> None:
        """Every gateway says so."""
        async with asyncio.timeout(SETTLED_SECONDS):
            for running, _ in self._living:
                while (await running.readiness())[0] != 200:
                    await moment(0.02)

    async def restart(self, keeps_state: bool = False) -> None:
        """One of them drains and another takes its place; or all begin anew, and what they shared is gone."""
        await self._all_came()
        gone = [self._living.pop(next(self._chosen) % len(self._living))] if keeps_state else self._living[::-1]
        if not keeps_state:
            self._living = []
        for running, _ in gone:
            running.process.send_signal(signal.SIGTERM)
        for running, opened in gone:
            async with asyncio.timeout(DRAIN_SECONDS + SETTLED_SECONDS):
                await running.process.wait()
            await opened.aclose()
        if not keeps_state:
            self._forget()
        await asyncio.gather(*(self._another() for _ in gone))

    async def kill(self) -> None:
        """One process dies at once: a whole gateway, and another takes its place when it is up; every second time a single worker."""
        self.is_dying = True
        self.deaths += 1
        if self._living:
            await (self._lose_a_gateway() if next(self._chosen) % 2 else self._lose_a_worker())
        self.is_dying = False

    async def _lose_a_worker(self) -> None:
        """Its supervisor puts another one in its place."""
        workers = self._living[self.deaths % len(self._living)][0].pids()
        if workers:
            pid = workers[sorted(workers)[self.deaths % len(workers)]]
            os.kill(pid, signal.SIGKILL)
            await until(lambda: not is_alive(pid))

    async def _lose_a_gateway(self) -> None:
        running, opened = self._living.pop(self.deaths % len(self._living))
        pids = (running.process.pid, *running.pids().values())
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        await running.process.wait()
        await until(lambda: not any(map(is_alive, pids)))
        await opened.aclose()
        self._coming.add(asyncio.create_task(self._another(), name="another gateway comes"))
        if not self._living:
            await self._all_came()

    async def _another(self) -> None:
        self._living.append(await self._begun())

    async def _begun(self) -> tuple[RunningWorkers, AsyncExitStack]:
        place = self._folder / f"gateway-{next(self._numbers)}"
        (place / "scratch").mkdir(parents=True)
        (place / "gateway.toml").write_text(self._text)
        opened = AsyncExitStack()
        begun = started(place, Org(), HelloApp(), self.clock.environ, self.kind.workers)
        return await opened.enter_async_context(begun), opened

    async def _all_came(self) -> None:
        coming, self._coming = self._coming, set()
        await asyncio.gather(*coming)

    def _forget(self) -> None:
        if self._redis is not None:
            self._redis.cli("flushall")
        else:
            shutil.rmtree(self._folder / "state")


class ClockOfGateways(Clock):
    """The org's time is theirs."""

    def __init__(self, ahead: ClockAhead) -> None:
        super().__init__()
        self._ahead = ahead

    def now(self) -> float:
        """Seconds since 1970 UTC."""
        return super().now() + self._ahead.seconds


@dataclass
class PersonBeforeGateways(WatchedPerson):
    """Comes to each of them in turn. ``status`` is 0 where the process died before it answered."""

    place: Gateways = field(kw_only=True)

    async def send(
        self, method: str, target: str, sent: CIMultiDict[str], content: bytes | None, heard: Callable[[Lines], None]
    ) -> tuple[int, Lines, bytes]:
        """As ``Person``."""
        deaths, was_dying = self.place.deaths, self.place.is_dying
        try:
            return await super().send(method, target, sent, content, heard)
        except aiohttp.ClientError:
            if not (was_dying or self.place.is_dying) and self.place.deaths == deaths:
                raise
            return 0, (), b""


@asynccontextmanager
async def gateways(kind: Topology, folder: Path) -> AsyncIterator[Gateways]:
    """All of them, before an app that says hello to whom it was told."""
    async with served(HelloApp().handle) as upstream:
        made = Gateways(kind, folder, upstream)
        try:
            await made.start()
            yield made
        finally:
            await made.aclose()
