"""A session that begins without a token, in a real browser: who comes is who the app says, and the user before is gone first.

The ways are in beginnings.py: the org's own form, an identity provider's answer from another site, a script, an activation link.
"""

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from gateway.dev.standin import Org, Row, fault, fingerprint
from tests.browser.beginnings import ON_EACH_ENGINE, WAYS
from tests.browser.other_site import OtherSite
from tests.browser.visitor import ALICE, BOB, ME, Visitor, signed_in
from tests.harness.demonstration import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")
EACH_WAY = pytest.mark.parametrize(("stage", "way"), ON_EACH_ENGINE, indirect=["stage"])
SESSION_NAMES = {"sid", "idx"}
_WHO_BY_SCRIPT = """async () => {
  const answer = await fetch("/api/me", { cache: "no-store", redirect: "manual" })
  return answer.ok ? (await answer.json()).user : answer.status
}"""


def _cookies_of(row: Row, values: set[str]) -> set[str]:
    """The names under which the request carried any of these values."""
    prints = {fingerprint(value) for value in values}
    return {name for name, shown in row.cookies.items() if name in SESSION_NAMES and shown in prints}


def _values_of(org: Org) -> set[str]:
    [session] = org.sessions.active()
    return {value for value in (session.sid, session.idx) if value is not None}


def _hold(org: Org, method: str) -> asyncio.Event:
    """From now on the org does what such a question about `/me` asks for, and answers once the event is set."""
    order = fault({"method": method, "path": ME, "hold": True, "after": True, "times": None})
    assert order.release is not None
    org.faults.add(order)
    return order.release


async def _held(visitor: Visitor) -> set[str]:
    """The values of the org's session cookies in the browser."""
    return {cookie.get("value", "") for cookie in await visitor.profile.cookies() if cookie.get("name") in SESSION_NAMES}


@EACH_WAY
async def test_x1_x2_bob_is_bob_at_the_next_request_and_alice_is_gone_before_he_has_his_answer(
    stage: Stage, visitor: Visitor, elsewhere: OtherSite, way: str
) -> None:
    await visitor.enter("alice")
    await visitor.is_shown(ALICE)
    visitor.is_losing_sessions = True
    alices = _values_of(stage.org)
    stage.org.journal.clear()
    closing = _hold(stage.org, "DELETE")
    coming = asyncio.create_task(WAYS[way](visitor, elsewhere, BOB))
    async with asyncio.timeout(20):
        asked = await stage.org.journal.seen("DELETE", ME)
        assert await _held(visitor) == alices
        verifying = _hold(stage.org, "GET")
        closing.set()
        while not any(row.n > asked.n and _cookies_of(row, alices) for row in stage.org.journal.rows):
            await stage.org.journal.seen("GET", ME, sum(row.path == ME and row.method == "GET" for row in stage.org.journal.rows) + 1)
        assert await _held(visitor) == alices
        assert not coming.done()
        verifying.set()
        stage.org.faults.clear()
        await coming

    rows = stage.org.journal.rows
    at = next(at for at, row in enumerate(rows) if (row.method, row.path) == ("DELETE", ME))
    names = {"sid", "idx"} if len(alices) == 2 else {"sid"}
    assert _cookies_of(rows[at], alices) == names
    verified = [row for row in rows[at + 1 :] if (row.method, row.path) == ("GET", ME) and _cookies_of(row, alices)]
    assert {row.status for row in verified} == {404}
    assert {name for row in verified for name in _cookies_of(row, alices)} == names

    assert signed_in(stage) == [BOB]
    assert await _held(visitor) == _values_of(stage.org)
    await visitor.page.goto(f"{stage.where.app}/")
    await visitor.is_shown(BOB)
    assert await visitor.page.evaluate(_WHO_BY_SCRIPT) == BOB
    assert signed_in(stage) == [BOB]


@pytest.mark.parametrize("stage", ["classic", "identity"], indirect=True)
async def test_x2_a_form_that_was_open_before_alice_came_signs_in_bob(stage: Stage, visitor: Visitor) -> None:
    old = await visitor.profile.new_page()
    await old.goto(f"{stage.where.login}/login/login.htm")
    await visitor.enter("alice")
    await visitor.is_shown(ALICE)
    visitor.is_losing_sessions = True
    app, visitor.page = visitor.page, old
    await visitor.signs_in_by_password(BOB)
    assert signed_in(stage) == [BOB]
    await app.reload()
    await visitor.is_shown(BOB, app)


@EACH_WAY
async def test_x1_x2_alice_again_keeps_her_pages_and_her_first_session_is_not_closed(
    stage: Stage, visitor: Visitor, elsewhere: OtherSite, way: str
) -> None:
    await visitor.enter("alice")
    await visitor.is_shown(ALICE)
    first = visitor.page
    visitor.page = await visitor.profile.new_page()
    stage.org.journal.clear()
    await WAYS[way](visitor, elsewhere, ALICE)
    assert [row for row in stage.org.journal.rows if row.method == "DELETE"] == []
    assert await first.evaluate(_WHO_BY_SCRIPT) == ALICE
    ticks = await first.locator("#socket").inner_text()
    await expect(first.locator("#socket")).not_to_have_text(ticks)
    await expect(first.locator("#socket")).to_have_text(re.compile(f"^tick .* for {ALICE}$"))
    await visitor.page.goto(f"{stage.where.app}/")
    await visitor.is_shown(ALICE)


