"""What runs in the background: the session at Okta is kept alive while the user works, and all of it ends with the process."""

import asyncio

from gateway.policy.session.session import Session, Unknown
from tests.sessions.scripted import ALICE, BROWSER, GONE, SID, idle, memory


async def test_closing_ends_the_questions_and_tells_who_waits_that_nothing_is_known() -> None:
    m = memory(keep_alive=60.0)
    waiting = asyncio.create_task(m.sessions.current(SID, BROWSER))
    m.sessions.touch(SID, BROWSER)
    await idle()
    await m.sessions.aclose()
    assert await waiting == Unknown("closing")
    assert m.org.at_once == 0 and m.org.calls() == ["refresh", "session"]


async def test_keep_alive_refreshes_at_most_once_per_period_in_the_background() -> None:
    m = memory(keep_alive=60.0)
    m.org.now = ALICE
    for passed, calls in ((0.0, 1), (59.9, 1), (60.0, 2), (61.0, 2)):
        m.times.passed = passed
        for _ in range(3):
            m.sessions.touch(SID, BROWSER)
            await idle()
        assert m.org.calls() == ["refresh"] * calls


async def test_keep_alive_is_off_by_default_and_never_revives_a_revoked_session() -> None:
    m = memory()
    m.sessions.touch(SID, BROWSER)
    await idle()
    revoking = memory(keep_alive=60.0)
    await revoking.sessions.revoke(SID)
    revoking.sessions.touch(SID, BROWSER)
    await idle()
    assert m.org.asked == revoking.org.asked == []


async def test_a_session_that_cannot_be_refreshed_is_asked_about_at_once() -> None:
    m = memory(keep_alive=60.0)
    m.org.now = ALICE
    await m.sessions.current(SID, BROWSER)
    m.sessions.touch(SID, BROWSER)
    await idle()
    assert isinstance(m.sessions.from_cache(SID), Session)
    m.times.passed, m.org.now = 60.0, GONE
    await m.sessions.current(SID, BROWSER)
    m.org.now = ALICE
    m.times.passed = 62.0
    await m.sessions.current(SID, BROWSER)
    m.org.now = GONE
    m.sessions.touch(SID, BROWSER)
    await idle()
    assert m.sessions.from_cache(SID) is None
