"""What is open under a session when its user is heard of: it is asked about before everything that is idle, and Okta is spared."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.doors.app.session_watcher import NAMED_AT_ONCE, QUESTIONS_AT_A_LOOK, SessionWatch, SessionWatcher
from gateway.edge.open_connections import OpenConnections
from gateway.policy.session.browser_record import BrowserRecord
from gateway.policy.session.cache import Lifetimes, RateLimits
from gateway.policy.session.session import NoSession, SessionCookie
from gateway.revocations import Revocation
from tests.field.pattern_functions import head
from tests.harness.polling import moment
from tests.sessions.scripted import BROWSER, Memory, answer, idle, memory, session

USERS = 300
PATIENCE = 20.0


class Streams:
    """A stream of each of many users, and who was cut."""

    def __init__(self) -> None:
        self.m: Memory = memory(Lifetimes(ttl=900.0, ttl_max=900.0))
        self.open_connections = OpenConnections()
        self.watcher = SessionWatcher(self.m.sessions, self.open_connections, self.m.times.clock, self._record)
        self.cut: set[int] = set()
        self._unsubscribe = self.m.revocations.subscribe(self.watcher.hear)

    async def _record(self, browser: str) -> BrowserRecord:
        return BrowserRecord()

    async def opens(self, number: int) -> None:
        """This user opens a stream; Okta has named the user for it."""
        named = session(f"{number}", f"102{number}")
        self.m.org.now = answer(named)
        cookies = (SessionCookie(b"sid", b"%d" % number),)
        await self.m.sessions.current(cookies, BROWSER, vouched=True)
        names = self.m.sessions.fingerprints(cookies)
        self.open_connections.hold(names, lambda: self.cut.add(number))
        self.watcher.hold(SessionWatch(names, cookies, named, head("/live")))

    async def aclose(self) -> None:
        await self.watcher.aclose()
        await self.m.sessions.aclose()


@pytest.fixture
async def streams() -> AsyncIterator[Streams]:
    made = Streams()
    for number in range(USERS):
        await made.opens(number)
    made.m.org.now = None
    made.m.org.asked.clear()
    made.m.times.passed += 10.0
    yield made
    await made.aclose()


async def are_heard_of(streams: Streams, *numbers: int) -> None:
    for number in numbers:
        await streams.m.revocations.publish(Revocation(user_id=f"00u-{number}"))
    streams.m.times.passed += 0.05


async def asked(streams: Streams, times: int) -> None:
    """Wait until Okta has been asked so often."""
    async with asyncio.timeout(PATIENCE):
        while len(streams.m.org.asked) < times:  # a timer asks, which tells nobody
            await moment()
    await idle()


async def test_every_user_who_is_heard_of_is_asked_about_as_fast_as_okta_answers(streams: Streams) -> None:
    await are_heard_of(streams, *range(USERS))
    await asked(streams, NAMED_AT_ONCE)
    assert len(streams.m.org.asked) == NAMED_AT_ONCE
    streams.m.org.now = answer(NoSession("not_found"))
    for question in tuple(streams.m.org.asked):
        question.answered.set_result(streams.m.org.now)
    for _ in range(10 * USERS):  # no timer is waited for: each answer makes room for the next question
        await asyncio.sleep(0)
    assert (len(streams.m.org.asked), len(streams.cut)) == (USERS, USERS)


async def test_nobody_else_is_asked_about_and_whose_session_lives_goes_on(streams: Streams) -> None:
    await are_heard_of(streams, 7)
    await asked(streams, 1)
    [question] = streams.m.org.asked
    question.answered.set_result(answer(session("7", "1027")))
    await idle()
    assert [one.cookies for one in streams.m.org.asked] == [(SessionCookie(b"sid", b"7"),)]
    assert streams.cut == set()


async def test_whose_session_began_before_it_was_ended_is_cut_without_a_question(streams: Streams) -> None:
    streams.m.org.now = answer(NoSession("not_found"))
    await streams.m.revocations.publish(Revocation(session_mark="1028", user_id="00u-8"))
    async with asyncio.timeout(PATIENCE):
        while not streams.cut:  # as above
            await moment()
    assert (streams.cut, streams.m.org.asked) == ({8}, [])


async def test_a_user_may_be_heard_of_by_login(streams: Streams) -> None:
    await streams.m.revocations.publish(Revocation(user_id="9@example.com"))
    await asked(streams, 1)
    assert [one.cookies for one in streams.m.org.asked] == [(SessionCookie(b"sid", b"9"),)]


async def test_while_the_rate_limit_is_short_they_are_asked_about_at_the_pace_of_what_is_idle(streams: Streams) -> None:
    await are_heard_of(streams, 0)
    await asked(streams, 1)
    streams.m.org.asked[0].answered.set_result(answer(session("0", "1020"), limits=RateLimits(600, 60)))
    await idle()
    await are_heard_of(streams, *range(USERS))
    await asked(streams, 1 + QUESTIONS_AT_A_LOOK)
    assert len(streams.m.org.asked) == 1 + QUESTIONS_AT_A_LOOK
    for question in tuple(streams.m.org.asked[1:]):
        question.answered.set_result(answer(NoSession("not_found"), limits=RateLimits(600, 59)))
    await idle()
    assert len(streams.m.org.asked) == 1 + QUESTIONS_AT_A_LOOK and len(streams.cut) == QUESTIONS_AT_A_LOOK
