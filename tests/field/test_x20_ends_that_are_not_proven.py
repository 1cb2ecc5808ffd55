"""Row X20 at the login door: while the end of a session is not proven, a token in a form of another site is not redeemed."""

from urllib.parse import urlencode

import pytest

from gateway.dev.standin import Engine
from tests.field.sign_ins_without_token import by_saml
from tests.harness.person import ALICE, BOB, CAROL, HR, LOGIN, NAVIGATION, PORTAL, Person, PersonReply
from tests.harness.system import ME, REDIRECT, System, system

ENGINES = ["classic", "identity"]
PENDING = "__Host-gateway-pending"


async def by_portals_form(person: Person, token: str) -> PersonReply:
    fields = {**NAVIGATION, "Origin": PORTAL}
    body = urlencode({"token": token, "redirectUrl": f"{HR}/"})
    return await person.ask(f"{LOGIN}{REDIRECT}", "POST", fields=fields, site="cross-site", body=body)


async def unproven(place: System) -> Person:
    """Bob wanted to come in; Okta did not let alice be closed."""
    person = await place.entered(ALICE)
    place.fails(ME, status=500, times=None)
    assert (await by_portals_form(person, place.org.session_token(BOB))).status == 503
    assert person.cookie("sid") is None and person.cookie(PENDING) is not None
    return person


@pytest.mark.parametrize("engine", ENGINES)
async def test_x20_while_the_end_is_not_proven_no_token_is_redeemed(engine: Engine) -> None:
    async with system(engine) as place:
        person, token = await unproven(place), place.org.session_token(CAROL)
        assert (await by_portals_form(person, token)).status == 503
        assert place.sent(token) == [] and place.live() == [ALICE]
        assert person.cookie(PENDING) is not None, "the browser does not forget it"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("restarts", [False, True], ids=["the same process", "another process"])
async def test_x20_the_next_token_closes_it_first(engine: Engine, restarts: bool) -> None:
    async with system(engine) as place:
        person, token = await unproven(place), place.org.session_token(CAROL)
        if restarts:
            await place.restart()
        place.org.faults.clear()
        place.later(61)
        assert (await by_portals_form(person, token)).status == 302
        assert place.live() == [CAROL] and person.cookie(PENDING) is None
        assert (await person.go(f"{HR}/")).body == f"hello {CAROL}"


@pytest.mark.parametrize("engine", ENGINES)
async def test_x20_a_sign_in_without_a_token_closes_it_first_too(engine: Engine) -> None:
    async with system(engine) as place:
        person = await unproven(place)
        withheld = await by_saml(place, person, BOB)
        assert withheld.status == 503 and person.cookie("sid") is None
        assert person.cookie(PENDING) is not None
        place.org.faults.clear()
        place.later(61)
        await by_saml(place, person, CAROL)
        assert person.cookie("sid") is not None and person.cookie(PENDING) is None
        assert (await person.go(f"{HR}/")).body == f"hello {CAROL}"
        await place.until(CAROL)


@pytest.mark.parametrize("engine", ENGINES)
async def test_x20_without_the_pending_cookie_the_browsers_id_finds_it(engine: Engine) -> None:
    async with system(engine) as place:
        person, token = await unproven(place), place.org.session_token(CAROL)
        person.jar.pop(("login.example.com", False, PENDING))
        assert (await by_portals_form(person, token)).status == 503
        assert place.sent(token) == [] and place.live() == [ALICE]
