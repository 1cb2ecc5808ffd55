"""A change of user in a browser is never undone by an answer to an older question."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.oidc.browser_proof import BrowserProof, GoesOn, Outdated, Switches, following
from gateway.policy.oidc.id_tokens import Proof

ALICE, BOB = Proof("00u-alice", "alice@example.com", 100.0), Proof("00u-bob", "bob@example.com", 50.0)
OF_ALICE = BrowserProof("session-1", "00u-alice", 1000.0)


def test_a_browser_without_a_proof_begins() -> None:
    assert following(None, ALICE, 10.0, False) == GoesOn()


def test_the_same_user_keeps_her_session_unless_it_ended() -> None:
    assert following(OF_ALICE, ALICE, 10.0, False) == GoesOn("session-1")
    assert following(OF_ALICE, ALICE, 10.0, True) == GoesOn()


def test_another_user_is_a_switch_and_an_older_question_is_outdated() -> None:
    assert following(OF_ALICE, BOB, 1000.1, False) == Switches("session-1")
    assert following(OF_ALICE, BOB, 1000.0, False) == Outdated()
    assert BrowserProof.unpacked(OF_ALICE.packed()) == OF_ALICE


@given(st.lists(st.tuples(st.sampled_from([ALICE, BOB]), st.integers(0, 50)), max_size=30))
def test_users_change_only_by_questions_from_after_the_last_change(answers: list[tuple[Proof, int]]) -> None:
    """Answers in any order: the browser's user is another one only after that one's session was revoked."""
    last, revoked = None, set[str]()
    for now, (proof, asked_ago) in enumerate(answers, start=100):
        step = following(last, proof, float(now - asked_ago), last is not None and last.session_id in revoked)
        if isinstance(step, Outdated):
            assert last is not None
            assert last.kept_at >= now - asked_ago
            continue
        if isinstance(step, Switches):
            revoked.add(step.old_session_id)
        session_id = step.session_id if isinstance(step, GoesOn) and step.session_id else f"session-{now}"
        if last is not None and last.user_id != proof.user_id:
            assert last.session_id in revoked
        assert session_id not in revoked
        last = BrowserProof(session_id, proof.user_id, float(now))
