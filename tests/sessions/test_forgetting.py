"""What the memory holds: nothing that is dead, and the same whichever way it is asked."""

from gateway.core.cache import Lifetimes
from tests.sessions.scripted import ALICE, BROWSER, GONE, IDX, OTHER, SID, idle, memory, session

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
    assert m.sessions.recall(SID) is None
    await m.sessions.current(IDX, BROWSER)
    assert len(m.sessions) == 1


async def test_marks_recall_what_their_cookies_do() -> None:
    m = memory()
    m.org.now = ALICE
    cases = ((), SID, IDX, SID + IDX, SID + SID, OTHER)
    await m.sessions.current(SID, BROWSER)
    await m.sessions.revoke(OTHER)
    by_marks = [m.sessions.recall_for(cookies, m.sessions.marks(cookies), lambda: BROWSER) for cookies in cases]
    assert by_marks == [m.sessions.recall(cookies) for cookies in cases]
    assert len(m.org.asked) == 1
