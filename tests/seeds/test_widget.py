"""Okta's Sign-In Widget 7.49, unchanged, in Chromium: Classic and Identity, self-hosted and as the org's own page. Seed 0."""

import pytest
from playwright.async_api import Page, expect

from gateway.dev.standin import Client, Engine, fault
from tests.browser.visitor import ALICE, BOB, PASSWORD, Visitor, signed_in
from tests.harness.demonstration import Stage
from tests.seeds.engines import EACH_ENGINE, ON_IDENTITY
from tests.seeds.pages import Pages, asked

pytestmark = pytest.mark.asyncio(loop_scope="session")

_CLASSIC = """(() => {
  window.widget = new OktaSignIn({ baseUrl: a, el: '#widget', useClassicEngine: true, features: { router: false } })
  const redeem = (done) => { if (done.status == 'SUCCESS') done.session.setCookieAndRedirect(b) }
  widget.renderEl({}, redeem, (error) => { window.problem = String(error) })
})()"""
_IDENTITY = """(() => {
  window.widget = new OktaSignIn({
    issuer: a, useClassicEngine: false, clientId: '0oaSpa', redirectUri: b, el: '#widget', state: 's', scopes: ['openid', 'email'],
    authParams: { issuer: a, pkce: true, scopes: ['openid', 'email'] }, features: { router: false },
  })
  window.done = widget.showSignInToGetTokens({}).then(({ idToken }) => idToken.claims.email, (error) => String(error))
})()"""


async def fills_in(page: Page, login: str, names: tuple[str, str] = ("username", "password")) -> None:
    """Fill in both fields; the widget moves the focus by itself when it has drawn them, which may disturb who types meanwhile."""
    fields = [(page.locator(f'#widget input[name="{name}"]'), text) for name, text in zip(names, (login, PASSWORD), strict=True)]
    for _ in range(3):
        for field, text in fields:
            await field.fill(text)
        if [await field.input_value() for field, _ in fields] == [login, PASSWORD]:
            break
    await page.click('#widget input[type="submit"]')


async def signs_in_classic(stage: Stage, visitor: Visitor, pages: Pages, login: str, bundle: str = "widget-classic") -> None:
    await visitor.page.goto(f"{pages.at(bundle)}/sign-in")
    stage.org.trusted_origins.add(pages.at(bundle).rpartition("/")[0])
    await asked(visitor.page, _CLASSIC, stage.where.login, f"{stage.where.app}/")
    await fills_in(visitor.page, login)
    await visitor.is_shown(login)


@pytest.mark.parametrize("bundle", ["widget", "widget-classic"])
@EACH_ENGINE
async def test_s7_the_classic_widget_signs_in_alice_and_then_bob_by_sign_in_widget(
    stage: Stage, visitor: Visitor, pages: Pages, engine: Engine, bundle: str
) -> None:
    visitor.awaited_statuses |= {404}
    for login in (ALICE, BOB):
        await signs_in_classic(stage, visitor, pages, login, bundle)
        assert signed_in(stage) == [login]


async def opens_identity(stage: Stage, visitor: Visitor, pages: Pages, bundle: str) -> None:
    home = f"{pages.at(bundle)}/home"
    stage.org.trusted_origins.add(home.rpartition("/widget")[0])
    grants = frozenset({"authorization_code", "interaction_code", "refresh_token"})
    stage.org.clients.register(Client("0oaSpa", (home,), grant_types=grants))
    await visitor.page.goto(home)
    await asked(visitor.page, _IDENTITY, f"{stage.where.login}/oauth2/default", home)


@pytest.mark.parametrize("bundle", ["widget", "widget-oie"])
@ON_IDENTITY
async def test_s8_the_identity_widget_signs_in_alice_and_then_bob_by_sign_in_widget(
    stage: Stage, visitor: Visitor, pages: Pages, engine: Engine, bundle: str
) -> None:
    """No session token is anywhere: the answer of `/idp/idx/…` sets `idx`, and the gateway follows the session."""
    visitor.awaited_statuses |= {404}
    for login in (ALICE, BOB):
        await opens_identity(stage, visitor, pages, bundle)
        await fills_in(visitor.page, login, ("identifier", "credentials.passcode"))
        assert await asked(visitor.page, "window.done") == login
        assert signed_in(stage) == [login]
        await visitor.page.goto(f"{stage.where.app}/")
        await visitor.is_shown(login)


@ON_IDENTITY
async def test_s7_the_widget_as_the_orgs_own_page_by_sign_in_widget(stage: Stage, visitor: Visitor, pages: Pages, engine: Engine) -> None:
    await visitor.page.goto(f"{stage.where.app}/")
    await expect(visitor.page.locator("#username")).to_be_visible()
    handle = await visitor.page.get_attribute("input[name=stateHandle]", "value")
    assert handle
    script = f'<script src="{pages.at("widget-oie").rpartition("/")[0]}/bundles/widget-oie.js"></script><div id="widget"></div>'
    state_token = handle.partition("~")[0]
    config = f"{{ baseUrl: location.origin, useClassicEngine: false, stateToken: '{state_token}', el: '#widget' }}"
    made = f"new OktaSignIn({config}).renderEl({{}}, () => 0)"
    body = f"<!doctype html><title>Sign in</title>{script}<script>{made}</script>"
    stage.org.faults.add(fault({"path": "/login/login.htm", "status": 200, "body": body, "headers": {"Content-Type": "text/html"}}))
    await visitor.page.reload()
    await fills_in(visitor.page, ALICE, ("identifier", "credentials.passcode"))
    await visitor.is_shown(ALICE)


@ON_IDENTITY
async def test_s9_a_second_factor_in_the_identity_widget_by_sign_in_widget(
    stage: Stage, visitor: Visitor, pages: Pages, engine: Engine
) -> None:
    factor = stage.org.accounts.enroll(stage.org.known_user(ALICE), "totp")
    await opens_identity(stage, visitor, pages, "widget-oie")
    await fills_in(visitor.page, ALICE, ("identifier", "credentials.passcode"))
    code = visitor.page.locator('#widget input[name="credentials.passcode"]:not([type="password"])')
    select = visitor.page.locator("#widget .authenticator-button a, #widget [data-se=google_otp] a").first
    await expect(code.or_(select)).to_be_visible()
    if await select.is_visible():
        await select.click()
    await code.fill(factor.code(stage.org.clock.now()))
    await visitor.page.click('#widget input[type="submit"]')
    assert await asked(visitor.page, "window.done") == ALICE
    assert stage.org.sessions.active()[0].amr == ("pwd", "mfa")


@EACH_ENGINE
async def test_s7_a_wrong_issuer_is_said_on_the_page_by_sign_in_widget(
    stage: Stage, visitor: Visitor, pages: Pages, engine: Engine
) -> None:
    visitor.awaited_statuses |= {404, 400}
    await visitor.page.goto(f"{pages.at('widget-oie')}/home")
    stage.org.trusted_origins.add(pages.at("widget-oie").rpartition("/")[0])
    await asked(visitor.page, _IDENTITY, f"{stage.where.login}/oauth2/nowhere", f"{pages.at('widget-oie')}/home")
    await expect(visitor.page.locator("#widget .okta-form-infobox-error, #widget .siw-main-view")).to_be_visible()
