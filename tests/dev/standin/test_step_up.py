"""Step-up: a living session proves its user again before an app, by a stateToken of its own."""

from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.dev.standin import Engine, Org, RunningOrg, fingerprint
from gateway.dev.standin.sso_apps import MOST_LINKS, AppLinks
from tests.dev.standin.browser import OrgBrowser, Seen
from tests.dev.standin.conftest import ALICE, BOB, PASSWORD, Open, Serve
from tests.dev.standin.sign_ins_without_token import enter, logins, saml_response

ENGINES = ["classic", "identity"]
LINK = "/app/payroll/0oa7/sso/saml"
STEP_UP = "/login/step-up/redirect"


def token_in(seen: Seen) -> str:
    return parse_qs(urlsplit(seen.location).query)["stateToken"][0]


async def asked(running: RunningOrg, browser: OrgBrowser, query: str = "") -> str:
    """Open the app link that needs a fresh factor and return the stateToken that Okta hands out for it."""
    running.org.app_links.require_step_up(LINK)
    return token_in(await browser.get(LINK + query))


async def proven(browser: OrgBrowser, token: str, **more: object) -> Seen:
    return await browser.ask("POST", "/api/v1/authn", payload={"stateToken": token, "password": PASSWORD} | more)


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_living_session_steps_up_and_reaches_the_app(start: Serve, browse: Open, engine: Engine) -> None:
    running = await start(Org(engine=engine))
    browser = browse(running)
    session = enter(running, browser, ALICE)
    running.org.clock.advance(1)
    assert (await browser.ask("POST", "/.standin/step-up", payload={"path": LINK})).status == 204
    first = await browser.get(f"{LINK}?RelayState=x%26y")
    token = token_in(first)
    assert (first.status, first.location) == (302, f"{STEP_UP}?stateToken={token}")
    page = await browser.get(first.location)
    assert page.location.startswith(f"/login/login.htm?stateToken={token}&fromURI=%2Fapp%2Fpayroll")
    form = (await browser.get(page.location)).text
    assert f'name="stateToken" value="{token}"' in form and f'value="{ALICE}"' in form
    done = await proven(browser, token)
    assert (done.status, done.json["status"], done.json["type"]) == (200, "SUCCESS", "SESSION_STEP_UP")
    assert "sessionToken" not in done.json and done.json["_embedded"]["user"]["profile"]["login"] == ALICE
    following = done.json["_links"]["next"]["href"].removeprefix(running.url)
    assert (await browser.get(following)).location == f"{LINK}?RelayState=x%26y"
    assert "SAML assertion for alice" in (await browser.get(LINK)).text
    me = (await browser.get("/api/v1/sessions/me")).json
    assert (me["id"], me["amr"]) == (session.id, ["pwd", "mfa"])
    assert me["lastFactorVerification"] == me["lastPasswordVerification"] > me["createdAt"]
    assert logins(running) == [ALICE]


