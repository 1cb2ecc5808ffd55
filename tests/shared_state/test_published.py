"""A revocation in parts, each of one kind: no kind pushes out another, and together they say the same."""

from hypothesis import given

from gateway.policy.session.session import Fingerprint
from gateway.revocations import LocalRevocations, Moved, Revocation, Rotation
from gateway.shared_state.published import FORGOTTEN, HELD, KINDS, MOVED, MOVED_SECONDS, REVOKED, ROTATION, UNSEEN, key_of, parts_of
from tests.shared_state.drawn_revocations import REVOCATIONS

ONE, OTHER = Fingerprint(b"1" * 16), Fingerprint(b"2" * 16)


def test_each_part_has_its_kind() -> None:
    rotation, moved = Rotation((ONE,), (OTHER,)), Moved((ONE,), "00u1", "browser")
    revocation = Revocation(
        (ONE, OTHER), "102abc", "00u1", (OTHER,), (ONE,), (OTHER,), "browser", moved, rotation, everybody=True, forgotten=True
    )
    assert [(part.kind, part.revocation) for part in parts_of(revocation)] == [
        (REVOKED, Revocation((ONE,), "102abc", "00u1", spared_for="browser", everybody=True)),
        (UNSEEN, Revocation((OTHER,), unseen=(OTHER,), spared_for="browser")),
        (HELD, Revocation(held=(ONE,), released=(OTHER,))),
        (ROTATION, Revocation(rotation=rotation)),
        (MOVED, Revocation(moved=moved)),
        (FORGOTTEN, Revocation(forgotten=True)),
    ]
    assert {part.kind for part in parts_of(revocation)} == set(KINDS)
    assert [part.seconds for part in parts_of(revocation) if part.kind == MOVED] == [MOVED_SECONDS]


def test_what_says_nothing_has_no_parts() -> None:
    assert list(parts_of(Revocation())) == list(parts_of(Revocation(spared_for="browser"))) == []


def test_the_same_again_has_the_same_key() -> None:
    assert key_of(b"one") == key_of(b"one") != key_of(b"other")


@given(REVOCATIONS)
def test_a_memory_that_hears_the_parts_knows_what_one_knows_that_hears_the_whole(revocation: Revocation) -> None:
    whole, parts = LocalRevocations(lambda: 100.0), LocalRevocations(lambda: 100.0)
    whole.remember(revocation)
    for part in parts_of(revocation):
        parts.remember(part.revocation)
    for memory in (whole, parts):
        assert all(memory.has_cookie((one,)) for one in revocation.fingerprints)
        assert revocation.session_mark is None or memory.has_session(revocation.session_mark)
        assert revocation.user_id is None or memory.user_since(revocation.user_id) == 100.0
        assert [memory.is_held((one,)) for one in revocation.held] == [one not in revocation.released for one in revocation.held]
        assert (memory.everybody_since() is not None, memory.forgotten_since() is not None) == (revocation.everybody, revocation.forgotten)
        assert memory.known_rotations() == ((revocation.rotation,) if revocation.rotation is not None else ())
