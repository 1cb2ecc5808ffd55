"""Row X15: an org that asks another directory is slow. Forwarded requests wait for it; session checks do not."""

import asyncio

import pytest

from gateway.config import Config
from tests.attacks.links import OWN_SITE, link
from tests.harness.app import Behind, Visit
from tests.harness.person import ALICE, BOB, LOGIN, redemption
from tests.harness.polling import moment
from tests.harness.site import CONFIGURATION, deployed
from tests.harness.system import ME, REDIRECT, System, system

CHECKS_WAIT = "300ms"
SLOWER = "1500ms"
GONE = b'HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 25\r\n\r\n{"errorCode":"E0000007"}\n'
BEGUN = b"HTTP/1.1 302 Found\r\nLocation: /\r\nSet-Cookie: sid=102begunhere; Path=/\r\nContent-Length: 9999\r\n\r\n"


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
        assert (await person.ask("https://hr.example.com/")).status == 503  # the late answer would have let her in
        token = place.org.session_token(BOB)
        assert (await person.ask(redemption(token))).status == 503  # the older session cannot be proven gone
        assert place.sent(token) == []


@pytest.mark.parametrize("does", ["goes on", "breaks off"])
async def test_x15_an_answer_to_a_token_that_is_never_whole_ends_and_so_does_its_session(does: str) -> None:
    async def script(visit: Visit) -> None:
        await visit.body()
        if REDIRECT.encode() not in visit.line:
            return await visit.say(GONE)
        await visit.say(BEGUN)
        while does == "goes on":
            await visit.say(b"x")
            await moment()
        visit.writer.close()

    org = Behind(script)
    async with await asyncio.start_server(org.serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with deployed(configuration=CONFIGURATION.replace("{org}", url)) as site:
            reply = await site.ask(link("20111x"), OWN_SITE, origin=LOGIN)
            assert reply.status in (502, 504) and b"102begunhere" not in reply.raw
            while not any(b"DELETE " + ME.encode() in visit.line and b"102begunhere" in visit.head for visit in org.visits):
                await moment()
        while org.open:
            await moment()


def test_x15_forwarding_waits_for_at_least_a_minute_by_default() -> None:
    config = Config.model_validate_json('{"okta": {"org": "https://x.okta.com"}, "login": {"url": "https://login.example.com"}}')
    assert config.okta.forward_first_byte_timeout >= 60 and config.okta.first_byte_timeout == 5
