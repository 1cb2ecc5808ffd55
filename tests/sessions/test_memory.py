"""Who Okta said a browser is: believed for its ttl, asked once however many wait, never lost to a client that leaves."""

import asyncio

import pytest

from gateway.okta import OktaAnswer
from gateway.policy.session.cache import Lifetimes, RateLimits
from gateway.policy.session.judging import Judgement
from gateway.policy.session.session import NoSession, SessionCookie, SessionToken, Unknown
from tests.sessions.scripted import ALICE, BOB, BROWSER, DOWN, GONE, IDX, OTHER, SID, answer, idle, memory, session

ALICE_IS_HERE = session()
NOT_FOUND = NoSession("not_found")


async def test_an_answer_is_believed_for_its_ttl_counted_from_asking() -> None:
    """K4: a session that ended at Okta is refused within the ttl."""
    m = memory(Lifetimes(ttl=10.0, refresh_ahead=0.0))
    assert m.sessions.from_cache(SID) is None
    waiting = asyncio.create_task(m.sessions.current(SID, BROWSER))
    await idle()
    m.times.passed = 4.0  # Okta is slow
    m.org.asked[0].answered.set_result(ALICE)
    assert await waiting == ALICE_IS_HERE
    m.times.passed = 9.9
    assert m.sessions.from_cache(SID) == ALICE_IS_HERE
    m.times.passed = 10.0
    assert m.sessions.from_cache(SID) is None
    m.org.now = GONE
    assert await m.sessions.current(SID, BROWSER) == m.sessions.from_cache(SID) == NOT_FOUND
    assert len(m.org.asked) == 2


async def test_k9_no_session_is_believed_for_two_seconds() -> None:
    m = memory()
    m.org.now = GONE
    await m.sessions.current(SID, BROWSER)
    m.times.passed = 1.9
    assert m.sessions.from_cache(SID) == NOT_FOUND
    m.times.passed = 2.0
    assert m.sessions.from_cache(SID) is None


async def test_no_answer_is_believed_past_the_end_of_the_session() -> None:
    m = memory(Lifetimes(ttl=10.0, grace=10.0))
    m.org.now = answer(session(ends_in=3.0))
    await m.sessions.current(SID, BROWSER)
    m.times.passed, m.org.now = 3.0, DOWN
    assert m.sessions.from_cache(SID) is None
    assert await m.sessions.current(SID, BROWSER) == Unknown("unreachable")


PLANTED = (SessionCookie(b"sid", b"\xff\xfe"),)


@pytest.mark.parametrize(("cookies", "reason"), [((), "no_cookie"), (PLANTED, "impossible_cookie")])
async def test_cookies_that_cannot_carry_a_session_are_no_question(cookies: tuple[SessionCookie, ...], reason: str) -> None:
    m = memory()
    assert await m.sessions.judged(cookies, BROWSER) == Judgement(NoSession(reason), dead=cookies)
    m.sessions.touch((), BROWSER)
    assert m.org.asked == []


async def test_x9_a_planted_cookie_hides_nobody() -> None:
    m = memory()
    m.org.now = ALICE
    assert await m.sessions.judged(PLANTED + SID, BROWSER) == Judgement(session(), SID, PLANTED)
    assert [question.cookies for question in m.org.asked] == [SID]


async def test_the_same_cookie_twice_is_one_cookie() -> None:
    m = memory()
    m.org.now = ALICE
    assert await m.sessions.current(SID + SID, BROWSER) == session()


async def test_x8_a_name_that_occurs_twice_is_asked_about_cookie_by_cookie() -> None:
    m = memory()
    asking = asyncio.create_task(m.sessions.judged(SID + OTHER, BROWSER))
    await idle()
    assert [question.cookies for question in m.org.asked] == [SID, OTHER]
    m.org.asked[0].answered.set_result(GONE)
    m.org.asked[1].answered.set_result(ALICE)
    assert await asking == Judgement(session(), OTHER, SID)


async def test_x8_two_living_users_are_nobody() -> None:
    m = memory()
    m.org.now = ALICE
    await m.sessions.current(SID, BROWSER)
    m.org.now = BOB
    assert await m.sessions.judged(SID + OTHER, BROWSER) == Judgement(NoSession("two_users"), dead=SID + OTHER)


