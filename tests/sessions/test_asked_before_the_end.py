"""An answer in use is asked for again before it ends, so that nobody waits for Okta."""

from gateway.policy.session.cache import Lifetimes
from gateway.policy.session.session import NoSession
from tests.sessions.scripted import ALICE, BROWSER, GONE, SID, idle, memory, session

ALICE_IS_HERE = session()
NOT_FOUND = NoSession("not_found")


async def test_an_answer_in_use_is_asked_for_again_before_it_ends_and_nobody_waits() -> None:
    m = memory(Lifetimes(ttl=10.0, refresh_ahead=0.25))
    m.org.now = ALICE
    await m.sessions.current(SID, BROWSER)
    m.org.now, m.times.passed = None, 8.0
    assert m.sessions.from_cache(SID) is None  # the one caller that has it asked for again
    assert await m.sessions.current(SID, BROWSER) == ALICE_IS_HERE
    assert m.sessions.from_cache(SID) == await m.sessions.current(SID, BROWSER) == ALICE_IS_HERE
    await idle()
    assert len(m.org.asked) == 2
    m.org.asked[1].answered.set_result(ALICE)
    await idle()
    m.times.passed = 15.0
    assert m.sessions.from_cache(SID) == ALICE_IS_HERE


async def test_whoever_comes_with_an_answer_that_is_about_to_end_gets_it_and_has_it_asked_for_again_once() -> None:
    m = memory(Lifetimes(ttl=10.0, refresh_ahead=0.25))
    m.org.now = ALICE
    await m.sessions.current(SID, BROWSER)
    m.org.now, m.times.passed = None, 8.0
    marks = m.sessions.marks(SID)
    assert [m.sessions.from_cache_for_pass(SID, marks, lambda: BROWSER) for _ in range(3)] == [ALICE_IS_HERE] * 3
    await idle()
    assert len(m.org.asked) == 2
    m.org.asked[1].answered.set_result(GONE)
    await idle()
    assert m.sessions.from_cache_for_pass(SID, marks, lambda: BROWSER) == NOT_FOUND
    assert len(m.org.asked) == 2


async def test_an_answer_that_ended_is_not_given_and_whoever_comes_must_wait() -> None:
    m = memory(Lifetimes(ttl=10.0))
    m.org.now = ALICE
    await m.sessions.current(SID, BROWSER)
    m.times.passed = 10.0
    assert m.sessions.from_cache_for_pass(SID, m.sessions.marks(SID), lambda: BROWSER) is None
    await idle()
    assert len(m.org.asked) == 1


async def test_no_session_is_believed_for_a_pass_only_where_a_pass_was_asked_about() -> None:
    """Another process made the pass after this one had heard that nobody is there: a factor was brought meanwhile."""
    m = memory(Lifetimes(ttl=10.0))
    m.org.now = GONE
    assert await m.sessions.current(SID, BROWSER) == NOT_FOUND
    assert m.sessions.from_cache(SID) == NOT_FOUND
    marks = m.sessions.marks(SID)
    assert m.sessions.from_cache_for_pass(SID, marks, lambda: BROWSER) is None
    assert await m.sessions.current(SID, BROWSER, vouched=True) == NOT_FOUND
    assert len(m.org.asked) == 2
    assert [m.sessions.from_cache_for_pass(SID, marks, lambda: BROWSER) for _ in range(3)] == [NOT_FOUND] * 3
    assert await m.sessions.current(SID, BROWSER, vouched=True) == NOT_FOUND
    assert len(m.org.asked) == 2
