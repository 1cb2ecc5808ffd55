"""The bug that the gateway exists for, seen at the unguarded org: alice is alive, bob's token is ignored."""

import pytest

from gateway.dev.standin import Engine, Org, RunningOrg
from tests.dev.standin.browser import OrgBrowser
from tests.dev.standin.conftest import ALICE, BOB, PASSWORD, Open, Serve

ENGINES: tuple[Engine, ...] = ("classic", "identity")
REDEEM = "/login/sessionCookieRedirect?checkAccountSetupComplete=true&token={token}&redirectUrl=%2Fapp%2FUserHome"
AUTHORIZE = "client_id=0oa1&redirect_uri=%2Fcallback&response_type=code&scope=openid&state=s&prompt=none&sessionToken={token}"
LINKS = (
    REDEEM,
    "/home/example_saml/0oa1/1?sessionToken={token}",
    "/home/example_saml/0oa1/1?onetimetoken={token}",
    "/app/example_saml/0oa1/link?sessionToken={token}",
    "/app/example_saml/0oa1/sso/saml?onetimetoken={token}",
    "/app/template_wsfed/0oa1/sso/wsfed/passive?sessionToken={token}",
    "/oauth2/v1/authorize?" + AUTHORIZE,
    "/oauth2/default/v1/authorize?" + AUTHORIZE,
)
STATE_LINKS = (
    "/login/token/redirect?stateToken={token}",
    "/idp/idx/login/token/redirect?stateToken={token}",
    "/login/step-up/redirect?stateToken={token}",
    "/app/UserHome?stateToken={token}",
)


async def signed_in(running: RunningOrg, browser: OrgBrowser, login: str) -> None:
    """Sign in as Okta's own page does: credentials for a token, the token for a cookie."""
    answer = await browser.ask("POST", "/api/v1/authn", payload={"username": login, "password": PASSWORD})
    assert answer.json["status"] == "SUCCESS"
    seen = await browser.get(REDEEM.format(token=answer.json["sessionToken"]))
    assert (seen.status, seen.location) == (302, "/app/UserHome")


@pytest.mark.parametrize("engine", ENGINES)
async def test_bobs_token_over_alices_live_session_leaves_alice_signed_in(start: Serve, browse: Open, engine: Engine) -> None:
    running = await start(Org(engine=engine))
    browser = browse(running)
    await signed_in(running, browser, ALICE)
    assert await browser.who() == ALICE
    await signed_in(running, browser, BOB)
    assert await browser.who() == ALICE


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("link", LINKS)
async def test_a_token_is_ignored_and_unspent_over_a_live_session(start: Serve, browse: Open, engine: Engine, link: str) -> None:
    running = await start(Org(engine=engine))
    browser, token = browse(running), running.org.session_token(BOB)
    await signed_in(running, browser, ALICE)
    seen = await browser.get(link.format(token=token))
    assert seen.status in (200, 302) and BOB not in seen.text
    assert await browser.who() == ALICE
    browser.cookies.clear()
    await browser.get(link.format(token=token))
    assert await browser.who() == BOB


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("link", LINKS)
async def test_a_token_is_redeemed_once_over_a_dead_cookie(start: Serve, browse: Open, engine: Engine, link: str) -> None:
    running = await start(Org(engine=engine))
    browser, token = browse(running), running.org.session_token(BOB)
    session = running.org.sign_in(ALICE)
    browser.cookies = {"sid": session.sid or ""} | ({"idx": session.idx} if session.idx else {})
    running.org.sessions.end(session)
    await browser.get(link.format(token=token))
    assert await browser.who() == BOB
    browser.cookies.clear()
    again = await browser.get(link.format(token=token))
    assert "login.htm" in again.location or "login_required" in again.location
    assert await browser.who() is None


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("link", STATE_LINKS)
async def test_a_state_token_follows_the_same_rule(start: Serve, browse: Open, engine: Engine, link: str) -> None:
    running = await start(Org(engine=engine))
    org = running.org
    browser, token = browse(running), org.state_tokens.issue(org.known_user(BOB))
    await signed_in(running, browser, ALICE)
    await browser.get(link.format(token=token))
    assert await browser.who() == ALICE
    browser.cookies.clear()
    await browser.get(link.format(token=token))
    assert await browser.who() == BOB


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_pushed_token_waits_behind_its_request_uri(start: Serve, browse: Open, engine: Engine) -> None:
    running = await start(Org(engine=engine))
    browser, backend, token = browse(running), browse(running), running.org.session_token(BOB)
    form = {"client_id": "0oa1", "redirect_uri": "/callback", "response_type": "code", "scope": "openid", "sessionToken": token}
    pushed = await backend.ask("POST", "/oauth2/default/v1/par", form=form)
    assert pushed.status == 201 and pushed.json["expires_in"] > 0
    link = f"/oauth2/default/v1/authorize?client_id=0oa1&request_uri={pushed.json['request_uri']}"
    await signed_in(running, browser, ALICE)
    assert (await browser.get(link)).location.startswith("/callback?code=")
    assert await browser.who() == ALICE
    browser.cookies.clear()
    await browser.get(link)
    assert await browser.who() == BOB
    tokens = [row.token for row in running.org.journal.rows if row.path.startswith("/oauth2")]
    assert len(set(tokens)) == 1 and tokens[0] is not None


