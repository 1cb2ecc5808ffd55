"""What pages of another site can do with a token of somebody else's, in a real browser: nothing without the person's own yes."""

from urllib.parse import quote, urlencode

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Arrive
from tests.browser.other_site import OtherSite, link
from tests.browser.visitor import ALICE, BOB, REDEMPTION, Visitor, redemptions, signed_in
from tests.harness.demonstration import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")
EACH_ENGINE = pytest.mark.parametrize("stage", ["classic", "identity"], indirect=True)
APP_LINK = "/app/travel/0oaTravel/sso/saml"


def _embeddings(address: str) -> dict[str, str]:
    """Pages that fetch the address without leaving; each says when it is done."""
    quoted, done = address.replace("&", "&amp;"), "document.title = 'done'"
    fetching = f'fetch("{address}", {{ mode: "no-cors", credentials: "include" }})'
    posting = f'fetch("{address}", {{ method: "POST", mode: "no-cors", credentials: "include" }})'
    return {
        "image": f'<img src="{quoted}" onload="{done}" onerror="{done}">',
        "script": f'<script src="{quoted}" onload="{done}" onerror="{done}"></script>',
        "style": f'<link rel="stylesheet" href="{quoted}" onload="{done}" onerror="{done}">',
        "frame": f'<iframe src="{quoted}" onload="{done}"></iframe>',
        "object": f'<object data="{quoted}" onload="{done}" onerror="{done}"></object>',
        "fetch": f"<script>{fetching}.finally(() => {{ {done} }})</script>",
        "post": f"<script>{posting}.finally(() => {{ {done} }})</script>",
    }


@pytest.mark.parametrize("kind", _embeddings(""))
@pytest.mark.parametrize("host", ["evil.localhost", "evil.example.localhost"])
async def test_t22_what_a_page_only_loads_signs_nobody_in(
    stage: Stage, visitor: Visitor, elsewhere: OtherSite, host: str, kind: str
) -> None:
    """Also from a sibling host, a frame apart: okta-auth-js signs in by one."""
    visitor.awaited_statuses |= {403}
    token = stage.org.session_token(BOB)
    await elsewhere.opens(visitor, _embeddings(visitor.link_of(token))[kind], host)
    await expect(visitor.page).to_have_title("done")
    is_siblings_frame = host == "evil.example.localhost" and kind in ("frame", "object")
    assert len(redemptions(stage, token)) == is_siblings_frame
    assert signed_in(stage) == [BOB] * is_siblings_frame
    verdicts = {line.get("verdict") for line in stage.lines if line.get("route") == "org"}
    assert verdicts == ({"redeemed"} if is_siblings_frame else {"refused"})
    visitor.complaints.clear()  # the browser's own: an image that is none, a page that may not be framed


async def test_t22_a_link_without_a_session_asks_and_no_leaves_nobody_signed_in(
    stage: Stage, visitor: Visitor, elsewhere: OtherSite
) -> None:
    token = stage.org.session_token(BOB)
    await elsewhere.opens(visitor, link(visitor.link_of(token), "Win"))
    await visitor.click("link", "Win")
    await visitor.has_heading("Sign in with this link?")
    assert token not in await visitor.page.content()
    assert redemptions(stage, token) == []
    await visitor.click("link", "Do not sign in")
    await visitor.has_heading("Nobody is signed in here")
    await visitor.page.goto(f"{stage.where.app}/")
    await expect(visitor.page.locator("#username")).to_be_visible()
    assert redemptions(stage, token) == []
    assert signed_in(stage) == []


@EACH_ENGINE
async def test_t22_a_link_without_a_session_asks_and_yes_signs_in(stage: Stage, visitor: Visitor, elsewhere: OtherSite) -> None:
    token = stage.org.session_token(BOB)
    await elsewhere.opens(visitor, link(visitor.link_of(token), "Win"))
    await visitor.click("link", "Win")
    await visitor.click("button", "Sign in with this link")
    await visitor.is_shown(BOB)
    assert len(redemptions(stage, token)) == 1
    assert signed_in(stage) == [BOB]


