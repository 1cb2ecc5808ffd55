"""What a session let in can be cut by its fingerprints, and nobody else's with it."""

from gateway.core.session import Fingerprint
from gateway.proxy.live import Live

ALICE, ALICE_IDX, BOB = (Fingerprint(name) for name in (b"alice", b"alice-idx", b"bob"))


def test_only_what_the_fingerprint_let_in_is_cut_and_once() -> None:
    live = Live()
    cut: list[str] = []
    with live.held((ALICE, ALICE_IDX), lambda: cut.append("a1")), live.held((ALICE,), lambda: cut.append("a2")):
        with live.held((BOB,), lambda: cut.append("b")):
            assert len(live) == 3
            assert live.close((ALICE, ALICE_IDX)) == 2
        assert sorted(cut) == ["a1", "a2"]
        assert live.close((BOB,)) == 0
    assert len(live) == 0
    assert live.close((ALICE,)) == 0


def test_an_entry_is_gone_after_an_error_too() -> None:
    live = Live()
    try:
        with live.held((ALICE,), lambda: None):
            raise ConnectionError
    except ConnectionError:
        pass
    assert len(live) == 0


def test_who_would_stay_for_long_is_told_to_leave_with_and_without_a_session() -> None:
    live = Live()
    told: list[str] = []
    with (
        live.held((ALICE,), lambda: told.append("cut"), lambda: told.append("socket")),
        live.held((), lambda: told.append("cut"), lambda: told.append("public socket")),
        live.held((ALICE,), lambda: told.append("answer cut")),
    ):
        assert len(live) == 3
        assert live.go_away() == 2
        assert told == ["socket", "public socket"]
    assert live.go_away() == 0


def test_who_comes_while_everybody_leaves_is_told_at_once() -> None:
    live = Live()
    told: list[str] = []
    live.go_away()
    with live.held((), lambda: None, lambda: told.append("late")):
        assert told == ["late"]
