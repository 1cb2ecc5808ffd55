"""The thread's story in Chromium: Express and axios, an embed link, a SAML application; alice, then bob, one browser. Seed 3."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Playwright, expect

from gateway.dev.standin import Engine
from tests.browser.conftest import Arrive
from tests.browser.picture_files import keep
from tests.browser.visitor import ALICE, BOB, Visitor, signed_in
from tests.harness.chromium import profile
from tests.harness.demonstration import Stage, Stages
from tests.seeds.engines import EACH_ENGINE
from tests.seeds.node import Node
from tests.seeds.pages import Pages, asked
from tests.seeds.portal import Story, story

pytestmark = pytest.mark.asyncio(loop_scope="session")
EACH_PORTAL = pytest.mark.parametrize("portal", ["same_site", "other_site", "other_site_no_referrer"])
EACH_FRONT = pytest.mark.parametrize("fronted", ["custom_domain", "name_of_ones_own"])


@EACH_ENGINE
async def test_s52_the_authors_portal_unchanged_works_behind_the_gateway_by_express_and_axios(
    start: Stages, arrive: Arrive, node: Node, saml: Any, tmp_path: Path, engine: Engine
) -> None:
    async with story(start, arrive, node, saml, tmp_path, engine=engine, shape="thread") as told:
        await told.enter(ALICE)
        await told.is_in_as(ALICE)
        told.stage.org.journal.clear()
        await told.enter(BOB)
        await told.is_in_as(BOB)
        assert told.order_is_proven() and signed_in(told.stage) == [BOB]
        assert await told.seen_by_server() == [404, 404], "his server's DELETE never closed anything"


@EACH_ENGINE
async def test_s52_the_authors_portal_straight_to_the_org_has_the_bug_by_express_and_axios(
    start: Stages, arrive: Arrive, node: Node, saml: Any, tmp_path: Path, engine: Engine
) -> None:
    async with story(start, arrive, node, saml, tmp_path, engine=engine, fronted="not", shape="thread") as told:
        for login in (ALICE, BOB):
            await told.enter(login)
            await told.is_in_as(ALICE)
        assert await told.seen_by_server() == [404, 404]


@EACH_FRONT
@EACH_PORTAL
async def test_s53_bob_ends_as_bob_wherever_the_portal_is_by_express_and_axios(
    start: Stages, arrive: Arrive, node: Node, saml: Any, tmp_path: Path, portal: str, fronted: str
) -> None:
    async with story(start, arrive, node, saml, tmp_path, portal=portal, fronted=fronted) as told:
        await told.enter(ALICE)
        await told.is_in_as(ALICE)
        for login in (BOB, ALICE):
            told.stage.org.journal.clear()
            await told.enter(login)
            await told.is_in_as(login)
            assert told.order_is_proven() and signed_in(told.stage) == [login]
        assert not any(line.get("verdict") == "confirm" for line in told.stage.lines), "nobody was asked"


@pytest.mark.parametrize("portal", ["other_site", "other_site_no_referrer"])
@EACH_ENGINE
async def test_s50_the_recipes_sign_out_comes_back_to_the_portal_by_express_and_axios(
    start: Stages, arrive: Arrive, node: Node, saml: Any, tmp_path: Path, engine: Engine, portal: str
) -> None:
    async with story(start, arrive, node, saml, tmp_path, engine=engine, portal=portal) as told:
        told.stage.org.trusted_origins.add(told.home)  # Okta's Trusted Origin of type Redirect
        await told.enter(ALICE)
        await told.is_in_as(ALICE)
        page = told.visitor.page
        await page.goto(f"{told.home}/")
        await page.get_by_role("link", name="Sign out").click()
        if portal != "other_site":  # nobody vouches for the link: a button first
            await told.visitor.has_heading("Sign out?")
            await page.get_by_role("button", name="Sign out").click()
        await expect(page.locator("#goodbye")).to_be_visible()
        assert page.url == f"{told.home}/goodbye" and signed_in(told.stage) == []


_DELETE = """fetch(a + '/api/v1/sessions/me', { method: 'DELETE', credentials: 'include' }).then(
  async (answer) => [answer.status, await answer.text()], (error) => [0, String(error)])"""


@EACH_ENGINE
async def test_s42_a_page_of_the_same_site_closes_the_session_by_fetch_by_chromium(
    stage: Stage, visitor: Visitor, pages: Pages, engine: Engine
) -> None:
    """204 has no body, so that the thread's `response.json()` fails; the session is closed all the same."""
    home = pages.at("auth-js")
    stage.org.trusted_origins.add(home.rpartition("/")[0])
    await visitor.enter("alice")
    await visitor.page.goto(f"{home}/")
    assert await asked(visitor.page, _DELETE, stage.where.login) == [204, ""]
    assert signed_in(stage) == []
    visitor.awaited_statuses |= {404}
    status, body = await asked(visitor.page, _DELETE, stage.where.login)
    assert status == 404 and '"E0000007"' in body


