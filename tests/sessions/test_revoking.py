"""A revoked cookie, session or user is not believed, whatever Okta says, and however late it says so."""

import asyncio

import pytest

from gateway.errors import Unreachable
from gateway.policy.session.cache import Lifetimes
from gateway.policy.session.session import NoSession, SessionCookie, Unknown
from gateway.revocations import LocalRevocations, Revocation
from tests.sessions.scripted import ALICE, BOB, BROWSER, DOWN, GONE, IDX, OTHER, SID, Memory, answer, idle, memory, session

REVOKED = NoSession("revoked")
ROTATED = (SessionCookie(b"idx", b"eyJtwo"),)


async def signed_in(m: Memory, *many: tuple[SessionCookie, ...]) -> None:
    m.org.now = ALICE
    for cookies in many:
        await m.sessions.current(cookies, BROWSER)


async def test_c7_a_revoked_cookie_is_no_session_alone_or_among_others() -> None:
    m = memory()
    await signed_in(m, SID, SID + IDX, OTHER)
    await m.sessions.revoke(SID)
    assert m.sessions.is_revoked(SID) and m.sessions.is_revoked(IDX + SID) and not m.sessions.is_revoked(IDX)
    assert m.sessions.from_cache(SID) == m.sessions.from_cache(SID + IDX) == REVOKED
    assert await m.sessions.current(IDX + SID, BROWSER, vouched=True) == REVOKED
    assert len(m.org.asked) == 3
    assert await m.sessions.current(IDX + SID, BROWSER) == REVOKED  # the other cookie is asked about, and belongs to the session that ended
    assert m.org.asked[3].cookies == IDX


async def test_the_session_of_a_revoked_cookie_is_revoked_with_it() -> None:
    """Another cookie of the same session, which nobody knew to be kin: its ``idx`` rotated somewhere else."""
    m = memory()
    await signed_in(m, SID, ROTATED)
    await m.sessions.revoke(SID)
    assert m.sessions.from_cache(ROTATED) == REVOKED
    m.times.passed = 100.0
    assert await m.sessions.current(ROTATED, BROWSER) == REVOKED  # asked, and not believed
    assert await m.sessions.current(IDX, BROWSER) == REVOKED


async def test_a_session_that_was_revoked_by_its_id_is_not_believed_under_any_cookie() -> None:
    m = memory()
    await signed_in(m, SID)
    await m.sessions.revoke((), session_id="102abc")
    assert m.sessions.from_cache(SID) == await m.sessions.current(IDX, BROWSER) == REVOKED
    assert not m.sessions.is_revoked(SID)


async def test_what_was_asked_about_a_user_before_his_revocation_is_asked_again() -> None:
    m = memory()
    await signed_in(m, SID)
    m.times.passed = 1.0
    await m.sessions.revoke((), user_id="00u-alice")
    assert m.sessions.from_cache(SID) is None
    m.org.now = DOWN
    assert await m.sessions.current(SID, BROWSER) == Unknown("unreachable")
    m.times.passed, m.org.now = 2.0, ALICE
    assert await m.sessions.current(SID, BROWSER) == m.sessions.from_cache(SID) == session()


async def test_a_question_of_the_same_instant_as_the_revocation_came_before_it() -> None:
    m = memory()
    await signed_in(m, SID)
    await m.sessions.revoke((), user_id="00u-alice")
    assert m.sessions.from_cache(SID) is None


@pytest.mark.parametrize("how", ["cookie", "session"])
async def test_a_revocation_that_comes_while_okta_is_asked_discards_the_answer(how: str) -> None:
    m = memory(Lifetimes(ttl=10.0, grace=60.0))
    await signed_in(m, SID)
    m.org.now, m.times.passed = None, 10.0
    waiting = [asyncio.create_task(m.sessions.current(SID, BROWSER)) for _ in range(3)]
    await idle()
    m.times.passed = 11.0
    await m.sessions.revoke(
        SID if how == "cookie" else (),
        session_id="102abc" if how == "session" else None,
    )
    m.org.asked[1].answered.set_result(ALICE)
    assert await asyncio.gather(*waiting) == [REVOKED] * 3
    assert len(m.sessions) == 0