async def test_the_state_of_the_transaction_can_be_asked_for(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    enter(running, browser, ALICE)
    token = await asked(running, browser)
    seen = await browser.ask("POST", "/api/v1/authn", payload={"stateToken": token})
    assert (seen.status, seen.json["status"], seen.json["_embedded"]["target"]["name"]) == (200, "UNAUTHENTICATED", "payroll")
    assert seen.json["_links"]["next"]["href"] == f"{running.url}/api/v1/authn"
    wrong = await proven(browser, token, password="guess")
    another = await proven(browser, token, username=BOB)
    assert [(answer.status, answer.json["errorCode"]) for answer in (wrong, another)] == [(401, "E0000004")] * 2
    assert (await browser.get(f"{STEP_UP}?stateToken={token}")).location.startswith("/login/login.htm?stateToken=")
    assert (await proven(browser, token, username=ALICE)).json["status"] == "SUCCESS"


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_transaction_dies_with_its_session(start: Serve, browse: Open, engine: Engine) -> None:
    running = await start(Org(engine=engine))
    browser = browse(running)
    enter(running, browser, ALICE)
    token = await asked(running, browser)
    verified = await asked(running, browser)
    await proven(browser, verified)
    await browser.ask("DELETE", "/api/v1/sessions/me")
    refused = await proven(browser, token)
    assert (refused.status, refused.json["errorCode"]) == (401, "E0000011")
    for dead in (token, verified):
        seen = await browser.get(f"{STEP_UP}?stateToken={dead}")
        assert urlsplit(seen.location).path == "/login/login.htm" and "stateToken" not in seen.location
    assert await browser.who() is None and logins(running) == []


@pytest.mark.parametrize("completion", [STEP_UP, "/login/token/redirect", "/app/UserHome"])
async def test_a_transaction_is_completed_once_wherever_it_is_shown(start: Serve, browse: Open, completion: str) -> None:
    running = await start(Org(engine="identity"))
    browser = browse(running)
    session = enter(running, browser, ALICE)
    token = await asked(running, browser)
    await proven(browser, token)
    assert (await browser.get(f"{completion}?stateToken={token}")).location == LINK
    assert session.factor_at is not None
    session.factor_at = None
    again = await browser.get(f"{completion}?stateToken={token}")
    assert again.location != LINK and session.factor_at is None
    assert (await proven(browser, token)).json["errorCode"] == "E0000011"


@pytest.mark.parametrize(("seconds", "status"), [(299, 200), (301, 401)])
async def test_a_transaction_lives_for_five_minutes(start: Serve, browse: Open, seconds: int, status: int) -> None:
    running = await start(Org())
    browser = browse(running)
    enter(running, browser, ALICE)
    token = await asked(running, browser)
    running.org.clock.advance(seconds)
    assert (await proven(browser, token)).status == status


@pytest.mark.parametrize("who", [BOB, None])
async def test_another_browser_cannot_complete_it(start: Serve, browse: Open, who: str | None) -> None:
    running = await start(Org())
    browser, another = browse(running), browse(running)
    alice = enter(running, browser, ALICE)
    token = await asked(running, browser)
    await proven(browser, token)
    if who is not None:
        enter(running, another, who)
    assert (await another.get(f"{STEP_UP}?stateToken={token}")).location == LINK
    assert await another.who() == who and alice.factor_at is None
    assert (await browser.get(f"{STEP_UP}?stateToken={token}")).location == LINK
    assert alice.factor_at is not None


async def test_a_factor_is_fresh_for_five_minutes(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    enter(running, browser, ALICE)
    token = await asked(running, browser)
    await proven(browser, token)
    await browser.get(f"{STEP_UP}?stateToken={token}")
    assert "SAML assertion" in (await browser.get(LINK)).text
    running.org.clock.advance(301)
    assert STEP_UP in (await browser.get(LINK)).location


@pytest.mark.parametrize("engine", ENGINES)
async def test_the_page_comes_at_once_when_ordered_and_its_form_steps_up(start: Serve, browse: Open, engine: Engine) -> None:
    running = await start(Org(engine=engine))
    browser = browse(running)
    enter(running, browser, ALICE)
    await browser.ask("POST", "/.standin/step-up", payload={"path": LINK, "answer": "page"})
    first = await browser.get(LINK)
    assert first.location.startswith("/login/login.htm?stateToken=") and first.location.endswith(
        "&fromURI=%2Fapp%2Fpayroll%2F0oa7%2Fsso%2Fsaml"
    )
    form = {"username": ALICE, "password": "guess", "fromURI": LINK, "stateToken": token_in(first)}
    wrong = await browser.ask("POST", "/login/login.htm", form=form)
    assert "Unable to sign in" in wrong.text and form["stateToken"] in wrong.text
    right = await browser.ask("POST", "/login/login.htm", form=form | {"password": PASSWORD})
    assert right.location == f"{STEP_UP}?stateToken={form['stateToken']}"
    assert (await browser.get(right.location)).location == LINK
    assert "SAML assertion for alice" in (await browser.get(LINK)).text and logins(running) == [ALICE]
    assert (await browser.ask("DELETE", "/.standin/step-up")).status == 204
    running.org.clock.advance(301)
    assert "SAML assertion for alice" in (await browser.get(LINK)).text


async def test_another_users_password_in_that_form_is_a_sign_in_of_hers(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    alice = enter(running, browser, ALICE)
    form = {"username": BOB, "password": PASSWORD, "fromURI": LINK, "stateToken": await asked(running, browser)}
    assert (await browser.ask("POST", "/login/login.htm", form=form)).location == LINK
    assert await browser.who() == BOB and alice.factor_at is None


@pytest.mark.parametrize(("login", "is_verified"), [(ALICE, True), (BOB, False)])
async def test_her_own_external_provider_verifies_the_transaction(start: Serve, browse: Open, login: str, is_verified: bool) -> None:
    running = await start(Org(engine="identity"))
    browser = browse(running)
    enter(running, browser, ALICE)
    target = f"/login/token/redirect?stateToken={await asked(running, browser)}"
    seen = await browser.ask("POST", "/sso/saml2/0oaidp", form={"SAMLResponse": saml_response(login), "RelayState": target})
    assert seen.location == target and await browser.who() == login
    assert (await browser.get(target)).location == LINK
    seen = await browser.get(LINK)
    assert ("SAML assertion for alice" in seen.text) is is_verified and (STEP_UP in seen.location) is not is_verified
    assert logins(running) == [ALICE, login]


async def test_identify_verifies_the_transaction_of_its_state_handle(start: Serve, browse: Open) -> None:
    running = await start(Org(engine="identity"))
    browser = browse(running)
    session = enter(running, browser, ALICE)
    token = await asked(running, browser)
    payload = {"stateHandle": f"{token}~x", "credentials": {"passcode": "guess"}}
    assert (await browser.ask("POST", "/idp/idx/identify", payload=payload)).status == 401
    assert (await browser.ask("POST", "/idp/idx/identify", payload={"stateHandle": token})).status == 401
    done = await browser.ask("POST", "/idp/idx/identify", payload=payload | {"credentials": {"passcode": PASSWORD}})
    assert done.json["success"]["href"] == f"{running.url}/login/token/redirect?stateToken={token}"
    assert not any(line.startswith(("sid=", "idx=")) for line in done.set_cookies)
    assert (await browser.get(f"/login/token/redirect?stateToken={token}")).location == LINK
    assert session.factor_at is not None and logins(running) == [ALICE]


async def test_without_a_session_the_link_asks_to_sign_in(start: Serve, browse: Open) -> None:
    running = await start(Org())
    running.org.app_links.require_step_up(LINK)
    seen = await browse(running).get(LINK)
    assert seen.location == "/login/login.htm?fromURI=%2Fapp%2Fpayroll%2F0oa7%2Fsso%2Fsaml"


async def test_the_journal_fingerprints_the_token_at_every_step(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    enter(running, browser, ALICE)
    token = await asked(running, browser)
    await browser.get(f"{STEP_UP}?stateToken={token}")
    await proven(browser, token)
    await browser.get(f"{STEP_UP}?stateToken={token}")
    rows = [row.as_json() for row in running.org.journal.rows]
    assert [(row["method"], row["path"], row["status"], row["token"]) for row in rows] == [
        ("GET", LINK, 302, None),
        ("GET", STEP_UP, 302, fingerprint(token)),
        ("POST", "/api/v1/authn", 200, fingerprint(token)),
        ("GET", STEP_UP, 302, fingerprint(token)),
    ]


@pytest.mark.parametrize("order", [{}, {"path": "/login/x"}, {"path": 1}, {"path": LINK, "answer": "loud"}])
async def test_a_wrong_order_is_refused(start: Serve, browse: Open, order: object) -> None:
    assert (await browse(await start(Org())).ask("POST", "/.standin/step-up", payload=order)).status == 400


def test_orders_are_bounded_and_a_known_path_is_replaced() -> None:
    links = AppLinks()
    for number in range(MOST_LINKS):
        links.require_step_up(f"/app/a/b/{number}")
    links.require_step_up("/app/a/b/0", "page")
    assert links.step_up("/app/a/b/0") == "page"
    with pytest.raises(ValueError, match="1000 orders"):
        links.require_step_up("/app/a/b/more")
