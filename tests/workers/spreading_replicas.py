"""Users sign out, or switch, at one of several replicas while all replicas serve other sessions. Checks nothing by itself.

Replicas are whole gateways as processes, with workers of their own, on one Redis. A round: a user signs in at a replica, every worker of
every replica serves the session once, the session ends at one replica, and from the moment of that answer every worker is asked until it
refuses.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from time import perf_counter

from gateway.dev.standin import User
from tests.harness.browser import FORM, HR, NAVIGATION, Browser
from tests.harness.connected_client import Caller
from tests.harness.person import redemption
from tests.harness.polling import moment
from tests.harness.redis_servers import RedisProcess
from tests.harness.workers import CONFIGURATION, RunningWorkers, behind, started

CONNECTIONS = 8
ENTER_AT_ONCE = 4
ENDING, NEXT = "ending@example.com", "next@example.com"


@dataclass
class ReplicaSpread:
    """What was seen, in seconds. ``refused``: for each end, from its answer until the answer in which the last worker refused first.
    ``admitted``: until the start of the last request that was still admitted, 0 without one. ``load``: how long the load's requests took.
    """

    refused: list[float] = field(default_factory=list)
    admitted: list[float] = field(default_factory=list)
    load: list[float] = field(default_factory=list)
    odd: list[int] = field(default_factory=list)
    per_second: float = 0.0


@dataclass
class ProbedReplicas:
    """The gateways, and a connection to each worker of each: by replica, then by worker."""

    gateways: list[RunningWorkers]
    probes: list[dict[int, Caller]] = field(default_factory=list)

    async def asked_at_all(self, line: str, answered: float, seen: ReplicaSpread) -> None:
        """Ask at every worker until it refuses."""
        places = [(replica, worker) for replica, probes in enumerate(self.probes) for worker in probes]
        ended = await asyncio.gather(*(self._until_refused(*place, line, seen) for place in places))
        seen.refused.append(max(refused for refused, _ in ended) - answered)
        seen.admitted.append(max(0.0, *(admitted - answered for _, admitted in ended)))

    async def serve(self, line: str) -> list[int]:
        """The answers of every worker, asked once."""
        return [status for status, _ in await asyncio.gather(*(one.ask("/", line) for probes in self.probes for one in probes.values()))]

    async def connect(self, replica: int) -> None:
        """Make its connections, one to each worker."""
        self.probes[replica] = await self.gateways[replica].callers_of_all()

    async def _until_refused(self, replica: int, worker: int, line: str, seen: ReplicaSpread) -> tuple[float, float]:
        """When the first refusal had come, and when the last request that was admitted began."""
        admitted = 0.0
        while True:
            started_at = perf_counter()
            status, _ = await self.probes[replica][worker].ask("/", line)
            if status == 401:
                return perf_counter(), admitted
            if status == 200:
                admitted = started_at
            elif status == 0:  # cut off in the middle: this worker knows
                refused = perf_counter()
                await self.connect(replica)
                return refused, admitted
            else:
                seen.odd.append(status)
                return perf_counter(), admitted

    def forget_requests(self) -> None:
        """Of the log, keep what is no request."""
        for one in self.gateways:
            one.lines[:] = [line for line in one.lines if line["event"] != "request"]


@asynccontextmanager
async def replicas(folder: Path, number: int, workers: int, sessions: int) -> AsyncIterator[tuple[ProbedReplicas, list[str]]]:
    """So many gateways with so many workers on one Redis, and the Cookie lines of so many sessions, each of a user of its own."""
    logins = [f"user{one}@example.com" for one in range(sessions)]
    redis = RedisProcess(folder / "redis")
    try:
        async with behind([User(login, "correct-horse") for login in (*logins, ENDING, NEXT)]) as (org, app, upstream):
            org.org.limits.per_minute = 1_000_000
            async with AsyncExitStack() as opened:
                made = ProbedReplicas([])
                for one in range(number):
                    own = folder / f"replica-{one}"
                    (own / "scratch").mkdir(parents=True)
                    (own / "gateway.toml").write_text(CONFIGURATION.format(port=0, org=org.url, upstream=upstream))
                    environ = {"SESSION_GATEWAY__STATE__URL": f"redis://127.0.0.1:{redis.port}"}
                    made.gateways.append(await opened.enter_async_context(started(own, org.org, app, environ, workers)))
                    made.probes.append(await made.gateways[-1].callers_of_all())
                free = asyncio.Semaphore(ENTER_AT_ONCE)

                async def entered(where: int, login: str) -> str:
                    async with free:
                        return (await made.gateways[where % number].entered(login))[1]

                yield made, list(await asyncio.gather(*(entered(where, login) for where, login in enumerate(logins))))
    finally:
        redis.kill()


async def rounds(made: ProbedReplicas, lines: Sequence[str], count: int, per_second: float) -> ReplicaSpread:
    """End so many sessions, one after the other, by signing out and by a switch in turn, under load."""
    seen = ReplicaSpread()
    loading = asyncio.create_task(_load(made, lines, per_second, seen))
    started_at = perf_counter()
    try:
        for number in range(count):
            if loading.done():
                break
            made.forget_requests()
            browser, line = await made.gateways[number % len(made.gateways)].entered(ENDING)
            seen.odd += [status for status in await made.serve(line) if status != 200]
            ends = _switches if number % 2 else _signs_out
            await ends(made.gateways[number % len(made.gateways)], browser, seen)
            await made.asked_at_all(line, perf_counter(), seen)
    finally:
        seconds = perf_counter() - started_at
        loading.cancel()
        for failed in await asyncio.gather(loading, return_exceptions=True):
            if isinstance(failed, Exception):
                raise failed
    seen.per_second = len(seen.load) / seconds
    return seen


async def _signs_out(where: RunningWorkers, browser: Browser, seen: ReplicaSpread) -> None:
    reply = await browser.post(f"{HR}/.gateway/sign-out", fields={**FORM, "Origin": HR})
    if reply.status != 303:
        seen.odd.append(reply.status)


async def _switches(where: RunningWorkers, browser: Browser, seen: ReplicaSpread) -> None:
    came_from = {**NAVIGATION, "Sec-Fetch-Site": "same-site", "Referer": f"{HR}/"}
    reply = await browser.ask(redemption(where.org.session_token(NEXT)), fields=came_from)
    if reply.status not in (302, 303) or not any(value.startswith("sid=") for value in reply.values("Set-Cookie")):
        seen.odd.append(reply.status)


async def _load(made: ProbedReplicas, lines: Sequence[str], per_second: float, seen: ReplicaSpread) -> None:
    """Ask with these sessions, at all replicas in turn, on time: a slow answer delays no other request."""
    free = [asyncio.Queue[Caller]() for _ in made.gateways]
    callers = [(where, await one.caller()) for where, one in enumerate(made.gateways) for _ in range(CONNECTIONS)]
    for where, caller in callers:
        free[where].put_nowait(caller)

    async def asks(where: int, line: str) -> None:
        started_at = perf_counter()
        caller = await free[where].get()
        status, _ = await caller.ask("/", line)
        seen.load.append(perf_counter() - started_at)
        if status != 200:
            seen.odd.append(status)
            caller = caller if status else await made.gateways[where].caller()
        free[where].put_nowait(caller)

    async with asyncio.TaskGroup() as group:
        due = perf_counter()
        for number, line in enumerate(cycle(lines)):
            due = max(due + 1 / per_second, perf_counter() - 0.1)  # a machine that is stopped for long does not make up for all of it
            await moment(max(0.0, due - perf_counter()))
            group.create_task(asks(number % len(made.gateways), line))
