"""What the browser keeps of the user before: nothing of it is shown to the next one, at the same addresses, by Back, or in another tab.

Where a test says that nothing is shown, its control shows that without the gateway's word it would be.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, CDPSession, Page

from gateway.dev.demo.rendering import serve
from gateway.dev.standin import Fault
from tests.browser.beginnings import ON_EACH_ENGINE, WAYS
from tests.browser.careless_app import CarelessApp
from tests.browser.conftest import Arrive
from tests.browser.other_site import OtherSite
from tests.browser.visitor import ALICE, BOB, ME, Visitor, redemptions
from tests.harness.demonstration import Stage, Stages

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def careless() -> AsyncIterator[CarelessApp]:
    made = CarelessApp()
    running = await serve(made.application(), "127.0.0.1", 0)
    made.address = f"http://127.0.0.1:{running.port}"
    yield made
    await running.aclose()


@pytest_asyncio.fixture(loop_scope="session")
async def stage(request: pytest.FixtureRequest, start: Stages, careless: CarelessApp) -> Stage:
    return await start(upstream=careless.address, engine=getattr(request, "param", "classic"))


async def seen(page: Page) -> set[str]:
    """Every user that the open page knows of: from its own text, from the script, from what it stored, from what it fetches."""
    found = await page.evaluate(
        """async () => [
            document.getElementById("who").textContent,
            document.getElementById("stored").textContent,
            window.who,
            window.ofPage,
            (await (await fetch("/read.json")).json()).user,
        ]"""
    )
    return {str(user) for user in found}


async def back(visitor: Visitor, devtools: CDPSession) -> None:
    history = await devtools.send("Page.getNavigationHistory")
    async with visitor.page.expect_event("load"):
        await devtools.send("Page.navigateToHistoryEntry", {"entryId": history["entries"][history["currentIndex"] - 1]["id"]})


async def test_t5_the_browser_keeps_what_is_public_and_asks_again_for_all_else(visitor: Visitor, careless: CarelessApp) -> None:
    await visitor.enter("alice")
    careless.asked.clear()
    for _ in range(3):
        await visitor.page.goto(f"{visitor.stage.where.app}/notes")
        assert ALICE in await seen(visitor.page)
    assert careless.asked == {("/notes", ALICE): 3, ("/read.json", ALICE): 3, ("/who.js", ALICE): 3, ("/of/notes.js", ALICE): 3}


async def seen_at_the_same_addresses(visitor: Visitor) -> set[str]:
    """Every user that bob's browser knows of, where alice was before."""
    app = visitor.stage.where.app
    await visitor.enter("alice")
    for path in ("/notes", "/notes?2"):
        await visitor.page.goto(app + path)
        assert ALICE in await seen(visitor.page)
    await visitor.enter("bob")
    found = set()
    for path in ("/", "/notes", "/notes?2"):
        await visitor.page.goto(app + path)
        found |= await seen(visitor.page)
    return found


async def test_t5_nothing_of_alice_is_shown_to_bob_at_the_same_addresses(visitor: Visitor) -> None:
    assert await seen_at_the_same_addresses(visitor) <= {BOB, "nobody"}


async def test_t5_without_the_gateways_word_bob_is_shown_what_was_alices(stage: Stage, arrive: Arrive, unguarded: Browser) -> None:
    """The control of the test above."""
    assert ALICE in await seen_at_the_same_addresses(await arrive(stage, unguarded))


@pytest.mark.parametrize(("stage", "way"), ON_EACH_ENGINE, indirect=["stage"])
async def test_t5_nothing_of_alice_is_shown_to_bob_who_came_without_a_token(visitor: Visitor, elsewhere: OtherSite, way: str) -> None:
    app = visitor.stage.where.app
    await visitor.enter("alice")
    for path in ("/notes", "/notes?2"):
        await visitor.page.goto(app + path)
        assert ALICE in await seen(visitor.page)
    await WAYS[way](visitor, elsewhere, BOB)
    other = await visitor.profile.new_page()
    for page in (visitor.page, other):
        for path in ("/", "/notes", "/notes?2"):
            await page.goto(app + path)
            assert await seen(page) <= {BOB, "nobody"}, path


async def test_t5_a_page_of_alices_that_is_still_open_fetches_nothing_of_hers_once_bob_is_there(
    visitor: Visitor, elsewhere: OtherSite, careless: CarelessApp
) -> None:
    app = visitor.stage.where.app
    visitor.awaited_statuses |= {401}
    await visitor.enter("alice")
    await visitor.page.goto(f"{app}/notes")
    assert ALICE in await seen(visitor.page)
    old, visitor.page = visitor.page, await visitor.profile.new_page()
    careless.asked.clear()
    await WAYS["saml"](visitor, elsewhere, BOB)
    assert await old.evaluate("async () => (await fetch('/read.json')).status") == 401
    await visitor.page.goto(f"{app}/notes")
    assert await seen(visitor.page) <= {BOB, "nobody"}
    assert await old.evaluate("async () => (await (await fetch('/read.json')).json()).user") == BOB
    assert {user for _, user in careless.asked} == {BOB}


