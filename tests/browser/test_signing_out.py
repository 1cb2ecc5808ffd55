"""Signing out, what is left behind in the browser afterwards, and signing in again at the page that was asked for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, CDPSession, Request, expect

from tests.browser.conftest import Arrive
from tests.browser.visitor import ALICE, BOB, SECRET_OF_THE_APP, Visitor, signed_in
from tests.harness.demonstration import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")
EACH_ENGINE = pytest.mark.parametrize("stage", ["classic", "identity"], indirect=True)
GoesBack = Callable[[Visitor], Awaitable[list[tuple[str, str]]]]
OKTAS = {"sid", "idx", "xids"}


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
    asked: list[str] = []

    def write_down(request: Request) -> None:
        asked.append(request.url)

    await visitor.page.clock.install()
    await visitor.page.reload()
    await visitor.has_heading("You are signed out")
    visitor.page.on("request", write_down)
    await visitor.page.clock.fast_forward("10:00")
    assert asked == []
    assert await visitor.page.locator("meta[http-equiv=refresh]").count() == 0
    await visitor.click("link", "Sign in")
    await expect(visitor.page.locator("#username")).to_be_visible()


async def _back(visitor: Visitor, devtools: CDPSession) -> str:
    """Go back one page; how the browser came by it: ``Navigation``, or ``BackForwardCacheRestore`` (unseen by playwright)."""
    history = await devtools.send("Page.getNavigationHistory")
    arrived: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def committed(event: dict[str, Any]) -> None:
        if "parentId" not in event["frame"] and not arrived.done():
            arrived.set_result(event["type"])

    devtools.on("Page.frameNavigated", committed)
    await devtools.send("Page.navigateToHistoryEntry", {"entryId": history["entries"][history["currentIndex"] - 1]["id"]})
    async with asyncio.timeout(10):
        how = await arrived
    devtools.remove_listener("Page.frameNavigated", committed)
    if how == "Navigation":
        await visitor.page.wait_for_load_state("load")
    return how


async def _source(devtools: CDPSession) -> str:
    """What the page that is shown consists of."""
    shown = await devtools.send("Runtime.evaluate", {"expression": "document.documentElement.outerHTML"})
    source = str(shown["result"]["value"])
    assert "<body" in source
    return source


async def _goes_back_to_the_beginning(visitor: Visitor) -> list[tuple[str, str]]:
    """Of every page on the way: how the browser came by it, and its source."""
    visitor.awaited_statuses.add(400)  # the fourth unfinished sign-in within a minute is the page that explains a loop
    devtools = await visitor.profile.new_cdp_session(visitor.page)
    await devtools.send("Page.enable")
    passed = []
    while (await devtools.send("Page.getNavigationHistory"))["currentIndex"] > 0:
        how = await _back(visitor, devtools)
        passed.append((how, await _source(devtools)))
    return passed


async def _signs_out_and_goes_back(visitor: Visitor) -> list[tuple[str, str]]:
    """How, and the source, of each page that held a word of somebody's salary after its user had signed out."""
    await visitor.enter("alice")
    await visitor.page.goto(f"{visitor.stage.where.app}/slips/2026-09?lines=all")
    await visitor.page.goto(f"{visitor.stage.where.app}/slips/2026-08?lines=all")
    await visitor.is_shown(ALICE)
    await visitor.signs_out_in_the_app()
    return [(how, source) for how, source in await _goes_back_to_the_beginning(visitor) if SECRET_OF_THE_APP.search(source)]


async def _switches_and_goes_back(visitor: Visitor) -> list[tuple[str, str]]:
    """How, and the source, of each page that named alice after bob had come."""
    await visitor.enter("alice")
    await visitor.page.goto(f"{visitor.stage.where.app}/slips/2026-09?lines=all")
    await visitor.is_shown(ALICE)
    await visitor.enter("bob")
    await visitor.is_shown(BOB)
    return [(how, source) for how, source in await _goes_back_to_the_beginning(visitor) if f'id="who">{ALICE}' in source]


async def test_after_signing_out_a_deep_link_asks_for_a_new_sign_in(stage: Stage, visitor: Visitor) -> None:
    deep = f"{stage.where.app}/slips/2026-09?lines=all"
    await visitor.enter("alice")
    await visitor.page.goto(deep)
    await visitor.is_shown(ALICE)
    await visitor.signs_out_in_the_app()
    await visitor.page.goto(deep)
    await expect(visitor.page.locator("#username")).to_be_visible()
    assert visitor.page.url.startswith(f"{stage.where.login}/login/login.htm?")
    await visitor.sees_nothing_protected()


GOES_BACK = pytest.mark.parametrize("goes_back", [_signs_out_and_goes_back, _switches_and_goes_back])


@GOES_BACK
@pytest.mark.parametrize("has_scripts", [True, False])
async def test_the_back_button_shows_nothing_of_a_session_that_ended(
    stage: Stage, arrive: Arrive, keeping: Browser, has_scripts: bool, goes_back: GoesBack
) -> None:
    # Without scripts the app holds no socket open, and nothing but the gateway keeps its pages out of the browser's memory.
    visitor = await arrive(stage, keeping, java_script_enabled=has_scripts)
    assert await goes_back(visitor) == []
    assert visitor.page.url in ("about:blank", f"{visitor.stage.where.portal}/")


@GOES_BACK
@pytest.mark.parametrize("has_scripts", [True, False])
async def test_without_the_gateways_word_the_back_button_shows_what_ended(
    stage: Stage, arrive: Arrive, unguarded_keeping: Browser, has_scripts: bool, goes_back: GoesBack
) -> None:
    """The control of the test above: the page comes from the browser's memory as it was, or its bytes from the browser's cache."""
    visitor = await arrive(stage, unguarded_keeping, java_script_enabled=has_scripts)
    visitor.is_losing_sessions = True
    shown = await goes_back(visitor)
    assert shown
    assert has_scripts or "BackForwardCacheRestore" in [how for how, _ in shown]


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
    visitor.is_losing_sessions = True
    await visitor.enter("alice")
    other = await visitor.profile.new_page()
    await other.goto(f"{stage.where.app}/")
    await expect(other.locator("#socket")).to_contain_text(f"for {ALICE}")
    await expect(other.locator("#events")).to_contain_text(f"for {ALICE}")
    await visitor.signs_out_in_the_app()
    await expect(other.locator("#socket")).to_contain_text("closed")
    await expect(other.locator("#events")).to_contain_text("closed")
    await other.reload()
    await expect(other.locator("#username")).to_be_visible()


async def test_signing_in_and_out_may_be_repeated_as_often_as_one_likes(stage: Stage, visitor: Visitor) -> None:
    for login in (ALICE, BOB) * 2:
        await visitor.page.goto(f"{stage.where.app}/")
        await visitor.signs_in_by_password(login)
        await visitor.is_shown(login)
        await visitor.signs_out_in_the_app()
    assert signed_in(stage) == []