async def test_a_user_of_whom_something_is_heard_while_okta_is_asked_is_asked_about_once_more() -> None:
    m = memory()
    waiting = [asyncio.create_task(m.sessions.current(SID, BROWSER)) for _ in range(3)]
    await idle()
    m.times.passed = 1.0
    await m.revocations.publish(Revocation(user_id="00u-alice"))
    m.times.passed = 2.0
    m.org.asked[0].answered.set_result(ALICE)
    await idle()
    assert not any(task.done() for task in waiting)
    m.org.asked[1].answered.set_result(GONE)
    assert await asyncio.gather(*waiting) == [NoSession("not_found")] * 3
    assert len(m.org.asked) == 2


async def test_a_revocation_between_the_answer_and_the_one_who_waits_counts() -> None:
    m = memory()
    waiting = asyncio.create_task(m.sessions.current(SID, BROWSER))
    await idle()
    m.org.asked[0].answered.set_result(ALICE)
    await asyncio.sleep(0)  # the question has its answer, the waiter does not
    await asyncio.sleep(0)
    assert not waiting.done()
    m.times.passed = 1.0
    await m.revocations.publish(Revocation(m.sessions.fingerprints(SID)))
    assert await waiting == REVOKED


async def test_k8_a_revoked_session_has_no_grace() -> None:
    for revocation in (Revocation(session_mark="102abc"), Revocation(user_id="00u-alice")):
        m = memory(Lifetimes(ttl=10.0, grace=60.0))
        await signed_in(m, SID)
        m.org.now, m.times.passed = None, 15.0
        waiting = asyncio.create_task(m.sessions.current(SID, BROWSER))
        await idle()
        await m.revocations.publish(revocation)
        m.org.asked[1].answered.set_result(DOWN)
        assert await waiting in (REVOKED, Unknown("unreachable"))
        m.org.now = DOWN
        assert await m.sessions.current(SID, BROWSER) in (REVOKED, Unknown("unreachable"))


async def test_l14_a_revocation_of_another_replica_counts_as_our_own() -> None:
    m = memory()
    await signed_in(m, SID)
    await m.revocations.publish(Revocation(m.sessions.fingerprints(SID)))
    assert m.sessions.from_cache(SID) == REVOKED


async def test_nothing_to_revoke_is_told_to_nobody() -> None:
    m = memory()
    heard: list[Revocation] = []
    m.revocations.subscribe(heard.append)
    await m.sessions.revoke(())
    await m.sessions.revoke(SID)
    fingerprints = m.sessions.fingerprints(SID)
    assert heard == [Revocation(fingerprints, unseen=fingerprints)]


async def test_only_cookies_that_okta_never_named_anybody_for_are_remembered_apart() -> None:
    m = memory()
    heard: list[Revocation] = []
    m.revocations.subscribe(heard.append)
    await signed_in(m, SID)
    await m.sessions.adopt(SID, ROTATED)
    for cookies in (OTHER, SID + OTHER, ROTATED):
        await m.sessions.revoke(cookies)
    other = m.sessions.fingerprints(OTHER)
    assert [revocation.unseen for revocation in heard if revocation.fingerprints] == [other, other, ()]


async def test_a_cookie_that_okta_never_named_anybody_for_takes_nobody_with_it() -> None:
    """It was dead before the sign-in, or planted: whoever shows it later, elsewhere, must not end the session that came after it."""
    m = memory()
    await m.sessions.adopt(SID, OTHER)
    await signed_in(m, OTHER)
    await m.sessions.revoke(SID)
    assert m.sessions.from_cache(OTHER) == session() and m.sessions.is_revoked(SID)


async def test_a_cookie_of_another_user_takes_nobody_with_it_when_its_answer_is_forgotten() -> None:
    m = memory(Lifetimes(ttl=10.0))
    await signed_in(m, SID)
    m.times.passed, m.org.now = 600.0, BOB
    await m.sessions.adopt(SID, OTHER)
    assert await m.sessions.current(OTHER, BROWSER) == session("bob", "102bob")
    await m.sessions.revoke(SID)
    assert m.sessions.from_cache(OTHER) == session("bob", "102bob")


async def test_kin_are_told_from_strangers() -> None:
    m = memory()
    await signed_in(m, SID)
    await m.sessions.adopt(SID, ROTATED)
    are_of_one_family = m.sessions.are_of_one_family
    assert are_of_one_family(SID, ROTATED) and are_of_one_family(ROTATED, SID) and are_of_one_family(OTHER, OTHER + SID)
    assert not are_of_one_family(SID, OTHER) and not are_of_one_family(SID, ()) and not are_of_one_family((), SID)


async def test_revoking_one_cookie_revokes_what_it_rotated_from_and_to() -> None:
    m = memory()
    await m.sessions.adopt(IDX, ROTATED)
    await m.sessions.adopt(ROTATED, SID)
    await m.sessions.revoke(ROTATED)
    assert [m.sessions.is_revoked(cookies) for cookies in (IDX, ROTATED, SID, OTHER)] == [True, True, True, False]


