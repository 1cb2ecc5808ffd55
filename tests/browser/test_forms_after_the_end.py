"""Rows W2, W13 and V2 in Chromium: what a clerk typed is not lost when she was signed out meanwhile, and nobody else can send it."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Frame, Page, Playwright, expect
from playwright.async_api import Error as PlaywrightError

from gateway.dev.demo.rendering import serve
from tests.browser.conftest import Arrive
from tests.browser.form_app import FormApp
from tests.browser.other_site import OtherSite
from tests.browser.visitor import ALICE, BOB, PASSWORD, Visitor
from tests.harness.chromium import CHROMIUM_FLAGS
from tests.harness.demonstration import Stage, Stages

pytestmark = pytest.mark.asyncio(loop_scope="session")

WHY = "Grüße & 50 % =\nzweite Zeile, € +"
NOT_SENT, OTHER = "Your form has not been sent yet", "You cannot send this form"


@pytest_asyncio.fixture(loop_scope="session")
async def leave() -> AsyncIterator[FormApp]:
    made = FormApp()
    running = await serve(made.application(), "127.0.0.1", 0)
    made.address = f"http://127.0.0.1:{running.port}"
    yield made
    await running.aclose()


@pytest_asyncio.fixture(loop_scope="session")
async def stage(start: Stages, leave: FormApp) -> Stage:
    return await start(upstream=leave.address)


async def arrives(stage: Stage, arrive: Arrive, browser: Browser | None = None, *, scripts: bool = True) -> Visitor:
    """A person who is about to read refusals."""
    options = {"java_script_enabled": scripts}
    visitor = await (arrive(stage, browser, **options) if browser is not None else arrive(stage, **options))
    visitor.awaited_statuses |= {401, 403, 409}
    visitor.is_losing_sessions = True
    return visitor


async def fills_in(visitor: Visitor, at: Page | Frame | None = None) -> None:
    """Open the form in this window, or fill in the one in a frame."""
    place = at or visitor.page
    if at is None:
        await visitor.page.goto(f"{visitor.stage.where.app}/leave/form")
    await place.fill("textarea[name=why]", WHY)


async def applies(page: Page) -> None:
    async with page.expect_navigation():
        await page.get_by_role("button", name="Apply").click()


async def presses(page: Page, button: str) -> None:
    async with page.expect_navigation():
        await page.get_by_role("button", name=button).click()


async def signs_out_elsewhere(visitor: Visitor) -> None:
    """In another tab, so that the page with the form knows nothing of it."""
    page = await visitor.profile.new_page()
    await page.goto(f"{visitor.stage.where.app}/.gateway/sign-out")
    await presses(page, "Sign out")
    await visitor.has_heading("You are signed out", page)
    await page.close()


async def signs_in_beside(visitor: Visitor, login: str, at: Page | Frame | None = None) -> None:
    """Press the page's button, and sign in in the window that it opens."""
    async with visitor.profile.expect_page() as opened:
        await (at or visitor.page).get_by_role("link", name="Sign in (new window)").click()
    window = await opened.value
    await window.fill("#username", login)
    await window.fill("#password", PASSWORD)
    await window.click("#sign-in")
    await visitor.has_heading("You are signed in", window)
    await expect(window.locator(".who")).to_contain_text(login)
    await window.close()


async def body_of_a_form_in_time(visitor: Visitor, leave: FormApp) -> bytes:
    """What this browser sends while its user is signed in: the bytes that must arrive later too."""
    await fills_in(visitor)
    await applies(visitor.page)
    [(user, body)] = leave.saved
    assert user == ALICE and b"Gr%FC%DFe" in body and b"%80" in body, "in the character set of the page"
    leave.saved.clear()
    return body


@pytest.mark.parametrize("scripts", [True, False])
async def test_w2_the_same_user_again_sends_it_once_with_its_exact_bytes(
    stage: Stage, arrive: Arrive, leave: FormApp, scripts: bool
) -> None:
    visitor = await arrives(stage, arrive, scripts=scripts)
    await visitor.enter("alice")
    expected = await body_of_a_form_in_time(visitor, leave)
    await fills_in(visitor)
    await signs_out_elsewhere(visitor)
    await applies(visitor.page)
    await visitor.has_heading(NOT_SENT)
    assert visitor.page.url.startswith(f"{stage.where.app}/.gateway/form?kept=")
    assert "zweite" not in await visitor.page.content()
    await signs_in_beside(visitor, ALICE)
    await presses(visitor.page, "Send the form")
    await visitor.has_heading("Saved")
    assert visitor.page.url == f"{stage.where.app}/leave/save?year=2026&of=a%20b"
    await visitor.is_shown(ALICE)
    assert leave.saved == [(ALICE, expected)]
    assert await visitor.page.get_by_role("link", name="All").evaluate("link => link.href") == f"{stage.where.app}/leave/list"
    await visitor.page.reload()
    await visitor.has_heading("This form was sent already")
    assert len(leave.saved) == 1


