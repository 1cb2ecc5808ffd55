"""Two gateways and browsers without an id or without a session, with requests at the same time, on a scripted clock."""

import asyncio
from urllib.parse import quote

import pytest

from gateway.policy.http.cookies import BROWSER_NAME
from tests.harness.person import ALICE, BOB, CAROL, HR, LOGIN, Jar, PersonReply, redemption
from tests.journeys.two_replicas import TwoReplicas, day


def test_a_first_sign_in_without_a_token_at_one_is_ended_by_the_next_at_the_other() -> None:
    async def tells(two: TwoReplicas) -> None:
        two.at(0)
        await signs_in(two, ALICE, {})
        two.at(1)
        await signs_in(two, BOB)
        assert two.living() == [BOB]
        assert (await two.person.go(f"{HR}/", site="none")).body == f"hello {BOB}"

    day(tells)


@pytest.mark.parametrize("delays", [(0.0,), (1.0, 3.0), (3.0, 1.0)])
def test_two_tabs_of_a_browser_that_lost_its_id_leave_one_session(delays: tuple[float, ...]) -> None:
    async def tells(two: TwoReplicas) -> None:
        await two.person.go(redemption(two.org.session_token(ALICE)))
        lost = {key: value for key, value in two.person.jar.items() if key[2] != BROWSER_NAME.decode()}
        two.at(0, 1)
        two.place.slow(delays)
        await asyncio.gather(signs_in(two, BOB, lost), signs_in(two, CAROL, lost))
        two.place.slow((0.0,))
        await two.place.waits(60)
        assert len(two.living()) <= 1 and ALICE not in two.living()

    day(tells)


@pytest.mark.parametrize("page_first", [True, False])
@pytest.mark.parametrize("has_id", [True, False])
@pytest.mark.parametrize("seconds", [0.0, 2.0])
def test_a_token_at_one_and_a_page_at_the_other_leave_the_session_in_the_browser(page_first: bool, has_id: bool, seconds: float) -> None:
    async def tells(two: TwoReplicas) -> None:
        if has_id:
            await two.person.ask(f"{LOGIN}/login/login.htm")
        shown = dict(two.person.jar)
        two.at(*((0, 1) if page_first else (1, 0)))
        two.place.slow((seconds, 1.0))
        page = two.person.ask(f"{LOGIN}/login/login.htm", shown=shown)
        token = two.person.ask(redemption(two.org.session_token(ALICE)), shown=shown)
        await asyncio.gather(*((page, token) if page_first else (token, page)))
        two.place.slow((0.0,))
        assert two.living() == [ALICE]
        assert (await two.person.go(f"{HR}/", site="none")).body == f"hello {ALICE}"
        await signs_in(two, BOB)
        assert two.living() == [BOB]

    day(tells)


async def signs_in(two: TwoReplicas, login: str, shown: Jar | None = None) -> PersonReply:
    """By the org's own form, with a password."""
    body = f"username={quote(login)}&password=correct-horse&fromURI=/"
    return await two.person.ask(f"{LOGIN}/login/login.htm", "POST", site="same-origin", body=body, shown=shown)
