"""Signing out, what is left behind in the browser afterwards, and signing in again at the page that was asked for."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, expect

from tests.browser.conftest import Arrive
from tests.browser.visitor import ALICE, BOB, ME, Visitor, signed_in
from tests.journeys.stage import CHROMIUM_FLAGS, Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")
EACH_ENGINE = pytest.mark.parametrize("stage", ["classic", "identity"], indirect=True)
OKTAS = {"sid", "idx", "xids"}
_WAS_KEPT = "addEventListener('pageshow', event => { window.wasKept = event.persisted })"


@pytest_asyncio.fixture(loop_scope="session")
async def keeping(playwright: Playwright, chromium_path: Path) -> AsyncIterator[Browser]:
    """Chromium as people have it: whole pages are kept in memory for the back button (playwright turns that off)."""
    browser = await playwright.chromium.launch(
        executable_path=chromium_path, args=CHROMIUM_FLAGS, ignore_default_args=["--disable-back-forward-cache"]
    )
    yield browser
    await browser.close()


@EACH_ENGINE
async def test_signing_out_in_the_app_ends_the_session_at_okta_and_leaves_no_cookie_of_it(stage: Stage, visitor: Visitor) -> None:
    await visitor.enter("alice")
    await visitor.is_shown(ALICE)
    assert await visitor.cookie_names() >= {"__Host-gateway", "sid"}
    await visitor.signs_out_in_the_app()
    assert signed_in(stage) == []
    left = await visitor.cookie_names()
    assert left.isdisjoint({*OKTAS, "__Host-gateway", "__Host-gateway-pending"})
    assert visitor.page.url.startswith(f"{stage.where.login}/.gateway/sign-out")


async def test_the_signed_out_page_stays_where_it_is(stage: Stage, visitor: Visitor) -> None:
    await visitor.enter("alice")
    await visitor.signs_out_in_the_app()
    asked = []
    visitor.page.on("request", asked.append)
    await visitor.page.clock.install()
    await visitor.page.reload()
    await visitor.has_heading("You are signed out")
    asked.clear()
    await visitor.page.clock.fast_forward("10:00")
    assert [request.url for request in asked if request.is_navigation_request()] == []
    assert await visitor.page.locator("meta[http-equiv=refresh]").count() == 0
    await visitor.click("link", "Sign in")
    await expect(visitor.page.locator("#username")).to_be_visible()


async def _goes_back_through_everything(visitor: Visitor) -> None:
    for _ in range(6):
        await visitor.page.go_back(wait_until="commit")
        await visitor.page.wait_for_load_state("load")
        await visitor.sees_nothing_protected()


async def test_the_back_button_shows_nothing_of_a_session_that_ended(stage: Stage, visitor: Visitor) -> None:
    await visitor.enter("alice")
    await visitor.page.goto(f"{stage.where.app}/slips/2026-09?lines=all")
    await visitor.page.goto(f"{stage.where.app}/slips/2026-08?lines=all")
    await visitor.is_shown(ALICE)
    await visitor.signs_out_in_the_app()
    await _goes_back_through_everything(visitor)
    await visitor.page.goto(f"{stage.where.app}/slips/2026-09?lines=all")
    await expect(visitor.page.locator("#username")).to_be_visible()
    assert visitor.page.url.startswith(f"{stage.where.login}/login/login.htm?")
    await visitor.sees_nothing_protected()


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_pages_kept_in_memory_for_the_back_button_are_gone_after_signing_out(
    stage: Stage, arrive: Arrive, keeping: Browser, has_scripts: bool
) -> None:
    visitor = await arrive(stage, keeping, java_script_enabled=has_scripts)
    await visitor.enter("alice")
    await visitor.page.goto(f"{stage.where.app}/slips/2026-09?lines=all")
    await visitor.signs_out_in_the_app()
    await _goes_back_through_everything(visitor)


async def test_this_browser_does_keep_pages_for_the_back_button(stage: Stage, arrive: Arrive, keeping: Browser) -> None:
    visitor = await arrive(stage, keeping)
    await visitor.profile.add_init_script(_WAS_KEPT)
    await visitor.page.goto(f"{stage.where.org}/login/login.htm")
    await visitor.page.goto(f"{stage.where.portal}/")
    await visitor.page.go_back(wait_until="commit")
    await visitor.page.wait_for_function("window.wasKept === true")


@EACH_ENGINE
async def test_signing_in_returns_to_the_page_that_was_asked_for_with_its_query(stage: Stage, visitor: Visitor) -> None:
    deep = f"{stage.where.app}/slips/2026-10?lines=all"
    await visitor.page.goto(deep)
    assert visitor.page.url.startswith(f"{stage.where.login}/login/login.htm?")
    await visitor.sees_nothing_protected()
    await visitor.signs_in_by_password(ALICE)
    assert visitor.page.url == deep
    await visitor.is_shown(ALICE)
    await expect(visitor.page.get_by_role("row", name="Income tax")).to_be_visible()


async def test_switching_the_user_on_the_session_page_ends_the_first_and_asks_who_comes(stage: Stage, visitor: Visitor) -> None:
    await visitor.enter("alice")
    await visitor.click("link", ALICE)
    await visitor.has_heading("You are signed in")
    await visitor.click("button", "Switch user")
    assert signed_in(stage) == []
    await visitor.signs_in_by_password(BOB)
    await visitor.is_shown(BOB)
    assert signed_in(stage) == [BOB]


async def test_signing_out_cuts_the_live_parts_of_a_page_in_another_tab(stage: Stage, visitor: Visitor) -> None:
    await visitor.enter("alice")
    other = await visitor.profile.new_page()
    await other.goto(f"{stage.where.app}/")
    await expect(other.locator("#socket")).to_contain_text(f"for {ALICE}")
    visitor.awaited_statuses.add(401)  # the event stream asks again by itself, and is refused
    await visitor.signs_out_in_the_app()
    await expect(other.locator("#socket")).to_contain_text("closed")
    await other.reload()
    await expect(other.locator("#username")).to_be_visible()
    async with asyncio.timeout(10):
        await stage.org.journal.seen("DELETE", ME)