async def seen_by_back(visitor: Visitor, elsewhere: OtherSite, way: str) -> set[str]:
    """Every user that bob's browser knows of on its way back to a page that alice had open."""
    app = visitor.stage.where.app
    await visitor.enter("alice")
    await visitor.page.goto(f"{app}/notes")
    await visitor.page.goto(f"{app}/notes?2")
    assert ALICE in await seen(visitor.page)
    if way == "token":
        await visitor.enter("bob")
    else:
        await WAYS[way](visitor, elsewhere, BOB)
    visitor.awaited_statuses.add(400)  # Okta's, where a finished sign-in is gone through again
    devtools = await visitor.profile.new_cdp_session(visitor.page)
    await devtools.send("Page.enable")
    found = set()
    for _ in range(8):
        await back(visitor, devtools)
        if visitor.page.url.startswith(f"{app}/"):
            found |= await seen(visitor.page)
        if visitor.page.url == f"{app}/notes":
            break
    assert visitor.page.url == f"{app}/notes"
    return found


@pytest.mark.parametrize("way", ["token", "form", "saml", "activation"])
async def test_t5_nor_by_back_nor_in_a_second_tab(visitor: Visitor, elsewhere: OtherSite, way: str) -> None:
    assert await seen_by_back(visitor, elsewhere, way) <= {BOB, "nobody"}
    app = visitor.stage.where.app
    other = await visitor.profile.new_page()
    await other.goto(f"{app}/notes")
    assert await seen(other) == {BOB}


@pytest.mark.parametrize("way", ["token", "form", "saml", "activation"])
async def test_t5_without_the_gateways_word_back_shows_what_was_alices(
    stage: Stage, arrive: Arrive, unguarded: Browser, elsewhere: OtherSite, way: str
) -> None:
    """The control of the test above."""
    assert ALICE in await seen_by_back(await arrive(stage, unguarded), elsewhere, way)


async def test_t5_where_the_owner_is_not_known_what_was_loaded_is_forgotten_too(visitor: Visitor) -> None:
    app = visitor.stage.where.app
    await visitor.enter("alice")
    await visitor.page.goto(f"{app}/notes")
    await visitor.profile.clear_cookies()
    await visitor.enter("bob")
    await visitor.page.goto(f"{app}/notes")
    shown = await visitor.page.evaluate("async () => [window.who, (await (await fetch('/read.json')).json()).user]")
    assert shown == [BOB, BOB]


async def test_t5_the_same_user_keeps_what_the_app_stored_and_loaded(visitor: Visitor, careless: CarelessApp) -> None:
    app = visitor.stage.where.app
    await visitor.enter("alice")
    await visitor.page.goto(f"{app}/notes")
    await visitor.enter("alice")
    await visitor.page.goto(f"{app}/notes")
    assert await visitor.page.text_content("#stored") == ALICE
    assert careless.asked["/shared.js", ALICE] == 1


async def test_x20_a_form_of_another_site_brings_what_the_browser_carries(stage: Stage, arrive: Arrive) -> None:
    """While alice's end is not proven, a token that a page of another site posts is not redeemed beside her session."""
    visitor = await arrive(stage)
    visitor.awaited_statuses |= {503, 502, 409, 403}
    await visitor.enter("alice")
    stage.org.faults.add(Fault(ME, None, 500, times=None))
    await visitor.page.goto(f"{stage.where.login}/.gateway/sign-out")
    await visitor.click("button", "Sign out")
    assert "__Host-gateway-pending" in await visitor.cookie_names()
    token = stage.org.session_token(BOB)
    await visitor.page.goto(f"{stage.where.evil}/")
    async with visitor.page.expect_navigation():
        await visitor.page.evaluate(
            """([action, token, to]) => {
                const form = document.createElement("form");
                form.method = "POST"; form.action = action;
                for (const [name, value] of [["token", token], ["redirectUrl", to]]) {
                    const field = document.createElement("input");
                    field.name = name; field.value = value; form.append(field);
                }
                document.body.append(form); form.submit();
            }""",
            [f"{stage.where.login}/login/sessionCookieRedirect", token, f"{stage.where.app}/"],
        )
    assert redemptions(stage, token) == []
    assert [session.user.login for session in stage.org.sessions.active()] == [ALICE]
