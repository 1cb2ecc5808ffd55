"""okta-auth-js in Chromium: PKCE, tokenManager, renewal, sign-out; and what a page of alice's keeps after a switch. Seed 4."""

import pytest
from playwright.async_api import Page

from gateway.dev.standin import Engine
from tests.browser.visitor import ALICE, BOB, Visitor, signed_in
from tests.harness.demonstration import Stage
from tests.seeds.application import Application, registered
from tests.seeds.engines import EACH_ENGINE
from tests.seeds.pages import Pages, asked

pytestmark = pytest.mark.asyncio(loop_scope="session")

_MAKE = """(() => {
  const config = { issuer: a, clientId: '0oaSpa', redirectUri: b, postLogoutRedirectUri: b, pkce: true }
  config.scopes = ['openid', 'profile', 'email', 'offline_access']
  config.services = { autoRenew: false, syncStorage: false, renewOnTabActivation: false }
  config.tokenManager = { storage: 'sessionStorage', autoRenew: false }
  window.client = new OktaAuth(config)
})()"""
_BACK = """(async () => {
  const { tokens } = await client.token.parseFromUrl()
  client.tokenManager.setTokens(tokens)
  return tokens.idToken.claims.email
})()"""
_SILENTLY = "client.token.getWithoutPrompt().then(({ tokens }) => tokens.idToken.claims.email, (error) => error.errorCode)"
_REFRESH = """client.token.renewTokensWithRefresh(
  { scopes: client.options.scopes }, client.tokenManager.getTokensSync().refreshToken
).then((tokens) => (client.tokenManager.setTokens(tokens), tokens.idToken.claims.email), (error) => error.errorCode)"""


class Spa:
    """A single-page application of alice's site."""

    def __init__(self, application: Application) -> None:
        self.visitor, self.home, self._issuer = application.visitor, application.home, application.issuer
        self.visitor.awaited_statuses |= {400, 404}

    async def make(self, page: Page | None = None) -> None:
        await asked(page or self.visitor.page, _MAKE, self._issuer, self.home)

    async def sign_in(self) -> str:
        """The client's redirect, with the session that is there; whom its tokens are about."""
        page = self.visitor.page
        await page.goto(self.home)
        await self.make()
        async with page.expect_navigation(url=f"{self.home}?code=**"):
            await page.evaluate("() => { client.token.getWithRedirect() }")
        await self.make()
        return str(await asked(page, _BACK))


@pytest.fixture
def spa(visitor: Visitor, pages: Pages) -> Spa:
    return Spa(registered(visitor, "0oaSpa", f"{pages.at('auth-js')}/home"))


@EACH_ENGINE
async def test_s60_tokens_in_the_token_manager_make_the_user_authenticated_by_okta_auth_js(
    stage: Stage, visitor: Visitor, spa: Spa, engine: Engine
) -> None:
    await visitor.enter("alice")
    assert await spa.sign_in() == ALICE
    assert await asked(visitor.page, "client.isAuthenticated()") is True
    assert (await asked(visitor.page, "client.getUser()"))["email"] == ALICE
    await asked(visitor.page, "client.tokenManager.clear()")
    assert await asked(visitor.page, "client.isAuthenticated()") is False and signed_in(stage) == [ALICE]


@EACH_ENGINE
async def test_s65_a_hidden_frame_renews_silently_by_okta_auth_js(stage: Stage, visitor: Visitor, spa: Spa, engine: Engine) -> None:
    await visitor.enter("alice")
    await spa.sign_in()
    assert await asked(visitor.page, _SILENTLY) == ALICE


@EACH_ENGINE
async def test_s63_a_refresh_token_renews_without_an_okta_session_by_okta_auth_js(
    stage: Stage, visitor: Visitor, spa: Spa, engine: Engine
) -> None:
    await visitor.enter("alice")
    await spa.sign_in()
    stage.org.sessions.end(stage.org.sessions.active()[0])  # its time is over at the org
    assert await asked(visitor.page, _SILENTLY) == "login_required"
    assert await asked(visitor.page, _REFRESH) == ALICE


@EACH_ENGINE
async def test_s68_after_a_switch_alices_page_renews_nothing_of_bobs_by_okta_auth_js(
    stage: Stage, visitor: Visitor, spa: Spa, engine: Engine
) -> None:
    await visitor.enter("alice")
    await spa.sign_in()
    alices, visitor.page = visitor.page, await visitor.profile.new_page()
    await visitor.enter("bob")
    await visitor.is_shown(BOB)
    assert await asked(alices, _SILENTLY) == "login_required"
    assert signed_in(stage) == [BOB]


@EACH_ENGINE
async def test_s71_sign_out_ends_app_and_okta_session_by_okta_auth_js(stage: Stage, visitor: Visitor, spa: Spa, engine: Engine) -> None:
    await visitor.enter("alice")
    await spa.sign_in()
    async with visitor.page.expect_navigation(url=spa.home):
        await visitor.page.evaluate("() => { client.signOut() }")
    await spa.make()
    await asked(visitor.page, "client.start()")  # the tokens that were marked at the sign-out go now
    assert await asked(visitor.page, "client.isAuthenticated()") is False and signed_in(stage) == []
    visitor.is_losing_sessions = True
    await visitor.page.goto(f"{stage.where.app}/")
    await visitor.sees_nothing_protected()


@EACH_ENGINE
async def test_s71_close_session_ends_the_okta_session_alone_by_okta_auth_js(
    stage: Stage, visitor: Visitor, spa: Spa, engine: Engine
) -> None:
    await visitor.enter("alice")
    await spa.sign_in()
    assert await asked(visitor.page, "client.closeSession()") is True
    assert signed_in(stage) == [] and await asked(visitor.page, "client.session.exists()") is False


@EACH_ENGINE
async def test_s69_sign_out_revokes_access_and_refresh_token_by_okta_auth_js(
    stage: Stage, visitor: Visitor, spa: Spa, engine: Engine
) -> None:
    await visitor.enter("alice")
    await spa.sign_in()
    held = await asked(visitor.page, "client.tokenManager.getTokensSync()")
    async with visitor.page.expect_navigation(url=spa.home):
        await visitor.page.evaluate("() => { client.signOut() }")
    assert stage.org.refresh_tokens.meaning(held["refreshToken"]["refreshToken"]) is None
    assert stage.org.access_tokens.meaning(held["accessToken"]["accessToken"]) is None
