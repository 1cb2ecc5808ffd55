"""`prompt=login`: the sign-in page over a living session, and the request that goes on after it."""

from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt

from gateway.dev.standin import Engine, Org
from tests.dev.standin.browser import OrgBrowser, Seen
from tests.dev.standin.conftest import ALICE, BOB, PASSWORD, Open, Serve
from tests.dev.standin.sign_ins_without_token import enter, logins, saml_response

ENGINES = ["classic", "identity"]
AUTHORIZE = "/oauth2/default/v1/authorize?client_id=0oa1&redirect_uri=%2Fcallback&response_type=code&scope=openid&state=s1"


def from_uri(seen: Seen) -> str:
    address = urlsplit(seen.location)
    assert (seen.status, address.path) == (302, "/login/login.htm")
    return parse_qs(address.query)["fromURI"][0]


async def typed(browser: OrgBrowser, login: str, target: str) -> Seen:
    return await browser.ask("POST", "/login/login.htm", form={"username": login, "password": PASSWORD, "fromURI": target})


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("login", [ALICE, BOB])
async def test_the_page_comes_over_a_living_session_and_authorize_goes_on_after_it(
    start: Serve, browse: Open, engine: Engine, login: str
) -> None:
    running = await start(Org(engine=engine))
    browser = browse(running)
    enter(running, browser, ALICE)
    seen = await browser.get(f"{AUTHORIZE}&prompt=login")
    target = from_uri(seen)
    assert target.startswith("/oauth2/default/v1/authorize/redirect?okta_key=")
    page = await browser.get(seen.location)
    assert page.status == 200 and 'name="password"' in page.text
    assert from_uri(await browser.get(target)) == target  # she has not signed in again
    assert (await typed(browser, login, target)).location == target
    done = await browser.get(target)
    assert done.location.startswith("/callback?code=") and "state=s1" in done.location
    assert await browser.who() == login and logins(running) == [ALICE, login]
    assert (await browser.get(target)).status == 400  # once


@pytest.mark.parametrize("engine", ENGINES)
async def test_without_a_session_it_asks_once(start: Serve, browse: Open, engine: Engine) -> None:
    running = await start(Org(engine=engine))
    browser = browse(running)
    target = from_uri(await browser.get(f"{AUTHORIZE}&prompt=consent%20login"))
    await typed(browser, BOB, target)
    assert (await browser.get(target)).location.startswith("/callback?code=")


async def test_a_token_over_a_living_session_is_ignored_and_the_page_comes(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser, token = browse(running), running.org.session_token(BOB)
    enter(running, browser, ALICE)
    target = from_uri(await browser.get(f"{AUTHORIZE}&prompt=login&sessionToken={token}"))
    assert running.org.session_tokens.meaning(token) is not None and await browser.who() == ALICE
    await typed(browser, ALICE, target)
    assert (await browser.get(target)).location.startswith("/callback?code=") and await browser.who() == ALICE


async def test_a_redeemed_token_is_a_sign_in(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    seen = await browser.get(f"{AUTHORIZE}&prompt=login&sessionToken={running.org.session_token(BOB)}")
    assert seen.location.startswith("/callback?code=") and await browser.who() == BOB


async def test_a_pushed_request_can_ask_too(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser, backend = browse(running), browse(running)
    enter(running, browser, ALICE)
    form = {"client_id": "0oa1", "redirect_uri": "/callback", "response_type": "code", "scope": "openid", "prompt": "login"}
    pushed = (await backend.ask("POST", "/oauth2/default/v1/par", form=form)).json["request_uri"]
    target = from_uri(await browser.get(f"/oauth2/default/v1/authorize?client_id=0oa1&request_uri={pushed}"))
    await typed(browser, ALICE, target)
    assert (await browser.get(target)).location.startswith("/callback?code=")


async def test_an_external_provider_answers_the_prompt(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    enter(running, browser, ALICE)
    target = from_uri(await browser.get(f"{AUTHORIZE}&prompt=login"))
    await browser.ask("POST", "/sso/saml2/0oaidp", form={"SAMLResponse": saml_response(BOB), "RelayState": target})
    assert (await browser.get(target)).location.startswith("/callback?code=")


@pytest.mark.parametrize("prompt", ["none", "none login", "login none"])
async def test_prompt_none_never_shows_a_page(start: Serve, browse: Open, prompt: str) -> None:
    running = await start(Org())
    browser = browse(running)
    asked = f"{AUTHORIZE}&prompt={prompt.replace(' ', '%20')}"
    assert "error=login_required" in (await browser.get(asked)).location
    enter(running, browser, ALICE)
    assert (await browser.get(asked)).location.startswith("/callback?code=")


async def test_a_waiting_request_lives_for_ten_minutes(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    target = from_uri(await browser.get(f"{AUTHORIZE}&prompt=login"))
    running.org.clock.advance(601)
    await typed(browser, ALICE, target)
    assert (await browser.get(target)).status == 400
    assert (await browser.get("/oauth2/default/v1/authorize/redirect")).status == 400


@pytest.mark.parametrize("acr", ["urn:okta:loa:2fa:any", "phr%20phrh"])
@pytest.mark.parametrize("engine", ENGINES)
async def test_two_factors_are_asked_for_and_named_in_the_token(start: Serve, browse: Open, engine: Engine, acr: str) -> None:
    running = await start(Org(engine=engine))
    browser = browse(running)
    session = enter(running, browser, ALICE)
    silent = await browser.get(f"{AUTHORIZE}&prompt=none&acr_values={acr}")
    assert "error=login_required" in silent.location
    assert (await browser.get(f"{AUTHORIZE}&acr_values=urn:okta:loa:1fa:any")).location.startswith("/callback?code=")
    target = from_uri(await browser.get(f"{AUTHORIZE}&acr_values={acr}"))
    await typed(browser, ALICE, target)  # a password alone, again
    assert "error=access_denied" in (await browser.get(target)).location
    running.org.sessions.verify(session)
    enter(running, browser, ALICE)
    running.org.sessions.verify(running.org.sessions.active()[-1])
    code = parse_qs(urlsplit((await browser.get(f"{AUTHORIZE}&acr_values={acr}")).location).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": "/callback", "client_id": "0oa1"}
    told = await browser.ask("POST", "/oauth2/default/v1/token", form=form)
    claims = jwt.decode(told.json["id_token"], running.org.signing_key).claims
    assert claims["acr"] == acr.replace("%20", " ") and claims["amr"] == ["pwd", "mfa"]
