"""How long the event hook is relied on."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.hooks.hook_trust import LATE_SECONDS, MOST_AWAITED, WINDOW_SECONDS, AwaitedEvents, HookTrust, is_fresh


def test_nothing_is_trusted_at_first() -> None:
    assert not HookTrust().covers(0.0, 0.0)


def test_a_trust_counts_until_a_moment_after_the_last_look() -> None:
    trust = HookTrust().looked("one", 100.0)
    assert trust.covers(100.0, 100.0 + WINDOW_SECONDS - 0.001)
    assert not trust.covers(100.0, 100.0 + WINDOW_SECONDS)


def test_answers_from_before_the_trust_are_not_covered() -> None:
    trust = HookTrust().looked("one", 100.0).looked("one", 101.0)
    assert trust.covers(100.0, 102.0)
    assert not trust.covers(99.999, 102.0)


def test_another_trust_begins_anew_and_none_ends_it() -> None:
    trust = HookTrust().looked("one", 100.0)
    assert not trust.looked("two", 101.0).covers(100.5, 101.5)
    assert trust.looked("", 101.0) == HookTrust()


def test_a_pause_between_two_looks_ends_nothing_for_good() -> None:
    trust = HookTrust().looked("one", 100.0)
    assert not trust.covers(100.0, 160.0)
    assert trust.looked("one", 160.0).covers(100.0, 160.0)


@given(st.lists(st.tuples(st.sampled_from(["", "one", "two"]), st.floats(0.1, 10)), max_size=20), st.floats(0, 200))
def test_no_answer_is_covered_that_was_asked_before_the_last_change(looks: list[tuple[str, float]], asked_at: float) -> None:
    trust, now, changed, last = HookTrust(), 0.0, 0.0, ""
    for name, seconds in looks:
        now += seconds
        trust = trust.looked(name, now)
        changed, last = (now if name != last else changed), name
    assert trust.covers(asked_at, now) == (last != "" and asked_at >= changed)


def test_an_event_is_fresh_for_five_minutes() -> None:
    assert is_fresh(1000.0, 1000.0 + LATE_SECONDS)
    assert not is_fresh(1000.0, 1000.1 + LATE_SECONDS)
    assert is_fresh(2000.0, 1000.0)


def test_a_sign_in_is_overdue_once_after_five_minutes() -> None:
    awaited = AwaitedEvents()
    awaited.begin("00alice", 10.0)
    awaited.begin("00bob", 20.0)
    awaited.begin("00alice", 100.0)
    assert awaited.overdue(10.0 + LATE_SECONDS - 0.001) == ()
    assert awaited.overdue(10.0 + LATE_SECONDS) == ("00alice",)
    assert awaited.overdue(1000.0) == ("00bob",)
    assert awaited.overdue(1000.0) == ()


def test_the_sign_ins_awaited_are_bounded_and_forgotten_together() -> None:
    awaited = AwaitedEvents()
    for number in range(MOST_AWAITED + 5):
        awaited.begin(f"00{number}", 0.0)
    assert len(awaited) == MOST_AWAITED
    awaited.clear()
    assert len(awaited) == 0
