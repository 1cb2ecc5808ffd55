"""Changing the user in Chromium as people have it: by the portal, straight at the org, and by a link of another site."""

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from gateway.dev.standin import Row
from tests.browser.visitor import ALICE, BOB, ME, REDEMPTION, Visitor, redemptions, signed_in
from tests.harness.demonstration import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")
EACH_ENGINE = pytest.mark.parametrize("stage", ["classic", "identity"], indirect=True)
SESSION_NAMES = {"sid", "idx"}


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def chromium(whole_chromium: Browser) -> Browser:
    """Here the whole browser, for which the other files take the shell."""
    return whole_chromium


def _sessions_in(row: Row) -> set[str]:
    return set(row.cookies) & SESSION_NAMES


@EACH_ENGINE
async def test_whoever_enters_by_the_portal_is_who_the_app_says(stage: Stage, visitor: Visitor) -> None:
    await visitor.enter("alice")
    await visitor.is_shown(ALICE)
    assert visitor.page.url == f"{stage.where.app}/"
    assert signed_in(stage) == [ALICE]


@EACH_ENGINE
async def test_the_old_session_is_closed_and_proven_closed_before_the_token_is_redeemed_once(stage: Stage, visitor: Visitor) -> None:
    await visitor.enter("alice")
    await visitor.is_shown(ALICE)
    [old] = stage.org.sessions.active()
    names = {"sid", "idx"} if old.idx is not None else {"sid"}
    await visitor.page.goto(f"{stage.where.portal}/")
    stage.org.journal.clear()
    await visitor.press("bob")
    await visitor.is_shown(BOB)

    rows = stage.org.journal.rows
    closing = next(at for at, row in enumerate(rows) if (row.method, row.path) == ("DELETE", ME))
    [redeeming] = [at for at, row in enumerate(rows) if row.path == REDEMPTION]
    assert _sessions_in(rows[closing]) == names
    between = rows[closing + 1 : redeeming]
    assert {(row.method, row.path, row.status) for row in between} == {("GET", ME, 404)}
    assert sorted(tuple(_sessions_in(row)) for row in between) == sorted((name,) for name in names)
    assert _sessions_in(rows[redeeming]) == set()
    assert redemptions(stage, visitor.tokens[-1]) == [rows[redeeming]]
    assert signed_in(stage) == [BOB]


@EACH_ENGINE
async def test_straight_at_the_org_the_second_user_goes_on_as_the_first(stage: Stage, visitor: Visitor) -> None:
    for name in ("alice", "bob"):
        await visitor.enter(name, "straight")
        await expect(visitor.page.locator("#login")).to_have_text(ALICE)
    assert signed_in(stage) == [ALICE]


@EACH_ENGINE
async def test_no_to_a_link_of_another_site_leaves_everything_as_it_was(stage: Stage, visitor: Visitor) -> None:
    await visitor.enter("alice")
    await visitor.page.goto(f"{stage.where.evil}/")
    await visitor.click("link", "Collect your prize")
    await visitor.has_heading("Continue as somebody else?")
    token = visitor.tokens[-1]
    assert ALICE in await visitor.page.inner_text("main")
    assert token not in await visitor.page.content()

    await visitor.click("link", f"Stay signed in as {ALICE}")
    assert visitor.page.url == f"{stage.where.app}/", "where the link would have led, as herself"
    await visitor.is_shown(ALICE)
    assert redemptions(stage, token) == []
    assert stage.org.session_tokens.meaning(token) is stage.org.user(BOB)
    assert signed_in(stage) == [ALICE]


@EACH_ENGINE
async def test_yes_to_a_link_of_another_site_ends_the_first_session_and_begins_the_second(stage: Stage, visitor: Visitor) -> None:
    await visitor.enter("alice")
    await visitor.page.goto(f"{stage.where.evil}/")
    await visitor.click("link", "Collect your prize")
    await visitor.has_heading("Continue as somebody else?")
    token = visitor.tokens[-1]
    await visitor.click("button", "Sign out and continue")
    await visitor.is_shown(BOB)
    assert visitor.page.url == f"{stage.where.app}/"
    assert len(redemptions(stage, token)) == 1
    assert signed_in(stage) == [BOB]


async def test_a_picture_of_another_site_signs_nobody_out(stage: Stage, visitor: Visitor) -> None:
    await visitor.enter("alice")
    stage.org.journal.clear()
    await visitor.page.goto(f"{stage.where.evil}/")  # its image has the address of the sign-out; loaded when this returns
    await visitor.page.goto(f"{stage.where.app}/")
    await visitor.is_shown(ALICE)
    assert [row.method for row in stage.org.journal.rows if row.path == ME and row.method == "DELETE"] == []
    assert signed_in(stage) == [ALICE]


async def test_users_may_take_turns_as_often_as_they_like(stage: Stage, visitor: Visitor) -> None:
    for name, login in (("alice", ALICE), ("bob", BOB)) * 3:
        await visitor.enter(name)
        await visitor.is_shown(login)
    assert signed_in(stage) == [BOB]
