"""`session-gateway dev` in a browser: the printed page shows the problem without the gateway and the solution with it, side by side."""

import re

import pytest
from playwright.async_api import Browser, Page

from gateway.dev.standin import Engine
from tests.harness.demonstration import Stage, Stages

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _enter(page: Page, stage: Stage, user: str, way: str) -> str:
    await page.goto(stage.where.portal)
    form = page.locator("form", has=page.locator(f"input[name=through][value={way}]"))
    async with page.expect_navigation():
        await form.get_by_role("button", name=f"Enter as {user}").click()
    return await page.inner_text("body")


@pytest.mark.parametrize("engine", ["classic", "identity"])
async def test_bob_is_bob_through_the_gateway_and_alice_straight_at_the_org(start: Stages, chromium: Browser, engine: Engine) -> None:
    stage = await start(engine=engine)
    page = await (await chromium.new_context()).new_page()
    assert "Salary slip\n\nfor alice@example.com" in await _enter(page, stage, "alice", "gateway")
    assert "Salary slip\n\nfor bob@example.com" in await _enter(page, stage, "bob", "gateway")
    assert page.url == f"{stage.where.app}/"
    assert [session.user.login for session in stage.org.sessions.active()] == ["bob@example.com"]

    assert "alice@example.com" in await _enter(page, stage, "alice", "straight")
    straight = await _enter(page, stage, "bob", "straight")
    assert "alice@example.com" in straight
    assert "bob@example.com" not in straight


async def test_a_link_of_another_site_changes_nobody_without_a_question(stage: Stage, chromium: Browser) -> None:
    page = await (await chromium.new_context()).new_page()
    await _enter(page, stage, "alice", "gateway")
    await page.goto(stage.where.evil)
    async with page.expect_navigation():
        await page.get_by_role("link", name="Collect your prize").click()
    assert page.url.startswith(stage.where.login)
    assert "alice@example.com" in await page.inner_text("body")
    await page.goto(stage.where.app)
    assert "for alice@example.com" in await page.inner_text("body")
    assert [session.user.login for session in stage.org.sessions.active()] == ["alice@example.com"]


async def test_a_link_of_another_site_signs_nobody_in_without_a_question(stage: Stage, chromium: Browser) -> None:
    page = await (await chromium.new_context()).new_page()
    await page.goto(stage.where.evil)
    async with page.expect_navigation():
        await page.get_by_role("link", name="Collect your prize").click()
    assert f"A link from {stage.where.evil} wants to sign you in." in await page.inner_text("body")
    await page.goto(stage.where.app)
    assert "Salary slip" not in await page.inner_text("body")
    assert stage.org.sessions.active() == []


async def test_the_log_of_a_switch_holds_no_token_and_no_cookie(stage: Stage, chromium: Browser) -> None:
    context = await chromium.new_context()
    page = await context.new_page()
    for user in ("alice", "bob"):
        await _enter(page, stage, user, "gateway")
    values = [cookie["value"] for cookie in await context.cookies() if len(cookie["value"]) > 8]
    assert len(values) >= 2
    assert [value for value in values if value in stage.written.getvalue()] == []
    assert re.findall(r"(?<![\w-])20111[\w-]{10,}", stage.written.getvalue()) == []
    assert {"redeemed", "sign_in", "accept", "admit"} <= {line.get("verdict") for line in stage.lines}


async def test_a_visitor_without_a_browser_walks_the_same_way(stage: Stage) -> None:
    async with stage.visitor() as visitor:
        for user in ("alice", "bob"):
            answer = await visitor.get(f"{stage.where.portal}/enter?as={user}", headers={"Sec-Fetch-Site": "same-site"})
            assert str(answer.url) == f"{stage.where.app}/"
            told = await (await visitor.get(f"{stage.where.app}/api/me")).json()
            assert told["user"] == f"{user}@example.com"


async def test_the_developers_own_app_stands_behind_the_gateway(start: Stages) -> None:
    other = await start()
    stage = await start(upstream=other.where.org)
    async with stage.visitor() as visitor:
        answer = await visitor.get(f"{stage.where.app}/api/v1/sessions/me", allow_redirects=False)
        assert answer.status == 302
        assert other.org.journal.rows == []
        await visitor.get(f"{stage.where.portal}/enter?as=alice", headers={"Sec-Fetch-Site": "same-site"})
        answer = await visitor.get(f"{stage.where.app}/api/v1/sessions/me", headers={"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"})
        assert answer.status == 404
        assert [row.path for row in other.org.journal.rows][-1] == "/api/v1/sessions/me"
