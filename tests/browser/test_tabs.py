"""Several tabs of one browser at once, and links that were used before: at the end there is one session, and it is shown."""

import asyncio
from collections.abc import Sequence

import pytest
from playwright.async_api import Page, expect

from gateway.dev.standin import ALICE_AND_BOB, Engine, Org, User, fault
from tests.browser.conftest import Arrive
from tests.browser.visitor import ALICE, BOB, CAROL, ME, PASSWORD, REDEMPTION, Visitor, follow, redemptions, signed_in
from tests.harness.demonstration import Stages

pytestmark = pytest.mark.asyncio(loop_scope="session")
EACH_ENGINE = pytest.mark.parametrize("engine", ["classic", "identity"])
THREE = (*ALICE_AND_BOB, User(CAROL, PASSWORD))


def hold(org: Org, method: str, path: str) -> asyncio.Event:
    """Let the next such request wait at the org until the event is set."""
    order = fault({"method": method, "path": path, "hold": True, "after": True})
    assert order.release is not None
    org.faults.add(order)
    return order.release


async def _one_is_signed_in_and_shown(visitor: Visitor, tabs: Sequence[Page]) -> str:
    """The only live session's user, whom every tab shows once it is loaded again.

    The tab that lost may have asked who is signed in just when nobody was; then it is at Okta's form, never at an error.
    """
    where = visitor.stage.where
    [login] = signed_in(visitor.stage)
    for tab in tabs:
        assert tab.url == f"{where.app}/" or tab.url.startswith(f"{where.login}/login/login.htm?")
        await tab.reload()
        await visitor.is_shown(login, tab)
        assert tab.url == f"{where.app}/"
    return login


async def _follow_at_once(tabs: Sequence[Page], links: Sequence[str]) -> None:
    async with asyncio.timeout(20):
        await asyncio.gather(*(follow(tab, link) for tab, link in zip(tabs, links, strict=True)))


@EACH_ENGINE
async def test_two_tabs_with_two_tokens_at_once_end_in_one_session(start: Stages, arrive: Arrive, engine: Engine) -> None:
    stage = await start(engine=engine, users=THREE)
    visitor = await arrive(stage)
    visitor.is_losing_sessions = True
    await visitor.enter("alice")
    tabs = [await visitor.tab_at_the_portal() for _ in range(2)]
    tokens = [stage.org.session_token(login) for login in (BOB, CAROL)]
    is_closed = hold(stage.org, "DELETE", ME)
    going = asyncio.create_task(_follow_at_once(tabs, [visitor.link_of(token) for token in tokens]))
    async with asyncio.timeout(20):
        await stage.org.journal.seen("DELETE", ME)
        is_closed.set()
        await going
    assert await _one_is_signed_in_and_shown(visitor, tabs) in (BOB, CAROL)
    assert [len(redemptions(stage, token)) for token in tokens] == [1, 1]


@EACH_ENGINE
async def test_two_tabs_of_a_fresh_browser_with_two_tokens_at_once_end_in_one_session(
    start: Stages, arrive: Arrive, engine: Engine
) -> None:
    stage = await start(engine=engine)
    visitor = await arrive(stage)
    visitor.is_losing_sessions = True
    tabs = [await visitor.tab_at_the_portal() for _ in range(2)]
    assert await visitor.cookie_names() == set()
    tokens = [stage.org.session_token(login) for login in (ALICE, BOB)]
    is_redeemed = hold(stage.org, "GET", REDEMPTION)
    going = asyncio.create_task(_follow_at_once(tabs, [visitor.link_of(token) for token in tokens]))
    async with asyncio.timeout(20):
        await stage.org.journal.seen("GET", REDEMPTION)
        is_redeemed.set()
        await going
    assert await _one_is_signed_in_and_shown(visitor, tabs) in (ALICE, BOB)
    assert [len(redemptions(stage, token)) for token in tokens] == [1, 1]


async def test_a_late_sign_in_page_does_not_take_the_session_of_another_tab_away(start: Stages, arrive: Arrive) -> None:
    stage = await start()
    visitor = await arrive(stage)
    waiting = await visitor.profile.new_page()
    is_answered = hold(stage.org, "GET", "/login/login.htm")
    going = asyncio.create_task(waiting.goto(f"{stage.where.login}/login/login.htm"))
    async with asyncio.timeout(20):
        await stage.org.journal.seen("GET", "/login/login.htm")
        await visitor.enter("bob")
        is_answered.set()
        answer = await going
    assert answer is not None and answer.status == 200
    await visitor.page.goto(f"{stage.where.login}/app/UserHome")
    await expect(visitor.page.locator("#login")).to_have_text(BOB)


@EACH_ENGINE
async def test_one_token_in_two_tabs_at_once_is_redeemed_once_and_both_arrive(start: Stages, arrive: Arrive, engine: Engine) -> None:
    stage = await start(engine=engine)
    visitor = await arrive(stage)
    visitor.is_losing_sessions = True
    await visitor.enter("alice")
    tabs = [await visitor.tab_at_the_portal() for _ in range(2)]
    token = stage.org.session_token(BOB)
    is_closed = hold(stage.org, "DELETE", ME)
    going = asyncio.create_task(_follow_at_once(tabs, [visitor.link_of(token)] * 2))
    async with asyncio.timeout(20):
        await stage.org.journal.seen("DELETE", ME)
        is_closed.set()
        await going
    assert await _one_is_signed_in_and_shown(visitor, tabs) == BOB
    assert len(redemptions(stage, token)) == 1


@EACH_ENGINE
async def test_a_redeemed_link_opened_again_goes_on_and_closes_nothing(start: Stages, arrive: Arrive, engine: Engine) -> None:
    stage = await start(engine=engine)
    visitor = await arrive(stage)
    await visitor.enter("alice")
    token = stage.org.session_token(BOB)
    await visitor.page.goto(f"{stage.where.portal}/")
    await follow(visitor.page, visitor.link_of(token))
    await visitor.is_shown(BOB)
    [session] = stage.org.sessions.active()
    for _ in range(2):
        await visitor.page.goto(visitor.link_of(token))  # as from the history: no page that it came from
        await visitor.is_shown(BOB)
        assert visitor.page.url == f"{stage.where.app}/"
    assert stage.org.sessions.active() == [session]
    assert len(redemptions(stage, token)) == 1


async def test_a_redeemed_link_in_another_browser_is_refused_and_signs_nobody_in_or_out(start: Stages, arrive: Arrive) -> None:
    stage = await start()
    owner, other = await arrive(stage), await arrive(stage)
    token = stage.org.session_token(BOB)
    await owner.page.goto(f"{stage.where.portal}/")
    await follow(owner.page, owner.link_of(token))
    await owner.is_shown(BOB)
    await other.enter("alice")
    other.awaited_statuses.add(409)
    await other.page.goto(other.link_of(token))
    await other.has_heading("This link was used already")
    assert sorted(signed_in(stage)) == [ALICE, BOB]
    for visitor, login in ((owner, BOB), (other, ALICE)):
        await visitor.page.goto(f"{stage.where.app}/")
        await visitor.is_shown(login)
