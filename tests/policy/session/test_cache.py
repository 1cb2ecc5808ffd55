"""How long an answer is believed, and when Okta is left alone."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.session.cache import Breaker, Budget, EntryState, Lifetimes, RateLimits, entry_of, lifetime, rate_limits, state
from gateway.policy.session.session import NoSession, Session, Unknown

WALL = 1_800_000_000.0


def session(ends_in: float = 3600.0) -> Session:
    return Session("102abc", "00u1", "alice@example.com", datetime.fromtimestamp(WALL + ends_in, UTC))


spans = st.floats(0, 1000)
lifetimes = st.builds(Lifetimes, spans, spans, st.floats(0, 2), spans, st.floats(0, 1))
shortages = st.floats(0, 1)


@given(lifetimes, shortages, st.floats(-100, 1000))
def test_a_session_is_believed_for_its_ttl_and_never_past_its_end(settings: Lifetimes, shortage: float, ends_in: float) -> None:
    seconds = lifetime(session(ends_in), settings, shortage, WALL)
    assert 0 <= seconds <= max(settings.ttl, settings.ttl_max) + 1e-6
    assert seconds <= max(0.0, ends_in + 1e-3)
    entry = entry_of(session(ends_in), settings, shortage, 50.0, WALL)
    assert 50.0 <= entry.due_at <= entry.fresh_until <= entry.grace_until
    assert entry.grace_until <= 50.0 + max(0.0, ends_in) + 1e-3
    assert entry.grace_until <= entry.fresh_until + settings.grace + 1e-6


@given(lifetimes, shortages)
def test_k9_no_session_is_believed_for_two_seconds_at_most_and_never_graced(settings: Lifetimes, shortage: float) -> None:
    entry = entry_of(NoSession("not_found"), settings, shortage, 50.0, WALL)
    assert entry.due_at == entry.fresh_until == entry.grace_until <= 52.0
    assert lifetime(NoSession("not_found"), settings, shortage, WALL) <= settings.ttl


@given(lifetimes, shortages)
def test_unknown_is_not_believed_at_all(settings: Lifetimes, shortage: float) -> None:
    assert lifetime(Unknown("status_500"), settings, shortage, WALL) == 0.0


@given(spans, shortages)
def test_k14_a_ttl_of_zero_never_stretches(ttl_max: float, shortage: float) -> None:
    assert lifetime(session(), Lifetimes(ttl=0.0, ttl_max=ttl_max), shortage, WALL) == 0.0
    assert lifetime(NoSession("not_found"), Lifetimes(ttl=0.0), shortage, WALL) == 0.0


@pytest.mark.parametrize(("shortage", "seconds"), [(0.0, 10.0), (0.5, 35.0), (1.0, 60.0)])
def test_the_ttl_stretches_with_the_shortage(shortage: float, seconds: float) -> None:
    assert lifetime(session(), Lifetimes(ttl=10.0, ttl_max=60.0), shortage, WALL) == seconds


def test_a_ttl_above_its_own_maximum_does_not_shrink() -> None:
    assert lifetime(session(), Lifetimes(ttl=30.0, ttl_max=10.0), 1.0, WALL) == 30.0


@pytest.mark.parametrize(
    ("now", "worth"),
    [
        (100.0, EntryState.FRESH),
        (107.4, EntryState.FRESH),
        (107.5, EntryState.DUE),
        (109.9, EntryState.DUE),
        (110.0, EntryState.GRACE),
        (114.9, EntryState.GRACE),
        (115.0, EntryState.DEAD),
    ],
)
def test_an_entry_goes_from_fresh_to_dead(now: float, worth: EntryState) -> None:
    entry = entry_of(session(), Lifetimes(ttl=10.0, grace=5.0, refresh_ahead=0.25), 0.0, 100.0, WALL)
    assert state(entry, now) is worth


def test_grace_ends_with_the_session() -> None:
    entry = entry_of(session(ends_in=12.0), Lifetimes(ttl=10.0, grace=30.0), 0.0, 100.0, WALL)
    assert (entry.fresh_until, entry.grace_until) == (110.0, 112.0)


@pytest.mark.parametrize(
    ("fields", "limits"),
    [
        ({}, None),
        ({"X-Rate-Limit-Limit": "600"}, None),
        ({"X-Rate-Limit-Limit": "600", "X-Rate-Limit-Remaining": "-1"}, None),
        ({"X-Rate-Limit-Limit": "6 00", "X-Rate-Limit-Remaining": "1"}, None),
        ({"X-Rate-Limit-Limit": "٦", "X-Rate-Limit-Remaining": "1"}, None),
        ({"X-Rate-Limit-Limit": "9" * 13, "X-Rate-Limit-Remaining": "1"}, None),
        ({"X-Rate-Limit-Limit": "600", "X-Rate-Limit-Remaining": "599"}, RateLimits(600, 599)),
        (
            {
                "X-Rate-Limit-Limit": "600",
                "X-Rate-Limit-Remaining": "0",
                "X-Rate-Limit-Reset": "1800000030",
                "Date": "Fri, 15 Jan 2027 08:00:00 GMT",
            },
            RateLimits(600, 0, 1800000030.0, 1800000000.0),
        ),
        ({"X-Rate-Limit-Limit": "6", "X-Rate-Limit-Remaining": "5", "Date": "yesterday"}, RateLimits(6, 5)),
        ({"X-Rate-Limit-Limit": "6", "X-Rate-Limit-Remaining": "5", "Date": "Fri, 15 Jan 99999 08:00:00 GMT"}, RateLimits(6, 5)),
    ],
)
def test_rate_limits_are_read_from_an_answer(fields: dict[str, str], limits: RateLimits | None) -> None:
    assert rate_limits(fields) == limits


def test_the_shortage_begins_below_a_fifth_and_ends_at_three_tenths() -> None:
    budget, seen = Budget(), []
    for remaining in (100, 20, 19, 10, 0, 25, 29, 30, 25):
        budget = budget.after(RateLimits(100, remaining))
        seen.append(round(budget.shortage, 2))
    assert seen == [0.0, 0.0, 0.05, 0.5, 1.0, 1.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize("limits", [None, RateLimits(0, 0)])
def test_an_answer_without_a_limit_says_nothing(limits: RateLimits | None) -> None:
    assert Budget(0.5).after(limits) == Budget(0.5)


@pytest.mark.parametrize(
    ("limits", "retry_at", "seconds"),
    [
        (RateLimits(600, 0, WALL + 30), None, 30.0),
        (RateLimits(600, 0, WALL + 30, WALL + 20), None, 10.0),  # Okta's clock is 20 s ahead of ours
        (RateLimits(600, 0, WALL + 3600), None, 60.0),
        (RateLimits(600, 0, WALL - 10), None, 1.0),
        (RateLimits(600, 0), WALL + 7, 7.0),
        (None, WALL + 7, 7.0),
        (None, None, 5.0),
    ],
)
def test_k7_after_a_429_the_wait_lasts_until_the_reset_within_bounds(
    limits: RateLimits | None, retry_at: float | None, seconds: float
) -> None:
    assert Budget(0.5).after_refusal(limits, retry_at, 100.0, WALL) == Budget(0.5, 100.0 + seconds)
    assert Budget(0.5, 1000.0).after_refusal(limits, retry_at, 100.0, WALL) == Budget(0.5, 1000.0)


def test_k8_the_breaker_opens_after_failures_in_a_row_and_lets_one_probe_through() -> None:
    breaker = Breaker(threshold=3, rest_seconds=5.0)
    for _ in range(2):
        breaker = breaker.asking().failed(0.0)
        assert breaker.admits(0.0)
    breaker = breaker.failed(0.0)
    assert [breaker.admits(now) for now in (0.0, 4.9, 5.0)] == [False, False, True]
    probing = breaker.asking()
    assert not probing.admits(6.0)
    assert probing.abandoned().admits(6.0)
    again = probing.failed(6.0)
    assert [again.admits(now) for now in (10.9, 11.0)] == [False, True]
    assert probing.answered() == Breaker(threshold=3, rest_seconds=5.0)


def test_an_answer_between_failures_keeps_the_breaker_closed() -> None:
    breaker = Breaker(threshold=2)
    for _ in range(10):
        breaker = breaker.failed(0.0).answered()
    assert breaker.admits(0.0)


@given(st.lists(st.sampled_from(["failed", "answered", "abandoned"])), st.integers(1, 4))
def test_the_breaker_is_open_exactly_while_the_last_failures_reach_the_threshold(outcomes: list[str], threshold: int) -> None:
    breaker, in_a_row = Breaker(threshold=threshold), 0
    for outcome in outcomes:
        breaker = breaker.asking()
        if outcome == "failed":
            breaker, in_a_row = breaker.failed(0.0), in_a_row + 1
        elif outcome == "answered":
            breaker, in_a_row = breaker.answered(), 0
        else:
            breaker = breaker.abandoned()
        assert breaker.admits(0.0) == (in_a_row < threshold)
        assert breaker.admits(100.0)
