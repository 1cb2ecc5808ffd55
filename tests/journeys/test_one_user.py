"""In one browser, one user at a time, whatever users, attackers, the org and an operator do, in any order.

After every step: the user that an app was told is the user of the newest session that Okta has confirmed and the browser was given; no
token of an attacker was redeemed without the user's yes, and none ended a session; no token reached the org while an older session of
that browser lived. At the end, one more sign-in without failures leaves exactly one session. The scenarios are generated. They run in
memory on a scripted clock, and a few of them over sockets.
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given, settings

from gateway.dev.standin import Engine
from tests.harness.person import BOB, CAROL
from tests.harness.system import System, system
from tests.journeys.one_user import Act, AtOnce, ScenarioRun, Step
from tests.journeys.promise import Truth, WatchedOrg
from tests.journeys.scenarios import PEOPLE, REPLICAS, STEPS, STEPS_WITH_DEATHS, TRUSTED, WORLDS, StartingState
from tests.journeys.scenarios_in_memory import lived
from tests.journeys.shared_memory import ReplicaRouting
from tests.journeys.watched import WatchedPerson

EXAMPLES = int(os.environ.get("ONE_USER_EXAMPLES", "2000"))
SHARED_EXAMPLES = int(os.environ.get("SHARED_EXAMPLES", "500"))
EVERY_DAY = (
    "enters",
    "browses",
    "signs_in",
    "visits",
    "is_lured",
    "says_yes",
    "signs_in_by_saml",
    "is_planted",
    "signs_out_at_login",
    "activates",
)


FOUND: dict[str, tuple[StartingState, tuple[Step, ...]]] = {
    "a session without its factor ends before another user comes": (
        StartingState("classic"),
        (Act("signs_in_without_factor", how=1), Act("signs_in", user=BOB)),
    ),
    "of two cookies of one name each is asked about by itself": (
        StartingState("classic"),
        (Act("activates"), AtOnce((Act("is_lured_deeply", how=4), Act("is_planted", how=6)), (7.0,))),
    ),
    "an own call that ends all sessions ends those that Okta leaves half alive": (
        StartingState("identity"),
        (Act("enters", how=2), Act("signs_out_at_login", how=3), Act("time_passes", how=0)),
    ),
    "a pass for a planted session ends with the browser's next sign-in": (
        StartingState("classic"),
        (AtOnce((Act("is_planted", how=6), Act("visits"))), Act("is_planted", how=6)),
    ),
    "the same where Okta named the planted session late": (
        StartingState("identity", ("delete-404-leaves-sid",)),
        (Act("enters", how=2), Act("signs_out_at_login", how=2), AtOnce((Act("is_planted"), Act("visits")), (7.0,))),
    ),
    "a closing whose client left is under way when somebody else comes": (
        StartingState("classic"),
        (
            *(Act("activates", user=BOB), AtOnce((Act("gives_up", how=2), Act("signs_out_at_the_app", how=4)), (2.0,))),
            *(Act("is_lured_deeply", user=BOB, how=2), Act("says_yes", how=3)),
        ),
    ),
    "a sign-in is faster than the hand-off of a planted session": (
        StartingState("classic"),
        (AtOnce((Act("is_planted", how=6), Act("enters_late", user=CAROL, how=4), Act("visits")), (7.0,)),),
    ),
    "a session whose end was not proven when Okta spoke late": (
        StartingState("identity", ("delete-404-leaves-sid",)),
        (
            AtOnce((Act("activates", user=CAROL, how=3), Act("signs_in", how=6)), (2.0,)),
            AtOnce((Act("signs_out_at_login", how=3), Act("signs_in", user=BOB), Act("signs_in", user=BOB)), (0.3, 7.0, 7.0, 0.3)),
            *(AtOnce((Act("enters", who=1, user=CAROL, how=7),), (2.0,)), Act("signs_in_without_factor", how=3)),
        ),
    ),
    "a sign-out while nothing is decided ends the session before too": (
        StartingState("classic"),
        (
            AtOnce((Act("enters", how=1), Act("signs_in_by_saml", 1, BOB, 5), Act("is_lured_deeply", how=4)), (0.3, 2.0, 2.0, 7.0)),
            AtOnce((Act("signs_out_at_login"), Act("enters", 1, CAROL, 3)), (0.3,)),
        ),
    ),
    "of two sessions that were before a half one none is let in": (
        StartingState("classic"),
        (
            AtOnce(
                (Act("signs_in_without_factor", 1, BOB), Act("enters", 1, how=5), Act("signs_in_without_factor", 1, BOB)),
                (7.0, 0.3, 7.0, 0.0),
            ),
            AtOnce((Act("browses_late"),), (0.3, 7.0, 0.0)),
        ),
    ),
    "a planted session is not let in beside one that waits for its factor": (
        StartingState("identity"),
        (
            *(Act("enters"), AtOnce((Act("enters_late"), Act("is_planted")), (0.0,))),
            AtOnce((Act("signs_in_without_factor", how=1), Act("shows_a_factor")), (0.0,)),
        ),
    ),
    "nor is one that comes while another process asks about the one that waits": (
        StartingState("classic"),
        (
            AtOnce((Act("is_planted"), Act("enters_late"), Act("signs_in_without_factor", how=5))),
            AtOnce((Act("is_planted"), Act("visits"))),
        ),
    ),
    "a renewed cookie of the session before comes behind the same user's new session": (
        StartingState("identity", ("idx-rotates",)),
        (Act("enters"), AtOnce((Act("signs_in"), Act("browses", how=2))), Act("enters_late")),
    ),
    "a session that the same user began before ends after a restart too": (
        StartingState("identity"),
        (Act("enters"), Act("enters", user=BOB), Act("signs_in", user=BOB), Act("restarts", how=1)),
    ),
    "a planted session waits for the proven end of the one before": (
        StartingState("identity"),
        (
            *(Act("enters"), Act("enters"), Act("enters"), AtOnce((Act("enters"), Act("signs_in")), (7.0,))),
            AtOnce((Act("is_planted"), Act("visits")), (0.0,)),
        ),
    ),
    "kin of a session that is held admits nobody": (
        StartingState("classic"),
        (Act("signs_in_by_saml", user=CAROL, how=7), Act("signs_in_by_saml", user=CAROL, how=7), AtOnce((Act("signs_in"),), (7.0,))),
    ),
    "who has shown her factor gets in, though it was missing a moment ago": (
        StartingState("identity"),
        (Act("signs_in_without_factor", how=3), Act("shows_a_factor"), Act("visits")),
    ),
    "the sessions of two users that leave the browser are closed before the next one comes": (
        StartingState("identity"),
        (Act("enters"), Act("restarts"), AtOnce((Act("is_planted"), Act("visits")))),
    ),
    "an answer that nobody waited for does not come over a newer session": (
        StartingState("classic"),
        (
            AtOnce((Act("gives_up", how=1), Act("is_lured_deeply"), Act("enters", 1)), (0.0, 7.0)),
            Act("enters_late"),
        ),
    ),
    "a sign-out before Okta says who came does not bring back who was before": (
        StartingState("identity"),
        (
            Act("enters"),
            AtOnce((Act("signs_in", 0, BOB), Act("gives_up")), (7.0,)),
            AtOnce((Act("signs_in_by_saml", how=1), Act("signs_out_at_login")), (2.0,)),
        ),
    ),
    "a cookie that only an answer to the gateway has set is closed too": (
        StartingState("identity", ("delete-404-leaves-sid",)),
        (
            *(Act("enters"), AtOnce((Act("enters", how=3), Act("enters", 1), Act("enters")))),
            AtOnce((Act("enters"), Act("enters", 1), Act("signs_out_at_login", how=3)), (0.0, 0.0, 0.3)),
        ),
    ),
    "a renewed cookie does not come over a session of which Okta has not said whose it is": (
        StartingState("identity", ("idx-rotates",)),
        (Act("enters"), AtOnce((Act("signs_in", user=BOB), Act("browses", how=2)), (7.0,))),
    ),
    "a renewed cookie of the undecided session says nothing of the one before": (
        StartingState("identity", ("idx-rotates",)),
        (
            *(Act("enters"), AtOnce((Act("gives_up"), Act("signs_in", user=BOB)), (7.0,))),
            AtOnce((Act("gives_up"), Act("browses", how=2)), (7.0,)),
        ),
    ),
    "what a session is known by is not forgotten when Okta says at last whose it is": (
        StartingState("identity", ("delete-404-leaves-sid",)),
        (Act("is_planted"), AtOnce((Act("browses"), Act("is_planted")), (7.0,))),
    ),
    "a visit closes what the browser carries, and no stranger's token does": (
        StartingState("identity"),
        (AtOnce((Act("enters"), Act("is_planted"))), Act("visits"), AtOnce((Act("is_lured_deeply"), Act("visits")), (2.0,))),
    ),
    "an end that is not proven stays in the record while it is undecided who came": (
        StartingState("identity", ("delete-404-leaves-sid",)),
        (
            *(AtOnce((Act("enters"), Act("enters", user=BOB))), Act("weather_turns", user=BOB), Act("enters", 1)),
            AtOnce((Act("signs_out_at_login", how=2), Act("is_planted"), Act("signs_in"))),
        ),
    ),
}


@dataclass
class PlaceOnSockets:
    """A system that listens; its clocks are moved by hand, and nobody makes its org slow."""

    system: System
    visits: int = 1

    async def restart(self, keeps_state: bool = False) -> None:
        """Another process; its memory is empty."""
        await self.system.restart()

    async def kill(self) -> None:
        """As ``restart``: what was in memory is gone."""
        await self.system.restart()

    async def waits(self, seconds: float) -> None:
        """Time passes for the gateway and the org."""
        self.system.later(seconds)

    def slow(self, delays: Sequence[float]) -> None:
        """Sockets have delays of their own."""


def lived_on_sockets(world: StartingState, steps: Sequence[Step]) -> ScenarioRun:
    """One day of one browser, over loopback."""

    async def day() -> ScenarioRun:
        truth = Truth()
        org = WatchedOrg(truth, engine=world.engine, quirks=world.quirks, users=PEOPLE, trusted_origins=TRUSTED)
        async with system(made_org=org) as place:
            person = WatchedPerson(place.client, lambda: place.port, org=org, truth=truth)
            truth.people.append(person)
            lived = ScenarioRun(PlaceOnSockets(place), org, truth, [person])
            await lived.lives(steps)
            return lived

    return asyncio.run(day())


@pytest.mark.timeout(max(900, EXAMPLES))
@settings(max_examples=EXAMPLES)
@given(WORLDS, STEPS)
def test_the_app_is_never_told_another_user_than_the_newest_of_the_browser(world: StartingState, steps: list[Step]) -> None:
    lived(world, steps)


@pytest.mark.timeout(900)
@settings(max_examples=SHARED_EXAMPLES)
@given(WORLDS, REPLICAS, STEPS_WITH_DEATHS)
def test_the_same_with_three_replicas(world: StartingState, replicas: ReplicaRouting, steps: list[Step]) -> None:
    lived(world, steps, replicas)


@settings(max_examples=4)
@given(WORLDS, STEPS)
def test_the_same_over_sockets(world: StartingState, steps: list[Step]) -> None:
    lived_on_sockets(world, steps)


@pytest.mark.parametrize("engine", ["classic", "identity"])
def test_a_day_in_memory_is_a_day_on_sockets(engine: Engine) -> None:
    """What stands in place of the sockets answers as they do: the same statuses, and the same cookies set and deleted."""
    world = StartingState(engine, ("sid-noise", "delete-404-leaves-sid"))
    steps = [Act(name, 0, user, how) for name in EVERY_DAY for user, how in (("alice@example.com", 0), ("bob@example.com", 3))]
    in_memory, on_sockets = (day.browsers[0].person for day in (lived(world, steps, ReplicaRouting(1)), lived_on_sockets(world, steps)))
    assert in_memory.heard == on_sockets.heard
    assert in_memory.told == on_sockets.told


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize(("world", "steps"), FOUND.values(), ids=FOUND)
def test_scenarios_that_broke_the_promise_once(world: StartingState, steps: tuple[Step, ...], number: int) -> None:
    lived(world, steps, ReplicaRouting(number))
