"""The gateway's own pages for people without scripts, and for people who like it dark."""

from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from gateway.dev.standin import fault
from tests.browser.beginnings import WAYS
from tests.browser.conftest import Arrive
from tests.browser.contrasts import CONTRASTS
from tests.browser.other_site import STAYS, OtherSite, link
from tests.browser.visitor import ALICE, BOB, ME, Visitor, signed_in
from tests.harness.demonstration import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_without_scripts_the_session_page_says_who_and_until_when_and_signs_out(stage: Stage, arrive: Arrive) -> None:
    visitor = await arrive(stage, java_script_enabled=False)
    await visitor.enter("alice")
    await visitor.click("link", ALICE)
    assert visitor.page.url == f"{stage.where.app}/.gateway/"
    text = await visitor.page.inner_text("main")
    assert ALICE in text
    assert "You stay signed in for 1 hour 59 minutes, until " in text or "You stay signed in for 2 hours, until " in text
    [session] = stage.org.sessions.active()
    until = await visitor.page.locator("time").first.get_attribute("datetime")
    assert until is not None and abs(datetime.fromisoformat(until).timestamp() - session.expires_at) < 1
    await visitor.click("button", "Sign out")
    await visitor.has_heading("You are signed out")
    assert signed_in(stage) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everything_on_our_pages_can_be_read_by_day_and_by_night(stage: Stage, arrive: Arrive, scheme: str) -> None:
    visitor = await arrive(stage, color_scheme=scheme)
    await visitor.enter("alice")
    await visitor.page.goto(f"{stage.where.evil}/")
    await visitor.click("link", "Collect your prize")
    asking = await visitor.page.evaluate(CONTRASTS)
    await visitor.page.goto(f"{stage.where.login}/.gateway/")
    session = await visitor.page.evaluate(CONTRASTS)
    await visitor.signs_out_in_the_app()
    signed_out = await visitor.page.evaluate(CONTRASTS)
    for found in (asking, session, signed_out):
        assert (found["ground"] < 0.05) is (scheme == "dark")
        assert len(found["texts"]) > 3
        assert [(text, contrast) for text, contrast in found["texts"] if contrast < 4.5] == []


async def _pages_of_sign_ins(visitor: Visitor, elsewhere: OtherSite) -> AsyncIterator[str]:
    """Open, one after the other, the pages about a link without a session, about the next page, and about a stopped sign-in."""
    stage = visitor.stage
    visitor.awaited_statuses.add(503)
    stage.org.app_links.lead_elsewhere("/app/travel/0oaTravel/sso/saml", f"{elsewhere.at('travel.localhost')}{STAYS}")
    token = stage.org.session_token(BOB)
    await elsewhere.opens(visitor, link(f"{stage.where.login}/app/travel/0oaTravel/sso/saml?sessionToken={token}", "Win"))
    await visitor.click("link", "Win")
    await visitor.has_heading("Sign in with this link?")
    yield "a link without a session"

    await visitor.click("button", "Sign in with this link")
    await visitor.has_heading("Your page is opening")
    yield "the next page"

    stage.org.faults.add(fault({"method": "DELETE", "path": ME, "times": None, "status": 500}))
    await WAYS["saml"](visitor, elsewhere, ALICE)
    await visitor.has_heading("You are not signed in yet")
    yield "a stopped sign-in"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_pages_of_sign_ins_can_be_read_on_every_screen(stage: Stage, arrive: Arrive, elsewhere: OtherSite, scheme: str) -> None:
    visitor = await arrive(stage, color_scheme=scheme, viewport={"width": 320, "height": 640})
    seen = []
    async for name in _pages_of_sign_ins(visitor, elsewhere):
        found = await visitor.page.evaluate(CONTRASTS)
        assert (found["ground"] < 0.05) is (scheme == "dark"), name
        assert len(found["texts"]) > 3, name
        assert [(text, contrast) for text, contrast in found["texts"] if contrast < 4.5] == [], name
        assert await visitor.page.evaluate("document.documentElement.scrollWidth") <= 320, name
        seen.append(name)
    assert len(seen) == 3


async def test_on_a_narrow_screen_nothing_of_our_pages_is_cut_off(stage: Stage, arrive: Arrive) -> None:
    visitor = await arrive(stage, viewport={"width": 320, "height": 640})
    await visitor.enter("alice")
    for address in (f"{stage.where.app}/.gateway/", f"{stage.where.app}/.gateway/sign-out", f"{stage.where.login}/.gateway/"):
        await visitor.page.goto(address)
        assert await visitor.page.evaluate("document.documentElement.scrollWidth") <= 320