async def test_w2_another_user_is_refused_with_a_page_also_after_reload_and_back(
    stage: Stage, arrive: Arrive, leave: FormApp, keeping: Browser
) -> None:
    visitor = await arrives(stage, arrive, keeping)
    await visitor.enter("alice")
    await fills_in(visitor)
    await signs_out_elsewhere(visitor)
    await applies(visitor.page)
    await visitor.has_heading(NOT_SENT)
    await signs_in_beside(visitor, BOB)
    await presses(visitor.page, "Send the form")
    await visitor.has_heading(OTHER)
    await expect(visitor.page.locator(".who")).to_contain_text(BOB)
    await visitor.page.reload()
    await visitor.has_heading(OTHER)
    await visitor.page.goto(f"{stage.where.app}/leave/form")
    await visitor.is_shown(BOB)
    devtools = await visitor.profile.new_cdp_session(visitor.page)
    history = await devtools.send("Page.getNavigationHistory")
    urls = [entry["url"] for entry in history["entries"]]
    of_alice = max(number for number, url in enumerate(urls) if "/.gateway/form" in url)
    await devtools.send("Page.navigateToHistoryEntry", {"entryId": history["entries"][of_alice]["id"]})
    with suppress(PlaywrightError):  # Chromium asks before it posts a form of its history again: net::ERR_CACHE_MISS
        await visitor.page.wait_for_url("**/.gateway/form**")
    await visitor.has_heading("Confirm Form Resubmission")
    await visitor.page.reload()
    await visitor.has_heading(OTHER)
    assert leave.saved == []
    await presses(visitor.page, "Send the form")
    await visitor.has_heading(OTHER)
    assert leave.saved == []


async def test_w2_an_app_may_answer_it_with_a_redirect_to_another_site(
    stage: Stage, arrive: Arrive, leave: FormApp, elsewhere: OtherSite
) -> None:
    visitor = await arrives(stage, arrive)
    await visitor.enter("alice")
    leave.elsewhere = f"{elsewhere.at('pay.localhost')}/paid"
    await fills_in(visitor)
    await signs_out_elsewhere(visitor)
    await applies(visitor.page)
    await signs_in_beside(visitor, ALICE)
    await presses(visitor.page, "Send the form")
    assert visitor.page.url == leave.elsewhere and len(leave.saved) == 1


async def test_w2_a_form_of_another_site_is_not_kept(stage: Stage, arrive: Arrive, leave: FormApp, elsewhere: OtherSite) -> None:
    visitor = await arrives(stage, arrive)
    await visitor.enter("alice")
    await signs_out_elsewhere(visitor)
    form = f'<form method="post" action="{stage.where.app}/leave/save"><input name="to" value="mallory"><button>Apply</button></form>'
    for host in ("evil.localhost", "tools.example.localhost"):
        await elsewhere.opens(visitor, form, host)
        await applies(visitor.page)
        await visitor.has_heading("This form was not sent")
        assert await visitor.page.locator("form").count() == 0
    assert leave.saved == []


async def test_w2_a_frame_says_that_nobody_is_signed_in_and_keeps_its_form_too(stage: Stage, arrive: Arrive, leave: FormApp) -> None:
    visitor = await arrives(stage, arrive)
    await visitor.enter("alice")
    await visitor.page.goto(f"{stage.where.app}/leave/frames")
    part = visitor.page.frame("part")
    assert part is not None
    await fills_in(visitor, part)
    await signs_out_elsewhere(visitor)
    await part.get_by_role("button", name="Apply").click()
    heading = part.get_by_role("heading", level=1)
    await expect(heading).to_have_text(NOT_SENT)
    assert await part.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await part.evaluate("location.assign('/leave/form')")
    await expect(heading).to_have_text("You are not signed in")
    assert await part.evaluate("document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollWidth <= innerWidth")
    await signs_in_beside(visitor, ALICE, part)
    await part.get_by_role("link", name="Show it again").click()
    await expect(part.locator("#who")).to_have_text(ALICE)


async def test_w13_a_sign_in_page_that_another_browser_opens_ends_in_the_app(stage: Stage, arrive: Arrive) -> None:
    first, second = await arrives(stage, arrive), await arrives(stage, arrive)
    await first.page.goto(f"{stage.where.app}/leave/form")
    await second.page.goto(first.page.url)
    await second.signs_in_by_password(ALICE)
    await second.is_shown(ALICE)
    assert second.page.url == f"{stage.where.app}/leave/form"


async def test_v2_a_browser_that_blocks_all_cookies_says_so_after_the_right_password(
    stage: Stage, playwright: Playwright, chromium_path: Path, tmp_path: Path
) -> None:
    settings = tmp_path / "Default" / "Preferences"
    settings.parent.mkdir()
    settings.write_text(json.dumps({"profile": {"default_content_setting_values": {"cookies": 2}}}))
    profile = await playwright.chromium.launch_persistent_context(tmp_path, executable_path=chromium_path, args=CHROMIUM_FLAGS)
    try:
        visitor = Visitor(stage, profile, await profile.new_page())
        await visitor.page.goto(f"{stage.where.app}/leave/form")
        assert await profile.cookies() == []
        await visitor.signs_in_by_password(ALICE)
        await visitor.has_heading("Your browser keeps no cookies here")
        assert "Your password was not the problem." in await visitor.page.inner_text("main")
    finally:
        await profile.close()
