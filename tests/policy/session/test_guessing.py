"""Guesses leave the greater part of Okta's limit to sessions that are known."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.session.cache import RateLimits
from gateway.policy.session.guessing import WINDOW_SECONDS, GuessBudget

WALL = 1_800_000_000.0


@given(st.integers(1, 300), st.lists(st.booleans(), max_size=600))
def test_guesses_use_at_most_half_of_what_the_others_leave(limit: int, wanted: list[bool]) -> None:
    """``wanted``: whether the next question is a guess, each answered before the next one."""
    budget, guesses, others = GuessBudget().after(RateLimits(limit, limit, WALL + 60), 0.0, WALL), 0, 0
    for is_guess in wanted:
        if is_guess and budget.wait_seconds(0.0) == 0.0:
            assert guesses < 0.5 * (limit - others)
            budget, guesses = budget.guessed(0.0), guesses + 1
        elif not is_guess and guesses + others < limit:
            others += 1
        budget = budget.after(RateLimits(limit, limit - guesses - others, WALL + 60), 0.0, WALL)


@given(st.integers(1, 8))
def test_several_workers_together_use_no_more_than_the_share(workers: int) -> None:
    budgets, left = [GuessBudget(0.5 / workers) for _ in range(workers)], 600
    for number in range(2000):
        mine = number % workers
        budget = budgets[mine].after(RateLimits(600, left), 0.0, WALL)
        if budget.wait_seconds(0.0) == 0.0:
            budget, left = budget.guessed(0.0), left - 1
        budgets[mine] = budget
    assert left >= 300 - workers


def test_nothing_is_refused_before_okta_has_told_its_limit() -> None:
    budget = GuessBudget()
    for _ in range(1000):
        assert budget.wait_seconds(0.0) == 0.0
        budget = budget.guessed(0.0)


def test_a_real_session_is_given_back_and_a_new_window_begins_with_nothing() -> None:
    budget = GuessBudget().after(RateLimits(4, 1, WALL + 30, WALL + 10), 0.0, WALL).guessed(0.0)
    assert budget.wait_seconds(5.0) == 15.0
    assert budget.was_none(5.0).wait_seconds(5.0) == 0.0 and budget.was_none(5.0).was_none(5.0).spent == 0
    assert budget.wait_seconds(20.0) == 0.0
    assert budget.at(20.0) == GuessBudget(ends_at=20.0 + WINDOW_SECONDS)
    assert budget.after(None, 5.0, WALL) == budget
