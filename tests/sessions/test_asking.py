"""A slow, busy or dead Okta is left alone, and what it said about one user is nobody else's trouble."""

import asyncio
from dataclasses import replace

import pytest

from gateway.okta import BrowserFields, OktaAnswer
from gateway.policy.session.cache import Breaker, Lifetimes, RateLimits
from gateway.policy.session.session import Finding, NoSession, SessionCookie, Unknown
from gateway.sessions import AskingRules
from tests.harness.clock import WALL
from tests.sessions.scripted import ALICE, BROWSER, DOWN, GONE, OTHER, SID, Memory, answer, idle, memory, session

QUICK = AskingRules(breaker=Breaker(threshold=3, rest_seconds=5.0))
FORBIDDEN = answer(Unknown("status_403"), 403)
BROKEN = answer(Unknown("status_503"), 503)


def client(number: int) -> BrowserFields:
    """Another client each: what one client makes fail opens no circuit for others."""
    return replace(BROWSER, client=f"192.0.2.{number + 10}")


def cookie(number: int) -> tuple[SessionCookie, ...]:
    return (SessionCookie(b"sid", b"%d" % number),)


async def test_k7_after_a_429_nobody_asks_until_the_reset() -> None:
    m = memory()
    m.org.now = answer(Unknown("rate_limited", WALL + 30), 429, RateLimits(600, 0, WALL + 30, WALL + 10))
    limited = Unknown("rate_limited", WALL + 20)
    assert [await m.sessions.current(cookies, BROWSER) for cookies in (SID, OTHER, SID)] == [limited] * 3
    assert len(m.org.asked) == 1
    m.org.now, m.times.passed = ALICE, 19.9
    assert await m.sessions.current(SID, BROWSER) == limited
    m.times.passed = 20.0
    assert await m.sessions.current(SID, BROWSER) == session()
    assert m.events == [("okta_rate_limited", {"wait_seconds": 20.0})]


async def test_k7_questions_that_wait_for_a_slot_are_not_sent_after_a_429() -> None:
    m = memory(rules=AskingRules(most_running=1))
    waiting = [asyncio.create_task(m.sessions.current(cookie(number), BROWSER)) for number in range(3)]
    await idle()
    m.org.asked[0].answered.set_result(answer(Unknown("rate_limited"), 429))
    assert await asyncio.gather(*waiting) == [Unknown("rate_limited", WALL + 5.0)] * 3
    assert len(m.org.asked) == 1


async def test_several_429s_at_once_are_one_wait_and_one_line() -> None:
    m = memory()
    waiting = [asyncio.create_task(m.sessions.current(cookie(number), BROWSER)) for number in range(3)]
    await idle()
    for question in m.org.asked:
        question.answered.set_result(answer(Unknown("rate_limited", WALL + 7), 429))
    await asyncio.gather(*waiting)
    assert m.names() == ["okta_rate_limited"]


async def test_k8_a_dead_okta_is_left_alone_and_probed_once() -> None:
    m = memory(rules=QUICK)
    m.org.now = DOWN
    for number in range(3):
        assert await m.sessions.current(SID, client(number)) == Unknown("unreachable")
    assert await m.sessions.current(SID, BROWSER) == Unknown("circuit_open", WALL + 5.0)
    assert len(m.org.asked) == 3 and m.asking.is_open
    m.org.now, m.times.passed = None, 5.0
    probe = asyncio.create_task(m.sessions.current(SID, BROWSER))
    await idle()
    assert await m.sessions.current(OTHER, BROWSER) == Unknown("circuit_open", WALL + 5.0)
    m.org.asked[3].answered.set_result(ALICE)
    assert await probe == session()
    m.org.now = ALICE
    assert await m.sessions.current(OTHER, BROWSER) == session()
    assert m.events == [("okta_circuit_open", {"reason": "unreachable"}), ("okta_circuit_closed", {"reason": ""})]


async def test_a_probe_that_fails_opens_the_circuit_again_without_another_line() -> None:
    m = memory(rules=QUICK)
    m.org.now = BROKEN
    for number, passed in enumerate((0.0, 0.0, 0.0, 5.0)):
        m.times.passed = passed
        assert await m.sessions.current(SID, client(number)) == Unknown("status_503")
    assert await m.sessions.current(SID, BROWSER) == Unknown("circuit_open", WALL + 10.0)
    assert m.names() == ["okta_circuit_open"]


async def test_a_probe_that_is_cancelled_makes_room_for_the_next() -> None:
    m = memory(rules=QUICK)
    m.org.now = DOWN
    for number in range(3):
        await m.sessions.current(SID, client(number))
    m.org.now, m.times.passed = None, 5.0
    probe = asyncio.create_task(m.asking.session(SID, BROWSER))
    await idle()
    probe.cancel()
    await idle()
    m.org.now = ALICE
    assert await m.sessions.current(SID, BROWSER) == session()


