"""Who has no time waits no longer than it has; the question goes on, and its answer is for whoever comes next."""

from gateway.policy.session.cache import Lifetimes
from gateway.policy.session.session import NoSession, Session, Unknown
from tests.sessions.scripted import ALICE, BROWSER, SID, idle, memory


async def test_after_its_patience_a_caller_hears_that_okta_does_not_say() -> None:
    made = memory()
    assert await made.sessions.current(SID, BROWSER, wait_seconds=0.0) == Unknown("slow")
    assert made.sessions.counts.unknown == 1
    assert await made.sessions.current(SID, BROWSER, wait_seconds=0.0) == Unknown("slow")
    await idle()
    assert made.org.calls() == ["session"]
    made.org.asked[0].answered.set_result(ALICE)
    await idle()
    assert isinstance(made.sessions.from_cache(SID), Session)
    await made.sessions.aclose()


async def test_an_older_answer_bridges_the_wait_where_grace_allows_it() -> None:
    made = memory(Lifetimes(ttl=10.0, grace=60.0))
    made.org.now = ALICE
    await made.sessions.current(SID, BROWSER)
    made.org.now = None
    made.times.passed += 20
    assert isinstance(await made.sessions.current(SID, BROWSER, wait_seconds=0.0), Session)
    assert made.sessions.seconds_left(made.sessions.marks(SID)) == 0.0
    await made.sessions.revoke(SID)
    assert await made.sessions.current(SID, BROWSER, wait_seconds=0.0) == NoSession("revoked")
    await made.sessions.aclose()


async def test_how_long_an_answer_may_still_be_believed() -> None:
    made = memory(Lifetimes(ttl=10.0))
    marks = made.sessions.marks(SID)
    assert made.sessions.seconds_left(marks) == made.sessions.seconds_left(made.sessions.marks(())) == 0.0
    made.org.now = ALICE
    await made.sessions.current(SID, BROWSER)
    made.times.passed += 4
    assert made.sessions.seconds_left(marks) == 6.0
    await made.sessions.revoke(SID)
    assert made.sessions.seconds_left(marks) == 0.0
    await made.sessions.aclose()