async def test_a_cookie_that_joins_a_revoked_family_is_revoked() -> None:
    m = memory()
    await m.sessions.revoke(IDX)
    await m.sessions.adopt(IDX, ROTATED)
    await idle()
    assert m.sessions.is_revoked(ROTATED)


async def test_what_one_process_knows_of_kin_all_know() -> None:
    one, other = memory(), memory()
    one.revocations.subscribe(other.revocations.remember)
    await signed_in(one, IDX)
    await one.sessions.adopt(IDX, ROTATED)
    await other.sessions.revoke(IDX)
    assert other.sessions.is_revoked(ROTATED)


async def test_whoever_hears_of_a_revocation_revokes_the_kin_that_only_he_knows() -> None:
    one, other = memory(), memory()
    await signed_in(other, IDX)
    await other.sessions.adopt(IDX, ROTATED)
    one.revocations.subscribe(other.revocations.remember)
    await one.sessions.revoke(IDX)
    await idle()
    assert other.sessions.is_revoked(ROTATED)


async def test_one_browser_one_user_the_older_kin_of_another_user_are_revoked() -> None:
    m = memory()
    await signed_in(m, SID)
    await m.sessions.adopt(SID, OTHER)
    m.org.now = BOB
    assert await m.sessions.current(OTHER, BROWSER) == session("bob", "102bob")
    assert m.sessions.from_cache(SID) == REVOKED and not m.sessions.is_revoked(OTHER)
    assert m.names() == ["kin_revoked"]


async def test_one_browser_one_user_a_late_answer_about_the_older_cookie_is_revoked_itself() -> None:
    m = memory()
    await m.sessions.adopt(SID, OTHER)
    m.org.now = BOB
    await m.sessions.current(OTHER, BROWSER)
    m.org.now = ALICE
    assert await m.sessions.current(SID, BROWSER) == REVOKED
    assert m.sessions.from_cache(OTHER) == session("bob", "102bob")


async def test_kin_of_the_same_user_stay() -> None:
    m = memory()
    await signed_in(m, IDX)
    await m.sessions.adopt(IDX, ROTATED)
    await signed_in(m, ROTATED)
    assert m.sessions.from_cache(IDX) == m.sessions.from_cache(ROTATED) == session()
    assert m.names() == []


class UnreachableRevocations(LocalRevocations):
    """Remembers, and cannot reach the others."""

    async def publish(self, revocation: Revocation) -> None:
        self.remember(revocation)
        raise Unreachable("redis")


async def test_where_others_cannot_be_told_the_caller_learns_it_and_here_it_counts_all_the_same() -> None:
    m = memory(kind=UnreachableRevocations)
    with pytest.raises(Unreachable):
        await m.sessions.revoke(SID)
    assert m.sessions.from_cache(SID) == REVOKED
    await m.sessions.adopt(SID, OTHER)
    await idle()
    assert m.sessions.is_revoked(OTHER)
    told = [event for event in m.events if event[0] != "revoked"]
    assert told == 2 * [("revocation_not_shared", {"reason": "unreachable"})], "of the kin, and of their end"


async def test_l16_a_session_that_okta_ended_is_refused_within_the_ttl() -> None:
    m = memory(Lifetimes(ttl=10.0))
    await signed_in(m, SID)
    m.org.now, m.times.passed = GONE, 10.0
    assert await m.sessions.current(SID, BROWSER) == NoSession("not_found")


async def test_a_session_that_ends_and_one_that_begins_are_two() -> None:
    m = memory()
    await signed_in(m, SID)
    await m.sessions.revoke(SID)
    m.org.now = answer(session("alice", "102new"))
    assert await m.sessions.current(OTHER, BROWSER) == session("alice", "102new")


async def test_an_id_of_okta_s_is_published_as_a_mark_and_one_of_the_release_before_still_counts() -> None:
    """On Classic the id may be the value of ``sid``."""
    m = memory()
    heard: list[Revocation] = []
    m.revocations.subscribe(heard.append)
    await m.sessions.revoke((), session_id="102secret")
    assert m.sessions.has_session_ended("102secret") and not m.sessions.has_session_ended("102other")
    assert heard[0].session_mark is not None and "102secret" not in repr(heard)
    await m.revocations.publish(Revocation(session_mark="102other"))
    assert m.sessions.has_session_ended("102other")
