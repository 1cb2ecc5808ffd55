"""Generated scenarios of several people, run without sockets on a scripted clock."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import aiohttp
from multidict import CIMultiDict

from tests.harness.person import Lines
from tests.journeys.in_memory import LoopClock, SystemInMemory, system_in_memory
from tests.journeys.one_user import ScenarioRun, Step
from tests.journeys.promise import Truth, WatchedOrg
from tests.journeys.scenarios import PEOPLE, TRUSTED, StartingState
from tests.journeys.scripted_loop import ScriptedLoop
from tests.journeys.shared_memory import ReplicaRouting
from tests.journeys.watched import WatchedPerson


@dataclass
class PersonInMemory(WatchedPerson):
    """Reaches the gateway without a socket."""

    place: SystemInMemory = field(kw_only=True)

    async def send(
        self, method: str, target: str, sent: CIMultiDict[str], content: bytes | None, heard: Callable[[Lines], None]
    ) -> tuple[int, Lines, bytes]:
        """As ``Person``."""
        return await self.place.carry(method, target, sent, content, heard)


NO_CLIENT = cast(aiohttp.ClientSession, None)  # nobody in memory connects


async def _day_in_memory(world: StartingState, steps: Sequence[Step], replicas: ReplicaRouting | None = None) -> ScenarioRun:
    truth = Truth(hearing_seconds=replicas.hearing_seconds if replicas is not None else 0.0)
    org = WatchedOrg(truth, engine=world.engine, quirks=world.quirks, users=PEOPLE, trusted_origins=TRUSTED, clock=LoopClock())
    async with system_in_memory(org, replicas) as place:
        people = [PersonInMemory(NO_CLIENT, lambda: 0, org=org, truth=truth, place=place) for _ in range(2)]
        truth.people.extend(people)
        day = ScenarioRun(place, org, truth, people)
        await day.lives(steps)
        return day


def lived(world: StartingState, steps: Sequence[Step], replicas: ReplicaRouting | None = None) -> ScenarioRun:
    """One day in memory."""
    with asyncio.Runner(loop_factory=ScriptedLoop) as runner:
        return runner.run(_day_in_memory(world, steps, replicas))
