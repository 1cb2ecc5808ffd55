"""The org's own sign-in page in Chromium: what its script does on each engine, with factors, and without a script."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from gateway.dev.standin import Engine, Org, RunningOrg
from tests.dev.standin.conftest import ALICE, PASSWORD, Serve

pytestmark = pytest.mark.asyncio(loop_scope="session")

LINK = "/app/payroll/0oa1/sso/saml"
ENGINES = ["classic", "identity"]
STEPS = {
    "classic": ["POST /api/v1/authn", "POST /login/sessionCookieRedirect", f"GET {LINK}"],
    "identity": ["POST /idp/idx/identify", "GET /login/token/redirect", f"GET {LINK}"],
}


@pytest_asyncio.fixture(loop_scope="session")
async def page(chromium: Browser) -> AsyncIterator[Page]:
    opened = await chromium.new_context()
    opened.set_default_timeout(15_000)
    yield await opened.new_page()
    await opened.close()


async def filled(page: Page, running: RunningOrg, password: str = PASSWORD) -> None:
    """Open the app link, and fill in the form that it leads to."""
    await page.goto(f"{running.url}{LINK}")
    await asks_for(page, "username", "password")
    await page.fill("#username", ALICE)
    await page.fill("#password", password)
    await page.click("#sign-in")


async def asks_for(page: Page, *fields: str) -> None:
    """The page shows these fields and no other."""
    for field in ("username", "password", "passCode", "newPassword"):
        await expect(page.locator(f"#{field}")).to_be_visible(visible=field in fields)


async def is_signed_in(page: Page) -> None:
    await expect(page.locator("#assertion")).to_have_text(f"SAML assertion for {ALICE}")


def steps(running: RunningOrg) -> list[str]:
    return [f"{row.method} {row.path}" for row in running.org.journal.rows if row.path not in ("/favicon.ico", "/login/login.htm")]


@pytest.mark.parametrize("engine", ENGINES)
async def test_it_signs_in_as_oktas_own_page_does(start: Serve, page: Page, engine: Engine) -> None:
    running = await start(Org(engine=engine))
    await filled(page, running, "guess")
    await expect(page.locator("[role=alert]")).to_have_text("Unable to sign in" if engine == "classic" else "Authentication failed")
    running.org.journal.clear()
    await page.fill("#password", PASSWORD)
    await page.click("#sign-in")
    await is_signed_in(page)
    assert steps(running) == STEPS[engine]


@pytest.mark.parametrize("engine", ENGINES)
async def test_it_asks_for_a_code(start: Serve, page: Page, engine: Engine) -> None:
    running = await start(Org(engine=engine))
    factor = running.org.accounts.enroll(running.org.known_user(ALICE), "totp")
    await filled(page, running)
    await asks_for(page, "passCode")
    await page.fill("#passCode", "12")
    await page.click("#sign-in")
    await expect(page.locator("[role=alert]")).not_to_be_empty()
    await page.fill("#passCode", factor.code(running.org.clock.now()))
    await page.click("#sign-in")
    await is_signed_in(page)
    assert running.org.sessions.active()[0].amr == ("pwd", "mfa")


@pytest.mark.parametrize("engine", ENGINES)
async def test_it_waits_for_the_phone(start: Serve, page: Page, engine: Engine) -> None:
    running = await start(Org(engine=engine))
    running.org.accounts.enroll(alice := running.org.known_user(ALICE), "push")
    await filled(page, running)
    await expect(page.locator("[role=alert]")).to_have_text("Approve the sign-in on your phone.")
    running.org.accounts.answer_push(alice, "SUCCESS")
    await is_signed_in(page)


async def test_it_changes_an_expired_password(start: Serve, page: Page) -> None:
    running = await start(Org())
    running.org.accounts.of(running.org.known_user(ALICE)).status = "PASSWORD_EXPIRED"
    await filled(page, running)
    await asks_for(page, "newPassword")
    await page.fill("#newPassword", "battery-staple")
    await page.click("#sign-in")
    await is_signed_in(page)


async def test_it_says_that_an_account_is_locked(start: Serve, page: Page) -> None:
    running = await start(Org())
    running.org.accounts.of(running.org.known_user(ALICE)).status = "LOCKED_OUT"
    await filled(page, running)
    await expect(page.locator("[role=alert]")).to_have_text("Your account is locked.")
    assert running.org.sessions.active() == []


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_step_up_goes_by_the_script_too(start: Serve, page: Page, engine: Engine) -> None:
    running = await start(Org(engine=engine))
    await filled(page, running)
    await is_signed_in(page)
    running.org.app_links.require_step_up(LINK)
    await page.goto(f"{running.url}{LINK}")
    await page.fill("#password", PASSWORD)
    await page.click("#sign-in")
    await is_signed_in(page)
    assert len(running.org.sessions.active()) == 1 and running.org.sessions.active()[0].factor_at is not None


@pytest.mark.parametrize("engine", ENGINES)
async def test_without_a_script_the_form_posts(start: Serve, page: Page, engine: Engine) -> None:
    running = await start(Org(engine=engine))
    running.org.has_sign_in_script = False
    await filled(page, running)
    await is_signed_in(page)
    assert "POST /login/login.htm" in [f"{row.method} {row.path}" for row in running.org.journal.rows]