PICTURES = Path(__file__).parents[2] / "deploy" / "portal-express" / "pictures"


async def films(told: Story, name: str) -> None:
    """One picture of the README of deploy/portal-express (`GATEWAY_PICTURES=1` takes it anew)."""
    await told.visitor.page.set_viewport_size({"width": 800, "height": 420})
    await keep(PICTURES / f"{name}.png", told.visitor.page)


async def test_the_five_pictures_of_the_recipe(start: Stages, arrive: Arrive, node: Node, saml: Any, tmp_path: Path) -> None:
    async with story(start, arrive, node, saml, tmp_path, portal="other_site") as told:
        await told.visitor.page.goto(f"{told.home}/")
        await films(told, "1-portal")
        await told.enter(ALICE)
        await told.is_in_as(ALICE)
        await films(told, "2-alice")
        await told.enter(BOB)
        await told.is_in_as(BOB)
        await films(told, "3-bob")
        told.stage.org.trusted_origins.add(told.home)
        await told.visitor.page.goto(f"{told.home}/")
        await told.visitor.page.get_by_role("link", name="Sign out").click()
        await expect(told.visitor.page.locator("#goodbye")).to_be_visible()
        await films(told, "4-goodbye")
    async with story(start, arrive, node, saml, tmp_path, fronted="not") as told:
        for login in (ALICE, BOB):
            await told.enter(login)
            await told.is_in_as(ALICE)
        await films(told, "5-without-the-gateway")


async def test_s6_a_page_of_another_site_learns_why_it_closes_nothing_by_okta_auth_js(
    stage: Stage, pages: Pages, playwright: Playwright, chromium_path: Path, tmp_path: Path
) -> None:
    """Chromium's own setting blocks third-party cookies; okta-auth-js takes the 404 for "nobody was signed in"."""
    home = pages.at("auth-js", "rp.localhost")
    stage.org.trusted_origins.add(home.rpartition("/")[0])
    async with profile(playwright, chromium_path, tmp_path, cookie_controls_mode=1, block_third_party_cookies=True) as page:
        await page.goto(f"{stage.where.portal}/")
        form = page.locator("form", has=page.locator("input[name=through][value=gateway]"))
        async with page.expect_navigation():
            await form.get_by_role("button", name="Enter as alice").click()
        await page.goto(f"{home}/")
        config = "{ issuer: a + '/oauth2/default', clientId: 'c', redirectUri: b, tokenManager: { autoRenew: false } }"
        assert await asked(page, f"new OktaAuth({config}).closeSession()", stage.where.login, home) is False
        status, body = await asked(page, _DELETE, stage.where.login)
        assert status == 404 and "third-party cookies" in body
    assert signed_in(stage) == [ALICE]
    assert [line.get("event") for line in stage.lines].count("advised_other_site_without_cookie") == 2