async def test_x8_a_revoked_cookie_is_left_out_and_the_other_one_is_judged() -> None:
    m = memory()
    m.org.now = ALICE
    await m.sessions.current(SID, BROWSER)
    await m.sessions.revoke(SID)
    m.org.now = BOB
    assert await m.sessions.judged(SID + IDX, BROWSER) == Judgement(session("bob", "102bob"), IDX, SID)
    assert await m.sessions.judged(SID, BROWSER) == Judgement(NoSession("revoked"), dead=SID)


async def test_x8_the_cookies_of_a_session_that_was_revoked_by_its_id_are_dead() -> None:
    m = memory()
    m.org.now = ALICE
    await m.sessions.revoke((), session_id="102abc")
    assert await m.sessions.judged(IDX, BROWSER) == Judgement(NoSession("revoked"), dead=IDX)


async def test_a_pass_ends_with_any_of_its_cookies() -> None:
    m = memory()
    await m.sessions.revoke(SID)
    assert await m.sessions.current(SID + IDX, BROWSER, vouched=True) == NoSession("revoked") and m.org.asked == []


async def test_the_order_of_cookies_makes_no_difference_but_their_number_does() -> None:
    """K1: the whole credential is the key."""
    m = memory()
    m.org.now = ALICE
    await m.sessions.current(SID + IDX, BROWSER)
    assert m.sessions.from_cache(IDX + SID) == ALICE_IS_HERE
    assert m.sessions.from_cache(SID) is m.sessions.from_cache(IDX) is None
    assert m.org.asked[0].cookies == SID + IDX and m.org.asked[0].browser == BROWSER


async def test_k6_five_hundred_who_ask_for_one_cold_session_ask_okta_once() -> None:
    m = memory()
    waiting = [asyncio.create_task(m.sessions.current(SID, BROWSER)) for _ in range(500)]
    await idle()
    assert len(m.org.asked) == 1
    m.org.asked[0].answered.set_result(ALICE)
    assert await asyncio.gather(*waiting) == [ALICE_IS_HERE] * 500
    assert (m.sessions.counts.questions, m.sessions.counts.coalesced, m.sessions.counts.hits) == (1, 499, 0)


async def test_k6_a_client_that_leaves_hurts_neither_the_others_nor_the_question() -> None:
    m = memory()
    first, second = [asyncio.create_task(m.sessions.current(SID, BROWSER)) for _ in range(2)]
    await idle()
    first.cancel()
    await idle()
    assert first.cancelled()
    m.org.asked[0].answered.set_result(ALICE)
    assert await second == ALICE_IS_HERE


async def test_a_question_whose_every_client_left_is_still_answered() -> None:
    m = memory()
    only = asyncio.create_task(m.sessions.current(SID, BROWSER))
    await idle()
    only.cancel()
    await idle()
    m.org.asked[0].answered.set_result(ALICE)
    await idle()
    assert m.sessions.from_cache(SID) == ALICE_IS_HERE


async def test_k14_with_a_ttl_of_zero_each_request_validates() -> None:
    m = memory(Lifetimes(ttl=0.0))
    m.org.now = ALICE
    for _ in range(3):
        assert await m.sessions.current(SID, BROWSER) == ALICE_IS_HERE
        assert m.sessions.from_cache(SID) is None
    m.org.now = GONE
    assert await m.sessions.current(SID, BROWSER) == NOT_FOUND
    assert len(m.org.asked) == 4


async def test_k14_with_a_ttl_of_zero_who_comes_after_the_answer_is_not_given_it() -> None:
    m = memory(Lifetimes(ttl=0.0))
    first = asyncio.create_task(m.sessions.current(SID, BROWSER))
    await idle()
    m.org.asked[0].answered.set_result(ALICE)
    second = asyncio.create_task(m.sessions.current(SID, BROWSER))  # runs when the answer is there, before its readers do
    await idle()
    assert await first == ALICE_IS_HERE and not second.done()
    third = asyncio.create_task(m.sessions.current(SID, BROWSER))
    await idle()
    m.org.asked[1].answered.set_result(GONE)
    assert await second == await third == NOT_FOUND
    assert len(m.org.asked) == 2