async def test_t22_a_link_whose_token_is_dead_does_not_say_that_anybody_is_signed_in(
    stage: Stage, visitor: Visitor, elsewhere: OtherSite
) -> None:
    await elsewhere.opens(visitor, link(visitor.link_of("20111" + "x" * 40), "Win"))
    await visitor.click("link", "Win")
    visitor.awaited_statuses |= {403}
    await visitor.click("button", "Sign in with this link")
    await visitor.has_heading("This sign-in link does not work any more")
    await visitor.click("link", "Sign in")
    await expect(visitor.page.locator("#username")).to_be_visible()
    assert signed_in(stage) == []


def _sign_in_page_with(visitor: Visitor, token: str) -> str:
    """The org's own sign-in page, which afterwards leads to the redemption of this token."""
    where = visitor.stage.where
    redeeming = f"{REDEMPTION}?{urlencode({'token': token, 'redirectUrl': where.app + '/'})}"
    return f"{where.login}/login/login.htm?fromURI={quote(redeeming, safe='')}"


@EACH_ENGINE
async def test_t3_her_own_password_behind_a_strangers_link_does_not_make_her_somebody_else(
    stage: Stage, visitor: Visitor, elsewhere: OtherSite
) -> None:
    token = stage.org.session_token(BOB)
    await elsewhere.opens(visitor, link(_sign_in_page_with(visitor, token), "Your account"))
    await visitor.click("link", "Your account")
    await visitor.signs_in_by_password(ALICE)
    await visitor.has_heading("Continue as somebody else?")
    assert ALICE in await visitor.page.inner_text("main")
    assert signed_in(stage) == [ALICE]
    await visitor.click("link", f"Stay signed in as {ALICE}")
    await visitor.page.goto(f"{stage.where.app}/")
    await visitor.is_shown(ALICE)
    assert redemptions(stage, token) == []
    assert signed_in(stage) == [ALICE]


async def test_t3_a_live_session_behind_the_same_link_stays_too(stage: Stage, visitor: Visitor, elsewhere: OtherSite) -> None:
    await visitor.enter("alice")
    token = stage.org.session_token(BOB)
    await elsewhere.opens(visitor, link(_sign_in_page_with(visitor, token), "Your account"))
    await visitor.click("link", "Your account")
    await visitor.has_heading("Continue as somebody else?")
    await visitor.page.goto(f"{stage.where.app}/")
    await visitor.is_shown(ALICE)
    assert redemptions(stage, token) == []


@EACH_ENGINE
async def test_x7_a_confirmed_switch_leads_on_to_another_origin(stage: Stage, visitor: Visitor, elsewhere: OtherSite) -> None:
    target = f"{elsewhere.at('travel.localhost')}/arrived"
    elsewhere.show("/arrived", '<p id="arrived">Welcome to the travel app</p>')
    stage.org.app_links.lead_elsewhere(APP_LINK, target)
    await visitor.enter("alice")
    visitor.is_losing_sessions = True
    token = stage.org.session_token(BOB)
    await elsewhere.opens(visitor, link(f"{stage.where.login}{APP_LINK}?sessionToken={token}", "Book"))
    await visitor.click("link", "Book")
    await visitor.has_heading("Continue as somebody else?")
    await visitor.page.get_by_role("button", name="Sign out and continue").click()
    await expect(visitor.page.locator("#arrived")).to_be_visible()
    assert visitor.page.url == target
    assert len(redemptions(stage, token)) == 1
    assert signed_in(stage) == [BOB]
    await visitor.page.goto(f"{stage.where.app}/")
    await visitor.is_shown(BOB)


async def test_x7_the_page_leads_on_without_scripts_too(stage: Stage, arrive: Arrive, elsewhere: OtherSite) -> None:
    visitor = await arrive(stage, java_script_enabled=False)
    target = f"{elsewhere.at('travel.localhost')}/arrived"
    stage.org.app_links.lead_elsewhere(APP_LINK, target)
    await elsewhere.opens(visitor, link(f"{stage.where.login}{APP_LINK}?sessionToken={stage.org.session_token(BOB)}", "Book"))
    await visitor.click("link", "Book")
    await visitor.page.get_by_role("button", name="Sign in with this link").click()
    await visitor.page.wait_for_url(target)
    assert signed_in(stage) == [BOB]
