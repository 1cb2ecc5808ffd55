""" "No session" that is remembered from a moment ago: what a hand-off still believes of it, and what it asks anew."""

import pytest

from gateway.okta import OktaAnswer
from gateway.policy.session.session import NoSession, SessionCookie
from tests.sessions.scripted import ALICE, BROWSER, DOWN, GONE, IDX, SID, answer, memory, session

FACTOR_MISSING = answer(NoSession("mfa_pending"), 200)
BOTH = SID + IDX


@pytest.mark.parametrize("presented", [SID, BOTH])
async def test_a_factor_that_was_missing_may_have_been_shown_since(presented: tuple[SessionCookie, ...]) -> None:
    m = memory()
    m.org.now = FACTOR_MISSING
    await m.sessions.current(presented, BROWSER)
    m.org.now = ALICE
    assert (await m.sessions.judged(presented, BROWSER)).finding == NoSession("mfa_pending"), "an app believes it for a moment"
    assert (await m.sessions.judged(presented, BROWSER, each_alone=True)).finding == session()
    assert m.sessions.from_cache(presented) == session()


async def test_a_session_that_is_gone_does_not_come_back_so_nobody_asks_again() -> None:
    m = memory()
    m.org.now = GONE
    for _ in range(3):
        assert (await m.sessions.judged(SID, BROWSER, each_alone=True)).finding == NoSession("not_found")
    assert len(m.org.asked) == 1


async def test_who_is_named_by_each_cookie_is_not_denied_by_what_is_remembered_of_both() -> None:
    m = memory()
    m.org.now = GONE
    await m.sessions.current(BOTH, BROWSER)
    m.org.now = ALICE
    judged = await m.sessions.judged(BOTH, BROWSER, each_alone=True)
    assert (judged.finding, set(judged.living)) == (session(), set(BOTH))
    assert m.sessions.from_cache(BOTH) is None, "whoever looks next asks"


@pytest.mark.parametrize(("now", "has_ended"), [(ALICE, False), (DOWN, False), (GONE, True), (FACTOR_MISSING, True)])
async def test_a_ticket_is_believed_before_what_is_remembered_from_before_it(now: OktaAnswer, has_ended: bool) -> None:
    m = memory()
    m.org.now = GONE
    await m.sessions.current(BOTH, BROWSER)
    m.org.now = now
    assert await m.sessions.has_ended(BOTH, BROWSER) is has_ended


async def test_a_ticket_for_what_is_revoked_has_ended_and_nobody_is_asked() -> None:
    m = memory()
    m.org.now = ALICE
    await m.sessions.current(BOTH, BROWSER)
    assert not await m.sessions.has_ended(BOTH, BROWSER)
    await m.sessions.revoke((), session_id=session().id)
    assert await m.sessions.has_ended(BOTH, BROWSER)
    await m.sessions.revoke(BOTH)
    assert await m.sessions.has_ended(BOTH, BROWSER)
    assert len(m.org.asked) == 1