@pytest.mark.parametrize("about_one_user", [FORBIDDEN, GONE, answer(Unknown("not_json"), 200), answer(Unknown("unsendable_cookie"))])
async def test_what_okta_says_about_one_user_never_opens_the_circuit(about_one_user: OktaAnswer) -> None:
    m = memory(rules=QUICK)
    m.org.now = about_one_user
    for number in range(10):
        assert (await m.asking.session(cookie(number), BROWSER)).finding == about_one_user.finding
    assert not m.asking.is_open


async def test_no_more_questions_than_slots_are_under_way() -> None:
    m = memory(rules=AskingRules(most_running=3))
    waiting = [asyncio.create_task(m.sessions.current(cookie(number), BROWSER)) for number in range(10)]
    for number in range(10):
        await idle()
        m.org.asked[number].answered.set_result(ALICE)
    assert await asyncio.gather(*waiting) == [session()] * 10
    assert m.org.most_at_once == 3


async def test_more_questions_than_may_wait_are_not_asked() -> None:
    m = memory(rules=AskingRules(most_running=1, most_waiting=2))
    waiting = [asyncio.create_task(m.sessions.current(cookie(number), BROWSER)) for number in range(4)]
    await idle()
    assert [task.done() for task in waiting] == [False, False, False, True]
    assert await waiting[3] == Unknown("busy")
    for number in range(3):
        m.org.asked[number].answered.set_result(ALICE)
        await idle()
    assert await asyncio.gather(*waiting[:3]) == [session()] * 3


async def test_who_gives_up_waiting_for_a_slot_leaves_the_queue() -> None:
    m = memory(rules=AskingRules(most_running=1, most_waiting=1))
    first, second = [asyncio.create_task(m.asking.session(cookie(number), BROWSER)) for number in range(2)]
    await idle()
    second.cancel()
    await idle()
    third = asyncio.create_task(m.asking.session(cookie(3), BROWSER))
    await idle()
    for number in range(2):
        m.org.asked[number].answered.set_result(GONE)
        await idle()
    assert [(await task).finding for task in (first, third)] == [NoSession("not_found")] * 2


async def test_the_log_hears_once_that_the_rate_limit_runs_low_and_once_that_it_recovered() -> None:
    m = memory()
    for remaining in (50, 19, 10, 25, 5, 30, 100):
        m.org.now = OktaAnswer(session(), 200, RateLimits(100, remaining))
        await m.asking.session(SID, BROWSER)
    assert m.events == [("okta_rate_low", {"remaining": 19, "limit": 100}), ("okta_rate_recovered", {"remaining": 30, "limit": 100})]
    assert m.asking.shortage == 0.0


async def test_a_refresh_waits_and_counts_like_a_question() -> None:
    m = memory()
    m.org.now = answer(Unknown("rate_limited"), 429)
    findings: list[Finding] = [(await m.asking.refresh(SID, BROWSER)).finding, (await m.asking.session(SID, BROWSER)).finding]
    assert findings == [Unknown("rate_limited", WALL + 5.0)] * 2
    assert m.org.calls() == ["refresh"]


async def test_k10_a_client_that_guesses_is_told_to_wait_and_nobody_else_is() -> None:
    m = memory(rules=AskingRules(guesses_per_minute=3))
    m.org.now = GONE
    assert [await m.sessions.current(cookie(number), BROWSER) for number in range(3)] == [NoSession("not_found")] * 3
    limited = await m.sessions.current(cookie(4), BROWSER)
    assert isinstance(limited, Unknown) and limited.reason == "client_limited"
    assert limited.retry_at is not None and WALL < limited.retry_at <= WALL + 60
    assert len(m.org.asked) == 3
    m.org.now = ALICE
    assert await m.sessions.current(cookie(5), replace(BROWSER, client="192.0.2.8")) == session()
    m.times.passed = limited.retry_at - WALL
    assert await m.sessions.current(cookie(6), BROWSER) == session()


async def test_sessions_that_exist_are_no_guesses() -> None:
    m = memory(rules=AskingRules(guesses_per_minute=1))
    m.org.now = ALICE
    assert [await m.sessions.current(cookie(number), BROWSER) for number in range(5)] == [session()] * 5


async def limited(client: str = BROWSER.client) -> Memory:
    """A memory in which a client has used up its guesses, and Okta knows everybody from now on."""
    m = memory(Lifetimes(ttl=10.0), AskingRules(guesses_per_minute=3))
    m.org.now = GONE
    for number in range(3):
        await m.sessions.current(cookie(number), replace(BROWSER, client=client))
    m.org.now = ALICE
    return m


def is_limited(finding: Finding) -> bool:
    return isinstance(finding, Unknown) and finding.reason == "client_limited"


