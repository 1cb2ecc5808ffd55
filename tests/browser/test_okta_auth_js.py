"""Okta's own client, unchanged, on a page of the same site: what it asks of the org goes through the gateway."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import expect

from tests.browser.visitor import ALICE, BOB, PASSWORD, Visitor, redemptions, signed_in
from tests.harness.demonstration import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")
EACH_ENGINE = pytest.mark.parametrize("stage", ["classic", "identity"], indirect=True)
_BUNDLE = Path(__file__).parent / "npm" / "node_modules" / "@okta" / "okta-auth-js" / "dist" / "okta-auth-js.min.js"
_PAGE = '<!doctype html><title>tools</title><link rel="icon" href="data:,"><script src="/okta-auth-js.js"></script>'
_CLIENT = """([issuer, redirectUri]) => {
  window.client = new OktaAuth({ issuer, clientId: '0oa1', redirectUri, tokenManager: { autoRenew: false } })
}"""
_TOKEN_OF = "async ([username, password]) => (await client.signInWithCredentials({ username, password })).sessionToken"
_REDIRECT = "([token, target]) => { client.session.setCookieAndRedirect(token, target) }"
_SILENTLY = "async (sessionToken) => (await client.token.getWithoutPrompt({ sessionToken })).tokens.idToken.claims.sub"


_WITHOUT_TOKEN = "client.token.getWithoutPrompt({}).then(({ tokens }) => tokens.idToken.claims.sub, (error) => error.errorCode)"
_OTHER_CLIENT = "new OktaAuth({ ...client.options, clientId: '0oa2' })"


class Tools:
    """A page of the same site with Okta's client on it, made for the org behind the login host."""

    def __init__(self, visitor: Visitor, origin: str) -> None:
        self.visitor = visitor
        self.origin = origin
        self._sign_ins = 0
        visitor.stage.org.trusted_origins.add(origin)

    async def open(self) -> None:
        await self.visitor.page.goto(f"{self.origin}/")
        await self._make_client()

    async def _make_client(self) -> None:
        issuer = f"{self.visitor.stage.where.login}/oauth2/default"
        await self.visitor.page.evaluate(_CLIENT, [issuer, f"{self.origin}/callback"])

    async def sign_in(self, login: str) -> None:
        """Credentials, setCookieAndRedirect, and back on this page."""
        self._sign_ins += 1
        back = f"{self.origin}/back/{self._sign_ins}"
        token = await self.visitor.page.evaluate(_TOKEN_OF, [login, PASSWORD])
        async with self.visitor.page.expect_navigation(url=back):
            await self.visitor.page.evaluate(_REDIRECT, [token, back])
        await self._make_client()

    async def sign_in_at_okta(self) -> None:
        """The client's own redirect to Okta, with the session that is there."""
        async with self.visitor.page.expect_navigation(url=f"{self.origin}/callback**"):
            await self.visitor.page.evaluate("() => { client.token.getWithRedirect({ responseType: 'code' }) }")
        await self._make_client()

    async def ask(self, script: str) -> Any:
        return await self.visitor.page.evaluate(f"async () => {script}")

    def nobody_was_asked_or_sent_back(self) -> None:
        """No redemption of this test was answered with a question, or with a redirect to its own address."""
        verdicts = [line.get("verdict") for line in self.visitor.stage.lines]
        assert "redeemed" in verdicts
        assert {"confirm", "again", "onward", "refused"}.isdisjoint(verdicts)


@pytest_asyncio.fixture(loop_scope="session")
async def tools(visitor: Visitor) -> AsyncIterator[Tools]:
    """The page, served on one more host of the same site."""
    if not _BUNDLE.is_file():
        pytest.skip("needs npm's @okta/okta-auth-js: run make test, or npm ci --prefix tests/browser/npm")

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=_PAGE, content_type="text/html")

    async def bundle(request: web.Request) -> web.FileResponse:
        return web.FileResponse(_BUNDLE)

    application = web.Application()
    application.add_routes([web.get("/okta-auth-js.js", bundle), web.get("/{any:.*}", page)])
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    visitor.awaited_statuses |= {404}  # how Okta says "no session" to a script
    yield Tools(visitor, f"http://tools.example.localhost:{runner.addresses[0][1]}")
    await runner.cleanup()


