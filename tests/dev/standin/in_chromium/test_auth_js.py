"""okta-auth-js, unchanged, in Chromium, on a page of another origin: same-site (127.0.0.1) and cross-site (localhost)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Page, Playwright

from gateway.dev.standin import Engine, Org, RunningOrg
from tests.dev.standin.conftest import ALICE, BOB, PASSWORD, Serve
from tests.harness.chromium import profile

pytestmark = pytest.mark.asyncio(loop_scope="session")

_PAGE = '<!doctype html><title>portal</title><script src="/okta-auth-js.js"></script>'
_CLIENT = """([issuer, redirectUri]) => {
  window.client = new OktaAuth({ issuer, clientId: '0oa1', redirectUri, tokenManager: { autoRenew: false } })
}"""
_SIGN_IN = """async ([username, password, target]) => {
  const transaction = await client.signInWithCredentials({ username, password })
  await client.session.setCookieAndRedirect(transaction.sessionToken, target)
}"""
_SILENTLY = "async (sessionToken) => (await client.token.getWithoutPrompt({ sessionToken })).tokens.idToken.claims.sub"


@pytest_asyncio.fixture(loop_scope="session")
async def portal_port(auth_js: Path) -> AsyncIterator[int]:
    """A server of one page with Okta's bundle in it."""
    application = web.Application()

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=_PAGE, content_type="text/html")

    async def bundle(request: web.Request) -> web.FileResponse:
        return web.FileResponse(auth_js / "dist" / "okta-auth-js.min.js")

    application.add_routes([web.get("/okta-auth-js.js", bundle), web.get("/{any:.*}", page)])
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield int(runner.addresses[0][1])
    await runner.cleanup()


@pytest_asyncio.fixture(loop_scope="session")
async def page(playwright: Playwright, chromium_path: Path, tmp_path: Path) -> AsyncIterator[Page]:
    """A page whose browser sends cookies to other sites."""
    async with profile(playwright, chromium_path, tmp_path, cookie_controls_mode=0) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def careful_page(playwright: Playwright, chromium_path: Path, tmp_path: Path) -> AsyncIterator[Page]:
    """A page whose browser keeps cookies from other sites."""
    async with profile(playwright, chromium_path, tmp_path, cookie_controls_mode=1, block_third_party_cookies=True) as opened:
        yield opened


class Portal:
    """One portal page with Okta's client made for one org."""

    def __init__(self, page: Page, origin: str, running: RunningOrg) -> None:
        self.page = page
        self.origin = origin
        self.running = running
        self._sign_ins = 0
        running.org.trusted_origins.add(origin)

    async def open(self) -> None:
        await self.page.goto(f"{self.origin}/")
        await self._make_client()

    async def _make_client(self) -> None:
        await self.page.evaluate(_CLIENT, [f"{self.running.url}/oauth2/default", f"{self.origin}/callback"])

    async def sign_in(self, login: str) -> None:
        """Credentials, setCookieAndRedirect, and back on the portal."""
        self._sign_ins += 1
        back = f"{self.origin}/back/{self._sign_ins}"
        await self.page.evaluate(_SIGN_IN, [login, PASSWORD, back])
        await self.page.wait_for_url(back)
        await self._make_client()

    async def ask(self, script: str) -> Any:
        return await self.page.evaluate(f"async () => {script}")


@pytest.mark.parametrize("engine", ["classic", "identity"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_auth_js_signs_in_reads_refreshes_and_closes(start: Serve, page: Page, portal_port: int, engine: Engine, host: str) -> None:
    portal = Portal(page, f"http://{host}:{portal_port}", await start(Org(engine=engine)))
    await portal.open()
    assert await portal.ask("client.session.exists()") is False
    await portal.sign_in(ALICE)
    assert await portal.ask("client.session.exists()") is True
    assert await portal.ask("(await client.session.get()).login") == ALICE
    assert await portal.ask("(await client.session.refresh()).login") == ALICE
    assert await portal.ask("(await (await client.session.get()).user()).profile.login") == ALICE
    await portal.sign_in(BOB)
    assert await portal.ask("(await client.session.get()).login") == ALICE  # the bug, in a browser
    assert await portal.ask("client.closeSession()") is True
    assert await portal.ask("client.session.exists()") is False
    assert await portal.ask("client.closeSession()") is False
    await portal.sign_in(BOB)
    assert await portal.ask("(await client.session.get()).login") == BOB


@pytest.mark.parametrize("engine", ["classic", "identity"])
async def test_a_hidden_frame_redeems_a_token_and_ignores_it_over_a_live_session(
    start: Serve, page: Page, portal_port: int, engine: Engine
) -> None:
    running = await start(Org(engine=engine))
    portal = Portal(page, f"http://127.0.0.1:{portal_port}", running)
    await portal.open()
    alice = running.org.known_user(ALICE).id
    assert await page.evaluate(_SILENTLY, running.org.session_token(ALICE)) == alice
    assert await portal.ask("(await client.session.get()).login") == ALICE
    assert await page.evaluate(_SILENTLY, running.org.session_token(BOB)) == alice
    assert await portal.ask("client.closeSession()") is True
    refusal = await portal.ask("client.token.getWithoutPrompt({}).then(() => 'tokens', (error) => error.errorCode)")
    assert refusal == "login_required"


async def test_without_third_party_cookies_auth_js_closes_nothing_and_does_not_notice(
    start: Serve, careful_page: Page, portal_port: int
) -> None:
    running = await start(Org())
    portal = Portal(careful_page, f"http://localhost:{portal_port}", running)
    await portal.open()
    await portal.sign_in(ALICE)
    assert await portal.ask("client.session.exists()") is False
    assert await portal.ask("client.closeSession()") is False
    assert [session.user.login for session in running.org.sessions.active()] == [ALICE]
    await portal.sign_in(BOB)
    await careful_page.goto(f"{running.url}/app/UserHome")
    assert await careful_page.text_content("#login") == ALICE


async def test_a_person_signs_in_and_out_at_the_orgs_own_pages(start: Serve, page: Page) -> None:
    running = await start(Org(engine="identity"))
    await page.goto(f"{running.url}/app/example_saml/0oa1/sso/saml")
    await page.fill("#username", ALICE)
    await page.fill("#password", PASSWORD)
    await page.click("#sign-in")
    await page.wait_for_url(f"{running.url}/app/example_saml/0oa1/sso/saml")
    assert await page.text_content("#assertion") == f"SAML assertion for {ALICE}"
    await page.goto(f"{running.url}/app/UserHome")
    assert await page.text_content("#login") == ALICE
    await page.click("#sign-out")
    await page.wait_for_selector("#username")
    names = {cookie.get("name") for cookie in await page.context.cookies()}
    assert names.isdisjoint({"sid", "idx"}) and "DT" in names