async def test_k10_a_session_that_is_known_is_asked_about_whoever_guesses_behind_the_same_address() -> None:
    m = memory(Lifetimes(ttl=10.0), AskingRules(guesses_per_minute=3))
    m.org.now = ALICE
    await m.sessions.current(SID, BROWSER)
    m.org.now = GONE
    for number in range(3):
        await m.sessions.current(cookie(number), BROWSER)
    m.org.now, m.times.passed = ALICE, 11.0
    assert is_limited(await m.sessions.current(cookie(4), BROWSER))
    assert await m.sessions.current(SID, BROWSER) == session()


async def test_k10_the_first_question_about_cookies_that_okta_has_just_set_is_no_guess() -> None:
    m = await limited()
    assert is_limited(await m.sessions.current(OTHER, BROWSER))
    m.sessions.issued(SID)
    await m.sessions.adopt(SID, OTHER)
    assert [await m.sessions.current(cookies, BROWSER) for cookies in (SID, OTHER)] == [session()] * 2


async def test_k10_what_comes_out_of_our_own_seal_is_no_guess() -> None:
    m = await limited()
    assert await m.sessions.current(SID, BROWSER, vouched=True) == session()


async def test_k10_a_session_that_ended_is_no_licence_to_guess() -> None:
    m = memory(Lifetimes(ttl=10.0), AskingRules(guesses_per_minute=3))
    m.org.now = ALICE
    await m.sessions.current(SID, BROWSER)
    m.org.now, m.times.passed = GONE, 60.0
    findings = [await m.sessions.current((*SID, SessionCookie(b"idx", b"%d" % number)), BROWSER) for number in range(5)]
    assert [is_limited(finding) for finding in findings] == [False] * 4 + [True]  # the first one was a session, and no guess


@pytest.mark.parametrize(
    ("guesser", "victim", "is_one"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.7", "::ffff:192.0.2.7", True),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.8", False),
        ("unknown", "unknown", False),
    ],
)
async def test_k10_a_client_is_an_address_or_the_network_of_one_customer(guesser: str, victim: str, is_one: bool) -> None:
    m = await limited(guesser)
    assert is_limited(await m.sessions.current(SID, replace(BROWSER, client=victim))) == is_one


async def test_t17_what_one_client_makes_fail_opens_its_own_circuit_and_no_other() -> None:
    m = memory(rules=QUICK)
    m.org.now = DOWN
    for number in range(3):
        assert await m.sessions.current(cookie(number), BROWSER) == Unknown("unreachable")
    assert await m.sessions.current(SID, BROWSER) == Unknown("circuit_open", WALL + 5.0)
    m.org.now = ALICE
    assert await m.sessions.current(SID, client(1)) == session() and not m.asking.is_open
    assert (await m.asking.session(OTHER, BROWSER, known=b"another of the same office")).finding == session()
    m.times.passed = 5.0
    assert await m.sessions.current(OTHER, BROWSER) == session()
    assert m.events == []


async def test_t8_guesses_of_many_clients_leave_half_of_the_limit_to_sessions_that_are_known() -> None:
    m = memory(Lifetimes(ttl=10.0))
    m.org.now, left = ALICE, 100
    await m.sessions.current(SID, BROWSER)
    for number in range(100):
        sent = len(m.org.asked)
        m.org.now = OktaAnswer(NoSession("not_found"), 404, RateLimits(100, left - 1, WALL + 60, WALL))
        await m.sessions.current(cookie(number), client(number))
        left -= len(m.org.asked) - sent
    assert left == 50
    limited = await m.sessions.current(OTHER, client(101))
    assert limited == Unknown("guesses_limited", WALL + 60.0)
    m.org.now, m.times.passed = ALICE, 30.0
    assert await m.sessions.current(SID, BROWSER) == session()
    m.times.passed = 60.0
    assert await m.sessions.current(OTHER, client(101)) == session()


async def test_t8_guesses_under_way_are_counted_before_their_answers_come() -> None:
    m = memory(rules=AskingRules(guesses_per_minute=3))
    waiting = [asyncio.create_task(m.sessions.current(cookie(number), BROWSER)) for number in range(10)]
    await idle()
    assert len(m.org.asked) == 3 and all(map(is_limited, await asyncio.gather(*waiting[3:])))
    for question in m.org.asked:
        question.answered.set_result(ALICE)
    assert await asyncio.gather(*waiting[:3]) == [session()] * 3
    assert m.sessions.may_guess(BROWSER) is None


async def test_t8_a_known_session_does_not_wait_behind_guesses() -> None:
    m = memory(Lifetimes(ttl=10.0), AskingRules(most_running=5))
    m.org.now = ALICE
    await m.sessions.current(SID, BROWSER)
    m.org.now, m.times.passed = None, 11.0
    guesses = [asyncio.create_task(m.sessions.current(cookie(number), client(number))) for number in range(50)]
    await idle()
    known = asyncio.create_task(m.sessions.current(SID, BROWSER))
    await idle()
    assert len(m.org.asked) == 1 + 4 + 1
    m.org.asked[-1].answered.set_result(ALICE)
    assert await known == session()
    await m.sessions.aclose()
    assert await asyncio.gather(*guesses) == [Unknown("closing")] * 50
