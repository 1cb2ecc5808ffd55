"""Rows X3 and X4: a transaction (``stateToken``) that Okta began for a living session is sent together with that session.

Source: Okta's Authentication API ("Step-up authentication with Okta session"), okta-awscli#36 and help.okta.com (idp-reauth).
"""

import json
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from gateway.dev.standin import Engine
from tests.field.sign_ins_without_token import IDP, by_saml
from tests.harness.person import ALICE, BOB, HR, LOGIN, NAVIGATION, Person, PersonReply
from tests.harness.system import ME, System, system

APP = "/app/acme_payroll/0oaPayroll/sso/saml"
STEP_UP = "/login/step-up/redirect"
ENGINES = ["classic", "identity"]


async def begun(place: System, person: Person, answer: str = "redirect") -> str:
    """Open an app link that asks for a factor; the ``stateToken`` that Okta handed out."""
    place.journal.unwatched |= {STEP_UP, "/api/v1/authn", "/login/login.htm", "/app/UserHome", "/login/token/redirect"}
    place.org.app_links.require_step_up(APP, "page" if answer == "page" else "redirect")
    reply = await person.ask(f"{LOGIN}{APP}", site="same-site")
    assert reply.status == 302, reply
    return parse_qs(urlsplit(reply.location).query)["stateToken"][0]


def goes_on(place: System, reply: PersonReply) -> None:
    """Alice reached her app with the session that she had, and nothing was closed."""
    assert reply.status == 200 and f"SAML assertion for {ALICE}" in reply.body, (reply.status, reply.location, reply.body[:200])
    assert place.live() == [ALICE] and place.rows("DELETE", ME) == []


@pytest.mark.parametrize("engine", ENGINES)
async def test_x3_a_step_up_of_the_living_session_is_completed_with_it(engine: Engine) -> None:
    async with system(engine) as place:
        person = await place.entered(ALICE)
        session = place.session(ALICE)
        token = await begun(place, person)
        body = json.dumps({"stateToken": token, "password": "correct-horse"})
        verified = await person.script(f"{LOGIN}/api/v1/authn", "POST", body)
        assert verified.status == 200 and '"SUCCESS"' in verified.body
        goes_on(place, await person.go(f"{LOGIN}{STEP_UP}?stateToken={token}", site="same-origin"))
        assert place.session(ALICE) is session and session.factor_at is not None
        assert await person.named_by_app() == ALICE


@pytest.mark.parametrize("path", ["/login/token/redirect", "/app/UserHome", "/idp/idx/login/token/redirect"])
@pytest.mark.parametrize("engine", ENGINES)
async def test_x3_other_ends_of_the_transaction_travel_alike(engine: Engine, path: str) -> None:
    async with system(engine) as place:
        place.journal.unwatched.add(path)
        person = await place.entered(ALICE)
        token = await begun(place, person)
        body = json.dumps({"stateToken": token, "password": "correct-horse"})
        await person.script(f"{LOGIN}/api/v1/authn", "POST", body)
        goes_on(place, await person.go(f"{LOGIN}{path}?stateToken={token}", site="same-origin"))


@pytest.mark.parametrize("engine", ENGINES)
async def test_x3_a_transaction_that_a_page_of_okta_holds_goes_on_from_that_page(engine: Engine) -> None:
    async with system(engine) as place:
        person = await place.entered(ALICE)
        token = await begun(place, person, "page")
        page = await person.go(f"{LOGIN}/login/login.htm?stateToken={token}&fromURI={APP}", site="same-origin")
        assert page.status == 200 and token in page.body
        body = urlencode({"username": ALICE, "password": "correct-horse", "fromURI": APP, "stateToken": token})
        goes_on(place, await person.go(f"{LOGIN}/login/login.htm", method="POST", body=body, site="same-origin"))


@pytest.mark.parametrize("engine", ENGINES)
async def test_x4_alice_comes_back_from_her_provider_without_a_question(engine: Engine) -> None:
    async with system(engine) as place:
        person = await place.entered(ALICE)
        token = await begun(place, person)
        reply = await by_saml(place, person, ALICE, f"{STEP_UP}?stateToken={token}")
        assert reply.status == 302 and urlsplit(reply.location).path == STEP_UP
        end = await person.go(f"{LOGIN}{STEP_UP}?stateToken={token}", site="cross-site")
        assert end.status == 200 and f"SAML assertion for {ALICE}" in end.body, (end.status, end.body[:300])
        assert place.rows("DELETE", ME) == []
        assert await person.named_by_app() == ALICE
        assert (await person.go(f"{HR}/")).body == f"hello {ALICE}"


@pytest.mark.parametrize("path", ["/login/token/redirect", "/idp/idx/login/token/redirect", STEP_UP, "/app/UserHome"])
async def test_x4_a_cross_site_return_to_her_own_transaction_is_not_asked_about(path: str) -> None:
    async with system() as place:
        place.journal.unwatched.add(path)
        person = await place.entered(ALICE)
        token = await begun(place, person)
        reply = await person.ask(f"{LOGIN}{path}?stateToken={token}", fields={**NAVIGATION, "Referer": f"{IDP}/"}, site="cross-site")
        assert reply.status == 302 and "/.gateway/switch" not in reply.body
        assert place.live() == [ALICE]


@pytest.mark.parametrize("engine", ENGINES)
async def test_x4_another_user_who_comes_back_from_the_provider_is_judged(engine: Engine) -> None:
    async with system(engine) as place:
        person = await place.entered(ALICE)
        token = await begun(place, person)
        await by_saml(place, person, BOB, f"{STEP_UP}?stateToken={token}")
        assert place.live() == [BOB]
        end = await person.go(f"{LOGIN}{STEP_UP}?stateToken={token}", site="cross-site")
        assert end.status == 200 and ALICE not in end.body
        assert await person.named_by_app() is None
        assert (await person.go(f"{HR}/")).body == f"hello {BOB}"


async def test_x3_another_browser_gains_nothing_by_a_transaction() -> None:
    async with system() as place:
        alice, bob = await place.entered(ALICE), await place.entered(BOB)
        token = await begun(place, alice)
        reply = await bob.ask(f"{LOGIN}{STEP_UP}?stateToken={token}", site="cross-site")
        assert reply.status == 200 and "/.gateway/switch" in reply.body, "it is a redemption for him"
        assert place.live() == [ALICE, BOB]


@pytest.mark.parametrize("site", ["cross-site", "none"])
async def test_x3_a_transaction_that_a_stranger_chose_is_asked_about(site: str) -> None:
    """The stranger's token reaches Okta first in a link, and Okta then names it in a Location."""
    async with system() as place:
        person = await place.entered(ALICE)
        token = place.org.state_tokens.issue(place.org.known_user(BOB))
        link = f"{LOGIN}/login/login.htm?{urlencode({'fromURI': f'/login/token/redirect?stateToken={token}'})}"
        reply = await person.go(link, site=site)
        assert reply.status == 200 and "/.gateway/switch" in reply.body
        assert place.live() == [ALICE] and await person.named_by_app() == ALICE
        assert place.sent(token) == []


async def test_x3_a_transaction_is_remembered_after_a_restart(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with system() as place:
        place.text += f'\n[state]\ndirectory = "{tmp_path_factory.mktemp("state")}"\n'
        await place.restart()
        person = await place.entered(ALICE)
        token = await begun(place, person)
        await person.script(f"{LOGIN}/api/v1/authn", "POST", json.dumps({"stateToken": token, "password": "correct-horse"}))
        await place.restart()
        goes_on(place, await person.go(f"{LOGIN}{STEP_UP}?stateToken={token}", site="cross-site"))
