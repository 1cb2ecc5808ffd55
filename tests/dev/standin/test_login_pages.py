"""The sign-in form, the dashboard, app links and sign-out."""

from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.dev.standin import Engine, Org
from tests.dev.standin.conftest import ALICE, BOB, PASSWORD, Open, Serve
from tests.dev.standin.sign_ins_without_token import enter, logins


@pytest.mark.parametrize("engine", ["classic", "identity"])
async def test_the_form_signs_in_and_goes_on(start: Serve, browse: Open, engine: Engine) -> None:
    browser = browse(await start(Org(engine=engine)))
    form = await browser.get("/login/login.htm?fromURI=%2Fapp%2Fhr%2F0oa1%2Fsso%2Fsaml%3Fa%3D%22b%22")
    assert form.status == 200 and 'value="/app/hr/0oa1/sso/saml?a=&#34;b&#34;"' in form.text
    values = {"username": ALICE, "password": PASSWORD, "fromURI": '/app/hr/0oa1/sso/saml?a="b"'}
    seen = await browser.ask("POST", "/login/login.htm", form=values)
    assert (seen.status, seen.location) == (302, '/app/hr/0oa1/sso/saml?a="b"')
    assert "SAML assertion for alice@example.com" in (await browser.get("/app/hr/0oa1/sso/saml")).text


async def test_the_form_says_no_to_a_wrong_password(start: Serve, browse: Open) -> None:
    browser = browse(await start(Org()))
    seen = await browser.ask("POST", "/login/login.htm", form={"username": "<b>", "password": "guess"})
    assert seen.status == 200 and "Unable to sign in" in seen.text and "&lt;b&gt;" in seen.text
    assert await browser.who() is None


@pytest.mark.parametrize("engine", ["classic", "identity"])
async def test_the_form_signs_in_another_user_and_the_older_session_lives_on(start: Serve, browse: Open, engine: Engine) -> None:
    running = await start(Org(engine=engine))
    browser = browse(running)
    alice = enter(running, browser, ALICE)
    old = dict(browser.cookies)
    wrong = await browser.ask("POST", "/login/login.htm", form={"username": BOB, "password": "guess"})
    assert (wrong.status, await browser.who()) == (200, ALICE)
    values = {"username": BOB, "password": PASSWORD, "fromURI": "/app/hr/0oa1/sso/saml"}
    seen = await browser.ask("POST", "/login/login.htm", form=values)
    assert (seen.status, seen.location, await browser.who()) == (302, "/app/hr/0oa1/sso/saml", BOB)
    browser.cookies = old
    assert await browser.who() == ALICE
    assert not alice.is_over and logins(running) == [ALICE, BOB]


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", ""])
async def test_a_live_session_is_not_asked_again_and_never_sent_away(start: Serve, browse: Open, target: str) -> None:
    running = await start(Org())
    browser = browse(running)
    browser.cookies = {"sid": running.org.sign_in(ALICE).sid or ""}
    assert (await browser.get("/login/login.htm?fromURI=/app/a/b/c")).location == "/app/a/b/c"
    assert (await browser.get(f"/login/login.htm?fromURI={target}")).location == "/app/UserHome"


async def test_an_app_link_without_a_session_asks_to_sign_in_and_drops_the_token(start: Serve, browse: Open) -> None:
    browser = browse(await start(Org()))
    seen = await browser.get("/app/hr/0oa1/sso/saml?RelayState=x%26y&sessionToken=of-nobody")
    address = urlsplit(seen.location)
    assert (seen.status, address.path) == (302, "/login/login.htm")
    assert parse_qs(address.query) == {"fromURI": ["/app/hr/0oa1/sso/saml?RelayState=x%26y"]}


async def test_the_dashboard_says_who_is_signed_in(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    assert (await browser.get("/")).location == "/app/UserHome"
    assert (await browser.get("/app/UserHome")).location == "/login/login.htm?fromURI=%2Fapp%2FUserHome"
    browser.cookies = {"sid": running.org.sign_in(BOB).sid or ""}
    assert f'<strong id="login">{BOB}</strong>' in (await browser.get("/app/UserHome")).text


@pytest.mark.parametrize("engine", ["classic", "identity"])
async def test_sign_out_ends_the_session_and_goes_to_a_trusted_place(start: Serve, browse: Open, engine: Engine) -> None:
    running = await start(Org(engine=engine, trusted_origins=["https://hr.example.com"]))
    browser = browse(running)
    for target, place in (("https://hr.example.com/bye", "https://hr.example.com/bye"), ("https://evil.example/", "/login/login.htm")):
        session = running.org.sign_in(ALICE)
        browser.cookies = {"sid": session.sid or ""}
        seen = await browser.get(f"/login/signout?fromURI={target}")
        assert (seen.status, seen.location, browser.cookies) == (302, place, {})
        assert session.is_over


async def test_a_session_that_waits_for_a_factor_is_not_signed_in(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser, session = browse(running), running.org.sign_in(ALICE)
    session.status = "MFA_REQUIRED"
    browser.cookies = {"sid": session.sid or ""}
    assert (await browser.get("/api/v1/sessions/me")).json["status"] == "MFA_REQUIRED"
    assert "login.htm" in (await browser.get("/app/UserHome")).location
    assert (await browser.get("/login/login.htm")).status == 200
    await browser.ask("POST", "/login/login.htm", form={"username": BOB, "password": PASSWORD})
    assert await browser.who() == BOB


async def test_head_redeems_as_get_does(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    await browser.ask("HEAD", f"/app/a/b/c?sessionToken={running.org.session_token(BOB)}")
    assert await browser.who() == BOB


async def test_the_origin_of_links_follows_the_forwarded_scheme(start: Serve, browse: Open) -> None:
    running = await start(Org())
    fields = {"Host": "login.example.com", "X-Forwarded-Proto": "https", "Cookie": f"sid={running.org.sign_in(ALICE).sid}"}
    seen = await browse(running).ask("GET", "/api/v1/sessions/me", fields)
    assert seen.json["_links"]["self"]["href"] == "https://login.example.com/api/v1/sessions/me"


@pytest.mark.parametrize(
    "path", ["/app/hr/0oa1/sso/saml?a=1", "/app/UserHome", "/oauth2/v1/authorize?client_id=0oa1&redirect_uri=%2Fcallback"]
)
async def test_the_form_can_stand_at_the_address_that_needs_it(start: Serve, browse: Open, path: str) -> None:
    running = await start(Org(engine="identity"))
    running.org.signs_in_at_the_address = True
    browser = browse(running)
    page = await browser.get(f"{path}{'&' if '?' in path else '?'}sessionToken=of-nobody")
    assert (page.status, page.location) == (200, "") and 'id="password"' in page.text and "of-nobody" not in page.text
    values = {"username": ALICE, "password": PASSWORD, "fromURI": path}
    assert (await browser.ask("POST", "/login/login.htm", form=values)).location.startswith(path.partition("?")[0])
    assert await browser.who() == ALICE
