"""Switching and signing out while Okta cannot be asked: the page says so, nothing is spent, and nobody is forgotten."""

import pytest

from gateway.dev.standin import fault
from tests.browser.visitor import ALICE, BOB, ME, REDEMPTION, Visitor, follow, redemptions, signed_in
from tests.harness.demonstration import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")
EACH_ENGINE = pytest.mark.parametrize("stage", ["classic", "identity"], indirect=True)


@EACH_ENGINE
async def test_a_switch_that_cannot_be_proven_waits_and_then_closes_the_first_session_first(stage: Stage, visitor: Visitor) -> None:
    await visitor.enter("alice")
    token = stage.org.session_token(BOB)
    await visitor.page.goto(f"{stage.where.portal}/")
    stage.org.faults.add(fault({"method": "DELETE", "path": ME, "status": 503, "times": None}))
    visitor.awaited_statuses.add(503)
    await follow(visitor.page, visitor.link_of(token))
    await visitor.has_heading("The change of user did not work")
    assert redemptions(stage, token) == []
    assert stage.org.session_tokens.meaning(token) is stage.org.user(BOB)
    assert signed_in(stage) == [ALICE]
    names = await visitor.cookie_names()
    assert names.isdisjoint({"sid", "idx"}) and "__Host-gateway-pending" in names

    stage.org.faults.clear()
    await visitor.click("link", "Try again")
    await visitor.is_shown(BOB)
    assert signed_in(stage) == [BOB]
    rows = stage.org.journal.rows
    [redeeming] = [row.n for row in rows if row.path == REDEMPTION and row in redemptions(stage, token)]
    assert [row.status for row in rows if row.method == "DELETE" and row.status == 204 and row.n < redeeming] == [204]
    assert "__Host-gateway-pending" not in await visitor.cookie_names()


async def test_while_the_switch_waits_nobody_is_signed_in_in_that_browser(stage: Stage, visitor: Visitor) -> None:
    await visitor.enter("alice")
    await visitor.page.goto(f"{stage.where.portal}/")
    stage.org.faults.add(fault({"method": "DELETE", "path": ME, "status": 503, "times": None}))
    visitor.awaited_statuses.add(503)
    await follow(visitor.page, visitor.link_for(BOB))
    await visitor.has_heading("The change of user did not work")
    await visitor.page.goto(f"{stage.where.app}/slips/2026-10")
    assert visitor.page.url.startswith(f"{stage.where.login}/login/login.htm?")
    await visitor.sees_nothing_protected()


async def test_signing_out_while_okta_is_away_says_that_it_is_not_confirmed_and_is_done_here(stage: Stage, visitor: Visitor) -> None:
    await visitor.enter("alice")
    stage.org.faults.add(fault({"path": ME, "status": 503, "times": None}))
    await visitor.click("link", "Sign out")
    await visitor.click("button", "Sign out")
    await visitor.has_heading("You are signed out in this browser")
    names = await visitor.cookie_names()
    assert names.isdisjoint({"sid", "idx", "__Host-gateway"}) and "__Host-gateway-pending" in names

    stage.org.faults.clear()
    await visitor.enter("bob")
    await visitor.is_shown(BOB)
    assert signed_in(stage) == [BOB]
