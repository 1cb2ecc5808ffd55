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
