"""What the memory holds: nothing that is dead, and the same whichever way it is asked."""

import asyncio

from gateway.policy.session.cache import Lifetimes
from gateway.policy.session.session import SessionCookie
from tests.sessions.scripted import ALICE, BOB, BROWSER, GONE, IDX, OTHER, SID, idle, memory, session

ALICE_IS_HERE = session()


async def test_an_answer_that_comes_too_late_to_be_believed_takes_the_older_one_with_it() -> None:
    m = memory(Lifetimes(ttl=10.0, negative_ttl=2.0, grace=60.0))
    m.org.now = ALICE
    await m.sessions.current(SID, BROWSER)
    m.org.now, m.times.passed = None, 9.0
    assert await m.sessions.current(SID, BROWSER) == ALICE_IS_HERE
    await idle()
    m.times.passed = 12.0
    m.org.asked[-1].answered.set_result(GONE)
    await idle()
    assert len(m.sessions) == 0


async def test_the_dead_are_forgotten_when_another_answer_comes() -> None:
    m = memory(Lifetimes(ttl=10.0))
    m.org.now = ALICE
    await m.sessions.current(SID, BROWSER)
    await m.sessions.current(OTHER, BROWSER)
    m.times.passed = 10.0
    assert m.sessions.from_cache(SID) is None
    await m.sessions.current(IDX, BROWSER)
    assert len(m.sessions) == 1


async def test_marks_recall_what_their_cookies_do() -> None:
    m = memory()
    m.org.now = ALICE
    cases = ((), SID, IDX, SID + IDX, SID + SID, OTHER)
    await m.sessions.current(SID, BROWSER)
    await m.sessions.revoke(OTHER)
    by_marks = [m.sessions.from_cache_for_pass(cookies, m.sessions.marks(cookies), lambda: BROWSER) for cookies in cases]
    assert by_marks == [m.sessions.from_cache(cookies) for cookies in cases]
    assert len(m.org.asked) == 1


async def test_t15_a_cookie_that_is_forgotten_is_asked_about_again_alone_and_among_others() -> None:
    m = memory()
    m.org.now = ALICE
    for cookies in (SID, SID + IDX, IDX, OTHER):
        await m.sessions.current(cookies, BROWSER)
    m.sessions.forget(SID)
    assert [m.sessions.from_cache(cookies) is None for cookies in (SID, IDX + SID, IDX, OTHER)] == [True, True, False, False]
    m.org.now = BOB
    assert (await m.sessions.current(IDX + SID, BROWSER)) == session("bob", "102bob")


async def test_t15_an_answer_that_was_asked_for_before_is_not_kept() -> None:
    m = memory()
    before = asyncio.create_task(m.sessions.current(SID + IDX, BROWSER))
    await idle()
    m.sessions.forget(IDX)
    after = asyncio.create_task(m.sessions.current(SID + IDX, BROWSER))
    await idle()
    m.org.asked[1].answered.set_result(BOB)
    assert await after == session("bob", "102bob")
    m.org.asked[0].answered.set_result(ALICE)
    assert await before == session()
    assert m.sessions.from_cache(SID + IDX) == session("bob", "102bob")


async def test_t15_nothing_is_left_of_answers_that_are_forgotten() -> None:
    m = memory(Lifetimes(ttl=10.0), max_entries=2)
    m.org.now = ALICE
    for number in range(5):
        await m.sessions.current((*SID, SessionCookie(b"idx", b"%d" % number)), BROWSER)
    assert len(m.sessions) == 2
    m.sessions.forget(SID)
    assert len(m.sessions) == 0
