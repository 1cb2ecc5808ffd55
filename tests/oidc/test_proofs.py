"""The source of truth that is made of proofs: what it adds to the contract of tests/sessions/test_contract.py."""

from gateway.policy.oidc.own_session import DUE, OwnSession, cookie_of
from gateway.policy.session.session import NoSession, Session, SessionCookie, Unknown
from gateway.revocations import Revocation
from tests.harness.clock import WALL
from tests.sessions.scripted import BROWSER
from tests.sessions.sources import INTERVAL, ByProofs

OWN = OwnSession("own", "00u-alice", "alice@example.com", WALL - 60.0, WALL)


async def test_a_newer_proof_of_the_same_session_counts_for_an_older_pass() -> None:
    source = ByProofs()
    source.memory.times.passed = INTERVAL
    old = cookie_of(OWN)
    assert (await source.proofs.session((old,), BROWSER)).finding == DUE
    await source.proofs.keep(OwnSession("own", "00u-alice", "alice@example.com", WALL, WALL + 290.0))
    found = await source.proofs.session((old,), BROWSER)
    assert isinstance(found.finding, Session)
    assert found.age_seconds == 10.0
    assert found.finding.ends_at == WALL + 290.0 + INTERVAL


async def test_a_newer_proof_of_another_user_counts_for_nobody_else() -> None:
    source = ByProofs()
    source.memory.times.passed = INTERVAL
    await source.proofs.keep(OwnSession("own", "00u-bob", "bob@example.com", WALL, WALL + 290.0))
    assert (await source.proofs.session((cookie_of(OWN),), BROWSER)).finding == DUE


async def test_a_fresh_proof_counts_while_the_state_is_away_and_a_due_one_is_unknown() -> None:
    source = ByProofs()
    source.is_away = True
    assert isinstance((await source.proofs.session((cookie_of(OWN),), BROWSER)).finding, Session)
    source.memory.times.passed = INTERVAL
    assert (await source.proofs.session((cookie_of(OWN),), BROWSER)).finding == Unknown("state_failed")


async def test_a_proof_from_before_a_user_was_signed_out_is_no_answer_to_a_question_after_it() -> None:
    """Asking anew costs nothing and says the same: the answer is as old as the proof."""
    source = ByProofs()
    await source.signs_in("alice")
    source.memory.times.passed = 5.0
    await source.memory.revocations.publish(Revocation(user_id="00u-alice"))
    sessions = source.memory.sessions
    assert await sessions.current(source.cookies, BROWSER, vouched=True) == NoSession("revoked")
    source.memory.times.passed = 6.0
    await source.signs_in("alice")
    assert isinstance(await sessions.current(source.cookies, BROWSER, vouched=True), Session)


async def test_cookies_of_the_org_mean_nothing_here() -> None:
    source = ByProofs()
    for cookies in ((SessionCookie(b"sid", b"102"),), (cookie_of(OWN), cookie_of(OWN)), ()):
        assert (await source.proofs.session(cookies, BROWSER)).finding == NoSession("not_found")


async def test_a_revoked_session_is_proven_gone() -> None:
    source = ByProofs()
    await source.memory.sessions.revoke((), session_id="own")
    assert (await source.proofs.refresh((cookie_of(OWN),), BROWSER)).finding == NoSession("not_found")
    assert (await source.proofs.close((cookie_of(OWN),), BROWSER)).status == 204
