"""What a session let in can be cut by its fingerprints, and nobody else's with it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.open_connections import OpenConnections
from gateway.policy.session.session import Fingerprint

ALICE, ALICE_IDX, BOB, NEW, NEWER = (Fingerprint(name) for name in (b"alice", b"alice-idx", b"bob", b"new", b"newer"))


def test_only_what_the_fingerprint_let_in_is_cut_and_once() -> None:
    live = OpenConnections()
    cut: list[str] = []
    with live.held((ALICE, ALICE_IDX), lambda: cut.append("a1")), live.held((ALICE,), lambda: cut.append("a2")):
        with live.held((BOB,), lambda: cut.append("b")):
            assert len(live) == 3
            assert live.close((ALICE, ALICE_IDX)) == 2
        assert sorted(cut) == ["a1", "a2"]
        assert live.close((BOB,)) == 0
    assert len(live) == 0
    assert live.close((ALICE,)) == 0


def test_when_everybody_is_cut_nothing_stays() -> None:
    live = OpenConnections()
    cut: list[str] = []
    with live.held((ALICE, ALICE_IDX), lambda: cut.append("a")), live.held((BOB,), lambda: cut.append("b")):
        assert live.close_all() == 2
    assert sorted(cut) == ["a", "b"] and live.close_all() == 0


def test_an_entry_is_gone_after_an_error_too() -> None:
    live = OpenConnections()
    try:
        with live.held((ALICE,), lambda: None):
            raise ConnectionError
    except ConnectionError:
        pass
    assert len(live) == 0


def test_who_would_stay_for_long_is_told_to_leave_with_and_without_a_session() -> None:
    live = OpenConnections()
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
    live = OpenConnections()
    told: list[str] = []
    live.go_away()
    with live.held((), lambda: None, lambda: told.append("late")):
        assert told == ["late"]


def test_what_is_moved_is_cut_by_its_new_names_alone_and_leaves_nothing_behind() -> None:
    live = OpenConnections()
    cut: list[str] = []
    with live.held((ALICE, ALICE_IDX), lambda: cut.append("a1")):
        with live.held((ALICE_IDX,), lambda: cut.append("a2")), live.held((BOB,), lambda: cut.append("b")):
            live.move((ALICE,), (NEW, NEWER))
            assert live.close((ALICE,)) == 0
            assert live.close((ALICE_IDX,)) == 1
            assert live.close((NEW, NEWER)) == 1 and cut == ["a2", "a1"]
            live.move((NEW,), (ALICE,))
            assert live.close((NEWER,)) == 0 and live.close((ALICE,)) == 1
        assert len(live) == 1
    assert len(live) == 0 and live.close((ALICE, NEW, NEWER)) == 0


names = st.sets(st.sampled_from([ALICE, ALICE_IDX, BOB, NEW, NEWER]), min_size=1).map(tuple)


@given(st.lists(names, min_size=1, max_size=4), st.lists(st.tuples(names, names), max_size=4), names)
def test_moving_never_loses_nor_doubles_a_connection(held: list[tuple[Fingerprint, ...]], moves: list[Any], asked: Any) -> None:
    live, cut = OpenConnections(), set[int]()
    cuts = [lambda number=number: cut.add(number) for number in range(len(held))]
    under = [set(each) for each in held]
    for each, one in zip(held, cuts, strict=True):
        live.hold(each, one)
    for old, new in moves:
        live.move(old, new)
        under = [set(new) if each & set(old) else each for each in under]
    live.close(asked)
    assert cut == {number for number, each in enumerate(under) if each & set(asked)}
    for each, one in zip(held, cuts, strict=True):
        live.release(each, one)
    assert len(live) == 0