@pytest.mark.parametrize("link", ["/login/sessionCookieRedirect", "/oauth2/v1/authorize", "/app/example_saml/0oa1/sso/saml"])
async def test_a_token_in_a_form_is_redeemed(start: Serve, browse: Open, link: str) -> None:
    running = await start(Org())
    browser, token = browse(running), running.org.session_token(BOB)
    form = {"client_id": "0oa1", "redirect_uri": "/callback", "token": token, "sessionToken": token, "redirectUrl": "/app/UserHome"}
    seen = await browser.ask("POST", link, form=form | {"repost": "true"})
    assert seen.status in (200, 302)
    assert await browser.who() == BOB


async def test_the_first_of_a_repeated_parameter_counts_and_query_goes_before_form(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser, token = browse(running), running.org.session_token(BOB)
    await browser.get(f"/app/a/b/c?sessionToken=wrong&sessionToken={token}")
    assert await browser.who() is None
    await browser.ask("POST", f"/app/a/b/c?%73ession%54oken={token}", form={"sessionToken": "wrong"})
    assert await browser.who() == BOB


@pytest.mark.parametrize("path", ["/login;jsessionid=1/sessionCookieRedirect;x=y", "//login/./x/../%73essionCookieRedirect/"])
async def test_odd_spellings_of_a_path_reach_the_endpoint(start: Serve, browse: Open, path: str) -> None:
    running = await start(Org())
    browser, token = browse(running), running.org.session_token(BOB)
    await browser.get(f"{path}?token={token}&redirectUrl=/app/UserHome")
    assert await browser.who() == BOB


async def test_a_token_lives_five_minutes(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser, token = browse(running), running.org.session_token(BOB)
    running.org.clock.advance(301)
    seen = await browser.get(REDEEM.format(token=token))
    assert seen.location == "/login/login.htm?fromURI=%2Fapp%2FUserHome"
    assert await browser.who() is None


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "/%5Cevil.example", "", "javascript:alert(1)"])
async def test_an_untrusted_target_spends_no_token(start: Serve, browse: Open, target: str) -> None:
    running = await start(Org())
    browser, token = browse(running), running.org.session_token(BOB)
    seen = await browser.get(f"/login/sessionCookieRedirect?token={token}&redirectUrl={target}")
    assert seen.status == 400
    assert running.org.session_tokens.meaning(token) is not None


async def test_a_trusted_origin_is_a_target(start: Serve, browse: Open) -> None:
    running = await start(Org(trusted_origins=["https://hr.example.com"]))
    browser, token = browse(running), running.org.session_token(BOB)
    seen = await browser.get(f"/login/sessionCookieRedirect?token={token}&redirectUrl=https%3A%2F%2Fhr.example.com%2Fpath%3Fa%3Db")
    assert seen.location == "https://hr.example.com/path?a=b"
    assert "sid=102" in "".join(seen.set_cookies)