@EACH_ENGINE
async def test_setting_a_cookie_over_a_live_session_switches_the_user(stage: Stage, visitor: Visitor, tools: Tools) -> None:
    await tools.open()
    assert await tools.ask("client.session.exists()") is False
    await tools.sign_in(ALICE)
    assert await tools.ask("client.session.exists()") is True
    assert await tools.ask("(await client.session.get()).login") == ALICE
    await tools.sign_in(BOB)
    assert await tools.ask("(await client.session.get()).login") == BOB
    assert await tools.ask("(await client.session.refresh()).login") == BOB
    assert await tools.ask("(await (await client.session.get()).user()).profile.login") == BOB
    assert signed_in(stage) == [BOB]
    tools.nobody_was_asked_or_sent_back()
    await visitor.page.goto(f"{stage.where.app}/")
    await visitor.is_shown(BOB)


@EACH_ENGINE
async def test_closing_the_session_ends_it_for_the_app_as_well(stage: Stage, visitor: Visitor, tools: Tools) -> None:
    await visitor.enter("alice")
    await visitor.is_shown(ALICE)
    await tools.open()
    assert await tools.ask("client.closeSession()") is True
    assert await tools.ask("client.session.exists()") is False
    assert await tools.ask("client.closeSession()") is False
    assert signed_in(stage) == []
    await visitor.page.goto(f"{stage.where.app}/slips/2026-10")
    await expect(visitor.page.locator("#username")).to_be_visible()
    await visitor.sees_nothing_protected()


@EACH_ENGINE
async def test_a_hidden_frame_with_a_token_gets_tokens_of_its_user_over_a_live_session(
    stage: Stage, visitor: Visitor, tools: Tools
) -> None:
    await visitor.enter("alice")
    await tools.open()
    assert await visitor.page.evaluate(_SILENTLY, stage.org.session_token(BOB)) == stage.org.known_user(BOB).id
    assert signed_in(stage) == [BOB]
    await visitor.page.goto(f"{stage.where.app}/")
    await visitor.is_shown(BOB)


@EACH_ENGINE
async def test_hidden_frames_sign_in_one_user_after_the_other_without_a_question(stage: Stage, visitor: Visitor, tools: Tools) -> None:
    await tools.open()
    for login in (ALICE, BOB, ALICE):
        token = stage.org.session_token(login)
        assert await visitor.page.evaluate(_SILENTLY, token) == stage.org.known_user(login).id
        assert len(redemptions(stage, token)) == 1
        assert signed_in(stage) == [login]
        assert await tools.ask("(await client.session.get()).login") == login
    tools.nobody_was_asked_or_sent_back()


@EACH_ENGINE
async def test_closing_the_session_lets_the_next_user_in_without_a_question(stage: Stage, visitor: Visitor, tools: Tools) -> None:
    await tools.open()
    for login in (ALICE, BOB):
        await tools.sign_in(login)
        assert await tools.ask("(await client.session.get()).login") == login
        assert await tools.ask("client.closeSession()") is True
        assert signed_in(stage) == []
    tools.nobody_was_asked_or_sent_back()


@EACH_ENGINE
@pytest.mark.parametrize("began", ["by_portal", "by_frame"])
async def test_x5_a_page_of_alices_gets_no_tokens_silently_once_bob_is_there(
    stage: Stage, visitor: Visitor, tools: Tools, began: str
) -> None:
    alice, bob = (stage.org.known_user(login).id for login in (ALICE, BOB))
    if began == "by_portal":
        await visitor.enter("alice")
        await tools.open()
        assert await tools.ask(_WITHOUT_TOKEN) == alice
    else:
        await tools.open()
        assert await visitor.page.evaluate(_SILENTLY, stage.org.session_token(ALICE)) == alice
    alices, visitor.page = visitor.page, await visitor.profile.new_page()
    await visitor.enter("bob")
    await visitor.is_shown(BOB)
    for _ in range(2):
        assert await alices.evaluate(f"async () => {_WITHOUT_TOKEN}") == "login_required"
    assert signed_in(stage) == [BOB]
    await visitor.page.reload()
    await visitor.is_shown(BOB)
    await tools.open()
    assert await tools.ask(f"(await {_OTHER_CLIENT}.token.getWithoutPrompt({{}})).tokens.idToken.claims.sub") == bob


@EACH_ENGINE
@pytest.mark.parametrize("way", ["redirect", "frame"])
async def test_x5_once_bob_has_used_the_client_himself_it_renews_his_tokens_silently(
    stage: Stage, visitor: Visitor, tools: Tools, way: str
) -> None:
    await visitor.enter("alice")
    await tools.open()
    assert await tools.ask(_WITHOUT_TOKEN) == stage.org.known_user(ALICE).id
    if way == "redirect":
        await visitor.enter("bob")
        await tools.open()
        await tools.sign_in_at_okta()
    else:
        await visitor.page.evaluate(_SILENTLY, stage.org.session_token(BOB))
    assert await tools.ask(_WITHOUT_TOKEN) == stage.org.known_user(BOB).id
