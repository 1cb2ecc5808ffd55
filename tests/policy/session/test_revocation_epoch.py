"""A pass from before the memory began goes round once; within one memory, and from other replicas, it never does."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.session.passes import Pass
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


moments = st.floats(0, 4e9)


@given(names, moments, moments)
def test_a_pass_from_before_everybody_was_signed_out_does_not_count_and_one_made_behind_it_does(
    name: str, everybody_at: float, issued_at: float
) -> None:
    before, after = RevocationEpoch(name, 0.0), RevocationEpoch(name, 0.0, everybody_at=everybody_at)
    assert is_remembered(made(issued_at, before.name), after) == (issued_at >= everybody_at + 30.0)
    assert is_remembered(made(issued_at, after.name), after)
    assert before.name != after.name


@given(names, names, moments, st.floats(0, 1e6))
def test_a_pass_from_before_what_the_bound_pushed_out_does_not_count(mine: str, other: str, forgotten_at: float, age: float) -> None:
    full = RevocationEpoch(mine, 0.0, forgotten_at=forgotten_at)
    assert not is_remembered(made(forgotten_at - age, with_epoch(mine, other)), full)
    assert is_remembered(made(forgotten_at + 91.0 + age, other), full)
    assert is_remembered(made(forgotten_at - age, full.name), full)


@given(names, moments, st.lists(st.floats(0, 59), max_size=50))
def test_a_full_memory_outdates_passes_once_a_minute_at_most(name: str, start: float, steps: list[float]) -> None:
    start = 60.0 * (start // 60.0) + 0.5
    under_pressure = {RevocationEpoch(name, 0.0, forgotten_at=start + step).name for step in steps}
    assert len(under_pressure) <= 1


@given(names, moments, moments, moments)
def test_a_pass_of_this_memory_needs_no_younger_process(name: str, started_at: float, forgotten_at: float, issued_at: float) -> None:
    """After a restart the memory is the same: what counts is what it forgot, not when the process began."""
    epoch = RevocationEpoch(name, started_at, forgotten_at)
    assert is_remembered(made(issued_at, name), epoch) == (issued_at >= epoch.counts_from + 30.0)
    assert is_remembered(made(issued_at, "z"), epoch) == (issued_at >= max(started_at, epoch.counts_from) + 30.0)


@given(names, moments, moments)
def test_a_name_fits_into_a_pass_and_holds_both_moments(name: str, forgotten_at: float, everybody_at: float) -> None:
    epoch = RevocationEpoch(name * 16, 0.0, forgotten_at, everybody_at)
    assert with_epoch(epoch.name, "") == epoch.name
    assert epoch.name.split(".") == [name * 16, f"{-(-forgotten_at // 60) * 60:.0f}", f"{everybody_at:.0f}"]
    assert RevocationEpoch(name, 0.0, everybody_at=everybody_at).name == f"{name}..{everybody_at:.0f}"


@given(st.text(max_size=80), st.text(max_size=400))
def test_the_names_are_bounded_and_the_newest_stays(name: str, others: str) -> None:
    kept = with_epoch(name, others).split(" ")
    assert len(kept) <= MOST_EPOCHS and all(len(one) <= 64 for one in kept)
    if name and len(name) <= 64 and " " not in name:
        assert kept[0] == name


@given(seconds, names)
def test_a_memory_that_forgot_nothing_knows_every_pass(issued_at: float, name: str) -> None:
    assert is_remembered(made(issued_at, name), EVER) and is_remembered(made(issued_at, ""), EVER)
