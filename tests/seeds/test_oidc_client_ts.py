"""oidc-client-ts in Chromium: sign-in, silent renewal, sign-out; alice's page after a switch. Seed 4."""

import pytest

from gateway.dev.standin import Engine
from tests.browser.visitor import ALICE, BOB, Visitor, signed_in
from tests.harness.demonstration import Stage
from tests.seeds.application import registered
from tests.seeds.engines import EACH_ENGINE
from tests.seeds.pages import Pages, asked

pytestmark = pytest.mark.asyncio(loop_scope="session")

_MAKE = """(() => {
  window.manager = new oidc.UserManager({
    authority: a, client_id: '0oaSpa', redirect_uri: b, silent_redirect_uri: b.replace('/home', '/silent'),
    post_logout_redirect_uri: b, scope: 'openid profile email', automaticSilentRenew: false, silentRequestTimeoutInSeconds: 5,
  })
})()"""
_SILENTLY = "manager.signinSilent().then((user) => user.profile.email, (error) => error.error || error.message)"


async def signs_in(visitor: Visitor, pages: Pages) -> str:
    """The client's redirect, with the session that is there; whom its tokens are about."""
    home = f"{pages.at('oidc-client-ts')}/home"
    application = registered(visitor, "0oaSpa", home, back=f"{home} {home.replace('/home', '/silent')}")
    await visitor.page.goto(home)
    await asked(visitor.page, _MAKE, application.issuer, home)
    async with visitor.page.expect_navigation(url=f"{home}?code=**"):
        await visitor.page.evaluate("() => { manager.signinRedirect() }")
    await asked(visitor.page, _MAKE, application.issuer, home)
    return str(await asked(visitor.page, "(await manager.signinRedirectCallback()).profile.email"))


@EACH_ENGINE
async def test_s65_a_hidden_frame_renews_silently_by_oidc_client_ts(stage: Stage, visitor: Visitor, pages: Pages, engine: Engine) -> None:
    await visitor.enter("alice")
    assert await signs_in(visitor, pages) == ALICE
    assert await asked(visitor.page, _SILENTLY) == ALICE


@EACH_ENGINE
async def test_s68_after_a_switch_alices_page_renews_nothing_of_bobs_by_oidc_client_ts(
    stage: Stage, visitor: Visitor, pages: Pages, engine: Engine
) -> None:
    await visitor.enter("alice")
    await signs_in(visitor, pages)
    alices, visitor.page = visitor.page, await visitor.profile.new_page()
    await visitor.enter("bob")
    await visitor.is_shown(BOB)
    assert await asked(alices, _SILENTLY) == "login_required" and signed_in(stage) == [BOB]


@EACH_ENGINE
async def test_s71_signout_redirect_ends_app_and_okta_session_by_oidc_client_ts(
    stage: Stage, visitor: Visitor, pages: Pages, engine: Engine
) -> None:
    await visitor.enter("alice")
    await signs_in(visitor, pages)
    async with visitor.page.expect_navigation(url=f"{pages.at('oidc-client-ts')}/home**"):
        await visitor.page.evaluate("() => { manager.signoutRedirect() }")
    assert signed_in(stage) == []
