"""A pass from before the memory began goes round once; within one memory, and from other replicas, it never does."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.passes import Pass
from gateway.policy.session.revocation_epoch import EVER, MOST_EPOCHS, RevocationEpoch, is_remembered, with_epoch

names = st.sampled_from(["a", "b", "c", "d", "e", "f"])
seconds = st.floats(0, 4e9)


def made(issued_at: float, epoch: str) -> Pass:
    return Pass((), "00u1", "102abc", issued_at, "", epoch)


@given(names, seconds, seconds)
def test_within_one_memory_no_clock_is_looked_at(name: str, issued_at: float, started_at: float) -> None:
    assert is_remembered(made(issued_at, name), RevocationEpoch(name, started_at))


@given(names, names, seconds, seconds)
def test_a_pass_of_another_memory_counts_from_half_a_minute_after_the_start(mine: str, other: str, issued_at: float, start: float) -> None:
    remembered = is_remembered(made(issued_at, other), RevocationEpoch(mine, start))
    assert remembered == (mine == other or issued_at >= start + 30.0)


@given(st.lists(names, min_size=1, max_size=MOST_EPOCHS, unique=True), seconds)
def test_a_pass_goes_through_one_hand_off_for_each_memory_however_they_take_turns(replicas: list[str], start: float) -> None:
    """Replicas that began together: each one that refuses the pass puts its name beside the others', so no browser goes round for ever."""
    held = made(start, "of the process before")
    rounds = 0
    for name in replicas * 3:
        if not is_remembered(held, RevocationEpoch(name, start)):
            held = made(start, with_epoch(name, held.epoch))
            rounds += 1
    assert rounds == len(replicas)
    assert all(is_remembered(held, RevocationEpoch(name, start)) for name in replicas)


@given(st.text(max_size=80), st.text(max_size=400))
def test_the_names_are_bounded_and_the_newest_stays(name: str, others: str) -> None:
    kept = with_epoch(name, others).split(" ")
    assert len(kept) <= MOST_EPOCHS and all(len(one) <= 64 for one in kept)
    if name and len(name) <= 64 and " " not in name:
        assert kept[0] == name


@given(seconds, names)
def test_a_memory_that_forgot_nothing_knows_every_pass(issued_at: float, name: str) -> None:
    assert is_remembered(made(issued_at, name), EVER) and is_remembered(made(issued_at, ""), EVER)
