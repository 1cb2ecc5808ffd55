"""Two gateways on one state in memory, one person, and a scripted clock. Checks at the end of the day that the promise was kept."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gateway.dev.standin import Engine
from tests.journeys.in_memory import LoopClock, SystemInMemory, system_in_memory
from tests.journeys.promise import Truth, WatchedOrg
from tests.journeys.scenarios import PEOPLE, TRUSTED
from tests.journeys.scenarios_in_memory import NO_CLIENT, PersonInMemory
from tests.journeys.scripted_loop import ScriptedLoop
from tests.journeys.shared_memory import ReplicaRouting, SharedMemory


@dataclass
class TwoReplicas:
    """A system with two gateways, one person, and what the org has seen."""

    place: SystemInMemory
    org: WatchedOrg
    truth: Truth
    person: PersonInMemory

    def at(self, *route: int) -> None:
        """The next requests go to these gateways, in turn."""
        self.place.goes_to(route)

    def reach_the_state(self, is_there: bool) -> None:
        """From now on the shared state is there for both gateways, or away."""
        for replica in self.place.replicas:
            assert isinstance(replica.view, SharedMemory)
            replica.view.is_cut = not is_there

    def sent(self) -> int:
        """How many redemptions reached the org."""
        return len([row for row in self.org.journal.rows if row.token is not None])

    def living(self) -> list[str]:
        return sorted(session.user.login for session in self.org.sessions.active())


def day(
    tells: Callable[[TwoReplicas], Awaitable[None]], engine: Engine = "classic", quirks: Sequence[str] = (), hearing_seconds: float = 0.0
) -> None:
    """Run this with two gateways; afterwards the promise was kept. ``hearing_seconds``: how late one hears what the other publishes."""

    async def told() -> None:
        truth = Truth()
        org = WatchedOrg(truth, engine=engine, quirks=quirks, users=PEOPLE, trusted_origins=TRUSTED, clock=LoopClock())
        async with system_in_memory(org, ReplicaRouting(2, (0,), hearing_seconds=hearing_seconds)) as place:
            person = PersonInMemory(NO_CLIENT, lambda: 0, org=org, truth=truth, place=place)
            truth.people.append(person)
            async with asyncio.timeout(3600):
                await tells(TwoReplicas(place, org, truth, person))
            assert truth.broken == []

    with asyncio.Runner(loop_factory=ScriptedLoop) as runner:
        runner.run(told())
