"""A dead worker's place is filled at once, unless its workers die early one after the other."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.restarting import LONGEST_PAUSE_SECONDS, QUICK_SECONDS, Restarts

LIVES = st.lists(st.floats(0, 1e6), max_size=50)


def after(*lives: float) -> Restarts:
    place = Restarts()
    for lived_seconds in lives:
        place = place.after(lived_seconds)
    return place


def test_one_death_is_made_good_at_once() -> None:
    assert after(0.0).pause_seconds == 0
    assert after(QUICK_SECONDS).pause_seconds == 0


def test_early_deaths_in_a_row_are_waited_for_longer_each_time_up_to_a_bound() -> None:
    assert [after(*[1.0] * deaths).pause_seconds for deaths in range(1, 9)] == [0, 0.5, 1, 2, 4, 8, 15, 15]
    assert after(*[1.0] * 5000).pause_seconds == LONGEST_PAUSE_SECONDS


@given(LIVES)
def test_a_worker_that_lived_a_while_makes_all_earlier_deaths_forgotten(lives: list[float]) -> None:
    assert after(*lives, QUICK_SECONDS) == Restarts()


@given(LIVES, st.floats(0, 1e6))
def test_no_pause_is_longer_than_the_bound_and_none_shrinks_while_workers_die_early(lives: list[float], lived_seconds: float) -> None:
    before, behind = after(*lives), after(*lives).after(lived_seconds)
    assert 0 <= behind.pause_seconds <= LONGEST_PAUSE_SECONDS
    assert lived_seconds >= QUICK_SECONDS or behind.pause_seconds >= before.pause_seconds
