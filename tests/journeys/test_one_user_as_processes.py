"""The property of ``test_one_user`` with real processes: three gateways with two workers on one Redis, and four workers on one SQLite file.

Any of them may get the next request of any client. Among the steps: a process drains and is replaced, one is killed during a sign-in, all
restart without the shared state, time passes. ``PROCESS_EXAMPLES=200`` runs more scenarios than the few of a usual run.
"""

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import uvloop
from hypothesis import given, settings

from gateway.dev.standin import serve
from tests.harness.clock_ahead import needs_gcc
from tests.harness.redis_servers import SERVER, needs_redis
from tests.journeys.one_user import ScenarioRun, Step
from tests.journeys.processes import ClockOfGateways, Gateways, PersonBeforeGateways, Topology, gateways
from tests.journeys.promise import Truth, WatchedOrg
from tests.journeys.scenarios import PEOPLE, STEPS_WITH_DEATHS, TRUSTED, WORLDS, StartingState

EXAMPLES = int(os.environ.get("PROCESS_EXAMPLES", "5"))
KINDS = {"three replicas on redis": Topology(3, 2, "redis"), "four workers on sqlite": Topology(1, 4, "sqlite")}
HEARING_SECONDS = {"redis": 1.0, "sqlite": 0.0}
"""An end holds everywhere so soon after its answer; with SQLite, when the answer is there."""

pytestmark = [needs_gcc, pytest.mark.timeout(max(300, 60 * EXAMPLES))]


@dataclass
class Lives:
    """The processes, and the loop on which scenarios run before them."""

    runner: asyncio.Runner
    place: Gateways

    def lived(self, world: StartingState, steps: Sequence[Step]) -> ScenarioRun:
        """One day of two browsers."""
        return self.runner.run(self._day(world, steps))

    async def _day(self, world: StartingState, steps: Sequence[Step]) -> ScenarioRun:
        truth = Truth(hearing_seconds=HEARING_SECONDS[self.place.kind.shares])
        clock = ClockOfGateways(self.place.clock)
        org = WatchedOrg(truth, engine=world.engine, quirks=world.quirks, users=PEOPLE, trusted_origins=TRUSTED, clock=clock)
        async with AsyncExitStack() as opened:
            served = await serve(org)
            opened.push_async_callback(served.aclose)
            self.place.to_org.to = served.port
            connector = aiohttp.TCPConnector(limit=0, force_close=True)
            skipped = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
            jar = aiohttp.DummyCookieJar()
            client = aiohttp.ClientSession(connector=connector, cookie_jar=jar, skip_auto_headers=skipped, auto_decompress=False)
            opened.push_async_callback(client.close)
            people = [PersonBeforeGateways(client, self.place.port, org=org, truth=truth, place=self.place) for _ in range(2)]
            truth.people.extend(people)
            day = ScenarioRun(self.place, org, truth, people)
            await day.lives(steps)
            return day


@pytest.fixture(scope="module", params=KINDS)
def lives(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lives]:
    """Processes, begun once for all scenarios."""
    kind: Topology = KINDS[request.param]
    if kind.shares == "redis" and SERVER is None:
        pytest.skip(needs_redis.kwargs["reason"])
    folder: Path = tmp_path_factory.mktemp("lives")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        opened = AsyncExitStack()
        try:
            yield Lives(runner, runner.run(opened.enter_async_context(gateways(kind, folder))))
        finally:
            runner.run(opened.aclose())


@settings(max_examples=EXAMPLES)
@given(WORLDS, STEPS_WITH_DEATHS)
def test_no_day_before_processes_breaks_the_promise(lives: Lives, world: StartingState, steps: list[Step]) -> None:
    lives.lived(world, steps)
