"""A browser leaves before the answer to its token comes, on a scripted clock.

The same browser may fetch the answer for some time. After that its session is closed, whatever happens meanwhile.
"""

import asyncio
from urllib.parse import urlsplit

import pytest

from gateway.coordination.unfinished_work import ALIVE_SECONDS, LOOK_SECONDS
from gateway.doors.login.undelivered_answers import UNDELIVERED_SECONDS
from gateway.sessions.asking import AskingRules
from tests.harness.person import BOB, HR, LOGIN, redemption
from tests.journeys.two_replicas import TwoReplicas, day

GUESSES = AskingRules().guesses_per_minute


async def left_before_the_answer(two: TwoReplicas) -> str:
    """Bob's token is on its way to Okta when his browser leaves. The address with which it may come again for the answer."""
    await two.person.go(f"{HR}/")
    url = redemption(two.org.session_token(BOB))
    two.place.slow((1.0,))
    leaving = asyncio.create_task(two.person.ask(url))
    await asyncio.sleep(1.5)
    leaving.cancel()
    await asyncio.wait({leaving})
    two.place.slow((0.0,))
    await asyncio.sleep(5)
    assert two.sent() == 1 and two.living() == [BOB]
    return url


def test_the_session_of_an_answer_that_nobody_fetches_is_closed() -> None:
    async def tells(two: TwoReplicas) -> None:
        await left_before_the_answer(two)
        await two.place.waits(UNDELIVERED_SECONDS + 1)
        assert two.living() == []

    day(tells)


@pytest.mark.parametrize("ends", ["killed", "stopped"])
def test_its_session_is_closed_when_the_process_that_sent_the_token_ended_before(ends: str) -> None:
    async def tells(two: TwoReplicas) -> None:
        await left_before_the_answer(two)
        if ends == "killed":
            await two.place.drop(0)
        else:
            await two.place.replicas.pop(0).stop()
        await two.place.waits(UNDELIVERED_SECONDS + ALIVE_SECONDS + 2 * LOOK_SECONDS)
        assert two.living() == []

    day(tells)


@pytest.mark.parametrize("seconds", [4, 15, 50])
def test_its_session_is_closed_when_the_state_is_away_at_that_moment(seconds: float) -> None:
    """A process that does not reach the state for ``ALIVE_SECONDS`` counts as gone. Before that, nobody takes over its work."""

    async def tells(two: TwoReplicas) -> None:
        await left_before_the_answer(two)
        await two.place.waits(UNDELIVERED_SECONDS - 7)
        two.reach_the_state(False)
        await two.place.waits(seconds)
        two.reach_the_state(True)
        await two.place.waits(2 * UNDELIVERED_SECONDS)
        assert two.living() == []

    day(tells)


def test_its_session_is_closed_when_the_other_process_has_no_guess_left_for_this_client() -> None:
    """Whoever shares the client's address could else keep the session alive. Guesses are counted by the minute."""

    async def tells(two: TwoReplicas) -> None:
        two.org.limits.per_minute = 10_000
        await left_before_the_answer(two)
        await two.place.drop(0)
        where = (await two.person.ask(f"{HR}/.gateway/sign-in?to=/", site="none")).location
        made_up = [{(urlsplit(LOGIN).hostname or "", False, "sid"): f"102{number}"} for number in range(GUESSES + 1)]
        assert [(await two.person.ask(where, shown=jar)).status for jar in made_up][-1] == 503
        await two.place.waits(UNDELIVERED_SECONDS + ALIVE_SECONDS + 2 * LOOK_SECONDS)
        assert two.living() == []

    day(tells)


def test_an_answer_is_fetched_from_the_other_when_the_process_that_sent_the_token_ended_before() -> None:
    async def tells(two: TwoReplicas) -> None:
        url = await left_before_the_answer(two)
        await two.place.drop(0)
        await two.place.waits(ALIVE_SECONDS + 2 * LOOK_SECONDS)
        assert (await two.person.go(url)).body == f"hello {BOB}"
        await two.place.waits(3 * UNDELIVERED_SECONDS)
        assert two.sent() == 1 and two.living() == [BOB]

    day(tells)
