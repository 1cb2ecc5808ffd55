"""Row X15: an org that asks another directory is slow. Forwarded requests wait for it; session checks do not."""

import asyncio

from gateway.config import Config
from tests.harness.person import ALICE, BOB, LOGIN, redemption
from tests.harness.system import ME, REDIRECT, System, system

CHECKS_WAIT = "300ms"
SLOWER = "1500ms"


async def forwards_longer(place: System) -> None:
    """From now on only session checks are given up early."""
    place.text = place.text.replace(f'forward_first_byte_timeout = "{CHECKS_WAIT}"', 'forward_first_byte_timeout = "20s"')
    await place.restart()


async def test_x15_a_redemption_that_okta_answers_late_is_waited_for_and_its_token_is_not_lost() -> None:
    async with system(first_byte=CHECKS_WAIT) as place:
        await forwards_longer(place)
        person = await place.entered(ALICE)
        place.fails(REDIRECT, delay=SLOWER, after=True)
        assert (await place.enter(person, BOB)).body == f"hello {BOB}"
        assert place.live() == [BOB]


async def test_x15_a_page_that_okta_answers_late_is_waited_for() -> None:
    async with system(first_byte=CHECKS_WAIT) as place:
        await forwards_longer(place)
        person = place.person()
        place.fails("/login/login.htm", delay=SLOWER, after=True)
        assert (await person.ask(f"{LOGIN}/login/login.htm")).status == 200


async def test_x15_a_session_check_that_okta_answers_late_is_given_up_after_its_own_time() -> None:
    async with system(first_byte=CHECKS_WAIT) as place:
        person = await place.entered(ALICE)
        place.later(30)
        place.fails(ME, delay=SLOWER, after=True, times=None)
        async with asyncio.timeout(1.4):
            assert (await person.ask("https://hr.example.com/")).status == 503
        token = place.org.session_token(BOB)
        assert (await person.ask(redemption(token))).status == 503  # the older session cannot be proven gone
        assert place.sent(token) == []


def test_x15_forwarding_waits_for_at_least_a_minute_by_default() -> None:
    config = Config.model_validate_json('{"okta": {"org": "https://x.okta.com"}, "login": {"url": "https://login.example.com"}}')
    assert config.okta.forward_first_byte_timeout >= 60 and config.okta.first_byte_timeout == 5
