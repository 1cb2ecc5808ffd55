"""Rows T15 and T16: a deletion by Okta is believed at once, and a running sign-in counts as a session that begins."""

import asyncio

import pytest

from gateway.dev.standin import Engine, fault
from tests.field.sign_ins_without_token import FORM, SAML, Beginning, by_form, by_saml
from tests.harness.person import ALICE, BOB, CAROL, HR, LOGIN, redemption
from tests.harness.system import REDIRECT, system

ENGINES = ["classic", "identity"]
DELETION = 'sid="";Version=1;Path=/;Max-Age=0'


@pytest.mark.parametrize("engine", ENGINES)
async def test_t15_a_deletion_of_a_presented_cookie_forgets_the_cached_answer(engine: Engine) -> None:
    async with system(engine) as place:
        person = await place.entered(ALICE)
        place.org.sessions.end(place.session(ALICE))
        place.org.faults.add(fault({"path": "/app/UserHome", "set_cookies": [DELETION]}))
        await person.ask(f"{LOGIN}/app/UserHome")
        assert await person.named_by_app() is None, "within the ttl of the cached answer"
        await by_saml(place, person, BOB)
        assert (await person.go(f"{HR}/")).body == f"hello {BOB}"


@pytest.mark.parametrize("engine", ENGINES)
async def test_t15_a_deletion_while_the_session_lives_on_ends_nobody(engine: Engine) -> None:
    """Okta deletes ``sid`` in answers to requests whose session lives."""
    async with system(engine) as place:
        person = await place.entered(ALICE)
        place.org.faults.add(fault({"path": "/app/UserHome", "set_cookies": [DELETION]}))
        await person.ask(f"{LOGIN}/app/UserHome")
        assert await person.named_by_app() == ALICE and place.live() == [ALICE]


@pytest.mark.parametrize("engine", ENGINES)
async def test_t15_whose_cookie_was_deleted_is_closed_before_the_next_user_comes_in(engine: Engine) -> None:
    """The browser presents nothing any more; the session lives on at Okta, and in alice's pass."""
    async with system(engine) as place:
        person = await place.entered(ALICE)
        gone = [DELETION, 'idx="";Version=1;Path=/;Max-Age=0']
        place.org.faults.add(fault({"path": "/app/UserHome", "set_cookies": gone}))
        await person.ask(f"{LOGIN}/app/UserHome")
        assert person.cookie("sid") is None
        await by_form(place, person, BOB)
        assert place.live() == [BOB]
        assert await person.named_by_app() is None
        assert (await person.go(f"{HR}/")).body == f"hello {BOB}"


@pytest.mark.parametrize(("way", "path"), [(by_form, FORM), (by_saml, SAML)], ids=["form", "saml"])
@pytest.mark.parametrize("after", [True, False], ids=["okta has begun it", "okta has not begun it"])
@pytest.mark.parametrize("known", [True, False], ids=["a known browser", "a new browser"])
@pytest.mark.parametrize("engine", ENGINES)
async def test_t16_a_form_in_one_tab_and_a_token_in_another_leave_one_user(
    engine: Engine, known: bool, after: bool, way: Beginning, path: str
) -> None:
    async with system(engine) as place:
        person = place.person()
        if known:
            await person.ask(f"{LOGIN}/login/login.htm", site="none")
        held = fault({"path": path, "method": "POST", "hold": True, "after": after})
        place.org.faults.add(held)
        form = asyncio.create_task(way(place, person, ALICE))
        async with asyncio.timeout(20):
            await place.org.journal.seen("POST", path)
        token = place.org.session_token(BOB)
        entering = asyncio.create_task(person.ask(redemption(token)))
        async with asyncio.timeout(30):
            arrived = asyncio.create_task(place.org.journal.seen("GET", REDIRECT))
            await asyncio.wait({entering, arrived}, return_when=asyncio.FIRST_COMPLETED)
            assert held.release is not None
            held.release.set()
            await form
            await entering
            arrived.cancel()
        for _ in range(2):
            reply = await person.go(f"{HR}/")
        assert reply.body.startswith("hello "), reply
        named = reply.body.removeprefix("hello ")
        if known:
            await place.until(named)
        assert person.cookie("sid") in [session.sid for session in place.org.sessions.active() if session.user.login == named]
        assert {who for _, who in place.told} == {named}, "one user in this browser, from the first page on"


@pytest.mark.parametrize("engine", ENGINES)
async def test_t16_two_tokens_in_two_tabs_and_a_third_user_by_form_leave_one(engine: Engine) -> None:
    async with system(engine) as place:
        person = place.person()
        await person.ask(f"{LOGIN}/login/login.htm", site="none")
        await asyncio.gather(place.enter(person, ALICE), place.enter(person, BOB), by_form(place, person, CAROL), return_exceptions=True)
        reply = await person.go(f"{HR}/")
        assert reply.body.startswith("hello ")
        await place.until(reply.body.removeprefix("hello "))