async def test_an_answer_that_turns_out_to_have_ended_is_replaced_at_once() -> None:
    m = memory(Lifetimes(ttl=10.0))
    m.org.now = ALICE
    await m.sessions.current(SID, BROWSER)
    m.org.now, m.times.passed = GONE, 8.0
    assert await m.sessions.current(SID, BROWSER) == ALICE_IS_HERE
    await idle()
    assert m.sessions.from_cache(SID) == NOT_FOUND


async def test_asking_ahead_in_vain_keeps_the_answer_to_its_end_and_asks_no_second_time() -> None:
    m = memory(Lifetimes(ttl=10.0))
    m.org.now = ALICE
    await m.sessions.current(SID, BROWSER)
    m.org.now, m.times.passed = DOWN, 8.0
    for _ in range(5):
        assert await m.sessions.current(SID, BROWSER) == ALICE_IS_HERE
        await idle()
    assert len(m.org.asked) == 2
    m.times.passed = 10.0
    assert await m.sessions.current(SID, BROWSER) == Unknown("unreachable")


async def test_without_grace_unknown_is_unknown_and_with_it_the_last_session_counts_a_while() -> None:
    """K8: never "signed out", and grace is asked for."""
    for grace, believed in ((0.0, False), (20.0, True)):
        m = memory(Lifetimes(ttl=10.0, grace=grace))
        m.org.now = ALICE
        await m.sessions.current(SID, BROWSER)
        m.org.now, m.times.passed = DOWN, 29.9
        assert m.sessions.from_cache(SID) is None
        assert await m.sessions.current(SID, BROWSER) == (ALICE_IS_HERE if believed else Unknown("unreachable"))
        m.times.passed = 30.0
        assert await m.sessions.current(SID, BROWSER) == Unknown("unreachable")
        assert m.sessions.counts.unknown == (1 if believed else 2)


async def test_grace_holds_only_while_okta_does_not_say() -> None:
    m = memory(Lifetimes(ttl=10.0, grace=20.0))
    m.org.now = ALICE
    await m.sessions.current(SID, BROWSER)
    m.times.passed, m.org.now = 15.0, GONE
    assert await m.sessions.current(SID, BROWSER) == NOT_FOUND
    m.times.passed, m.org.now = 18.0, DOWN
    assert await m.sessions.current(SID, BROWSER) == Unknown("unreachable")


async def test_the_ttl_stretches_while_the_rate_limit_runs_low() -> None:
    m = memory(Lifetimes(ttl=10.0, ttl_max=60.0, refresh_ahead=0.0))
    m.org.now = OktaAnswer(ALICE_IS_HERE, 200, RateLimits(100, 10))
    await m.sessions.current(SID, BROWSER)
    m.times.passed = 34.9
    assert m.sessions.from_cache(SID) == ALICE_IS_HERE
    m.times.passed = 35.0
    assert m.sessions.from_cache(SID) is None


async def test_k10_the_memory_is_bounded_and_the_least_used_goes_first() -> None:
    m = memory(max_entries=10)
    m.org.now = ALICE
    await m.sessions.current(SID, BROWSER)
    for number in range(50):
        await m.sessions.current((SessionCookie(b"sid", b"%d" % number),), BROWSER)
        assert m.sessions.from_cache(SID) == ALICE_IS_HERE
    assert len(m.sessions) == 10


async def test_an_error_of_ours_reaches_whoever_waits_and_the_log_and_is_not_kept() -> None:
    m = memory()
    waiting = asyncio.create_task(m.sessions.current(SID, BROWSER))
    await idle()
    m.org.asked[0].answered.set_exception(KeyError("a bug"))
    with pytest.raises(KeyError):
        await waiting
    await idle()
    assert m.events == [("question_failed", {"error": "KeyError"})]
    m.org.now = ALICE
    assert await m.sessions.current(SID, BROWSER) == ALICE_IS_HERE


async def test_cookies_and_tokens_are_named_by_fingerprints() -> None:
    m = memory()
    shown = m.sessions.shown_of(SID + IDX)
    assert shown == m.sessions.fingerprints(SID)[0][:6].hex() and m.sessions.shown_of(()) == ""
    assert m.sessions.fingerprint_of(SessionToken("102one")) not in m.sessions.fingerprints(SID)