@EACH_WAY
async def test_x1_x2_the_live_parts_of_alices_page_end_when_bob_comes(
    stage: Stage, visitor: Visitor, elsewhere: OtherSite, way: str
) -> None:
    await visitor.enter("alice")
    await expect(visitor.page.locator("#socket")).to_have_text(re.compile(f"^tick .* for {ALICE}$"))
    await expect(visitor.page.locator("#events")).to_have_text(re.compile(f"^tick .* for {ALICE}$"))
    visitor.is_losing_sessions = True
    first, visitor.page = visitor.page, await visitor.profile.new_page()
    await WAYS[way](visitor, elsewhere, BOB)
    await expect(first.locator("#socket")).to_have_text(re.compile(r"^closed \(1008"))
    await expect(first.locator("#events")).to_have_text(re.compile("^(closed$|interrupted)"))


SILENCES: dict[str, dict[str, Any]] = {"500": {"status": 500}, "hangs_up": {"status": 0}, "no_answer": {"hold": True}}


@pytest.mark.parametrize(
    ("stage", "way", "silence"),
    [
        *((engine, way, "500") for engine, way in ON_EACH_ENGINE),
        *((engine, way, silence) for engine, way in (("classic", "form"), ("identity", "script")) for silence in ("hangs_up", "no_answer")),
    ],
    indirect=["stage"],
)
async def test_x1_x2_while_okta_does_not_say_who_it_is_no_page_is_alices_and_none_is_bobs(
    stage: Stage, visitor: Visitor, elsewhere: OtherSite, way: str, silence: str
) -> None:
    visitor.awaited_statuses |= {401, 503}
    visitor.awaited_errors |= {"okta_failed"}
    await visitor.enter("alice")
    await visitor.is_shown(ALICE)
    visitor.is_losing_sessions = True
    first = visitor.page
    visitor.page = await visitor.profile.new_page()
    stage.org.faults.add(fault({"method": "GET", "path": ME, "times": None, **SILENCES[silence]}))
    await WAYS[way](visitor, elsewhere, BOB)

    assert await first.evaluate(_WHO_BY_SCRIPT) in (401, 503)
    for page in (first, visitor.page):
        await page.goto(f"{stage.where.app}/")
        await visitor.has_heading("We cannot check your sign-in just now", page)
        text = await page.content()
        assert ALICE not in text and BOB not in text

    stage.org.faults.clear()
    await _shows_bob_once_okta_speaks(visitor, first)
    await visitor.page.goto(f"{stage.where.app}/")
    await visitor.is_shown(BOB)
    assert signed_in(stage) == [BOB]


@EACH_WAY
async def test_x1_x2_where_alices_end_is_not_proven_bob_gets_no_session_until_he_signs_in_again(
    stage: Stage, visitor: Visitor, elsewhere: OtherSite, way: str
) -> None:
    visitor.awaited_statuses |= {503}
    await visitor.enter("alice")
    await visitor.is_shown(ALICE)
    visitor.is_losing_sessions = True
    stage.org.faults.add(fault({"method": "DELETE", "path": ME, "times": None, "status": 500}))
    await WAYS[way](visitor, elsewhere, BOB)
    if way != "script":
        await visitor.has_heading("You are not signed in yet")
        assert ALICE not in await visitor.page.content()
    assert not await _held(visitor)
    await visitor.page.goto(f"{stage.where.login}/.gateway/")
    await visitor.has_heading("Nobody is signed in here")

    stage.org.faults.clear()
    await visitor.click("link", "Sign in")
    await visitor.signs_in_by_password(BOB)
    await visitor.page.goto(f"{stage.where.app}/")
    await visitor.is_shown(BOB)
    assert set(signed_in(stage)) == {BOB}


async def test_x1_the_page_of_a_stopped_sign_in_leads_to_the_next_one(stage: Stage, visitor: Visitor, elsewhere: OtherSite) -> None:
    visitor.awaited_statuses |= {503}
    await visitor.enter("alice")
    stage.org.faults.add(fault({"method": "DELETE", "path": ME, "times": None, "status": 500}))
    await WAYS["saml"](visitor, elsewhere, BOB)
    await visitor.has_heading("You are not signed in yet")
    stage.org.faults.clear()
    await visitor.click("link", "Sign in again")
    await visitor.has_heading("Nobody is signed in here")
    await visitor.click("link", "Sign in")
    await visitor.signs_in_by_password(BOB)
    await visitor.has_heading("You are signed in")
    assert BOB in await visitor.page.inner_text("main")
    assert ALICE not in signed_in(stage)


async def _shows_bob_once_okta_speaks(visitor: Visitor, page: Page) -> None:
    """Load the app until it names somebody: it must be bob. The gateway may leave Okta in peace for some seconds before."""
    async with asyncio.timeout(30):
        while True:
            await page.goto(f"{visitor.stage.where.app}/")
            who = page.locator("#who")
            await expect(who.or_(page.get_by_role("heading", name="We cannot check your sign-in just now"))).to_be_visible()
            if await who.count():
                assert await who.inner_text() == BOB
                return
            await page.get_by_text("You can try again now.").wait_for()
