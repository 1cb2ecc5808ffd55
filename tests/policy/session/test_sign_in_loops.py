"""Ways round: every circle ends, whatever is its cause, and neither users who take turns nor tabs are one."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.session.sign_in_loops import (
    BOUNCE_SECONDS,
    BOUNCES_ALLOWED,
    MOST_ROUNDS,
    STRAIGHT_ON_ALLOWED,
    LoopRound,
    StartMark,
    way_of,
)

NONCE = "n" * 22
Cause = Callable[[StartMark, float], StartMark]
SESSIONS, TARGETS = st.sampled_from(("s1", "s2", "s3", "s4")), st.sampled_from(("/", "/a", "/b"))
HANDED_OVER: st.SearchStrategy[Cause] = st.builds(
    lambda session, target: lambda mark, now: mark.sent_round(now, way_of(session, target)), SESSIONS, TARGETS
)
NO_SESSION: Cause = StartMark.sent_round
STRAIGHT_ON: Cause = StartMark.went_on
CAUSES = st.one_of(HANDED_OVER, st.just(NO_SESSION), st.just(STRAIGHT_ON))
SKEWS = st.lists(st.integers(-20, 20), min_size=1, max_size=4)


def ways_until_it_ends(causes: list[Cause], seconds: float, skews: list[int]) -> int:
    """How often a browser goes round before a page tells it so, where each way takes ``seconds``, at replicas whose clocks differ."""
    cookie, passed = b"", 0.0
    for count in range(10 * MOST_ROUNDS):
        now = 1_000_000.0 + passed + skews[count % len(skews)]
        mark = StartMark.parse(cookie, now)
        if mark.is_loop():
            return count
        cookie = causes[count % len(causes)](mark, now).render().encode()
        passed += seconds
    raise AssertionError("it never ends")


@given(st.lists(CAUSES, min_size=1, max_size=12), st.floats(0, 0.5), SKEWS)
def test_every_circle_ends_whatever_sends_the_browser_round(causes: list[Cause], seconds: float, skews: list[int]) -> None:
    assert ways_until_it_ends(causes, seconds, skews) <= MOST_ROUNDS


@given(HANDED_OVER, st.floats(0, 6), SKEWS)
def test_a_circle_of_one_session_ends_after_the_promised_number(cause: Cause, seconds: float, skews: list[int]) -> None:
    assert ways_until_it_ends([cause], seconds, skews) == BOUNCES_ALLOWED
    assert ways_until_it_ends([NO_SESSION], seconds, skews) == BOUNCES_ALLOWED


@given(HANDED_OVER, st.floats(0, 0.5), SKEWS)
def test_a_live_pass_that_is_refused_all_the_same_ends_too(cause: Cause, seconds: float, skews: list[int]) -> None:
    assert ways_until_it_ends([STRAIGHT_ON], seconds, skews) == STRAIGHT_ON_ALLOWED
    assert ways_until_it_ends([cause, STRAIGHT_ON], seconds, skews) == 2 * STRAIGHT_ON_ALLOWED


@given(st.lists(CAUSES, max_size=MOST_ROUNDS), st.integers(0, 10**10))
def test_no_cause_takes_a_way_back_before_its_minute_is_over(causes: list[Cause], began: int) -> None:
    mark, now = StartMark(NONCE), float(began)
    for count, cause in enumerate(causes, start=1):
        mark = StartMark.parse(cause(mark, now).render().encode(), now + BOUNCE_SECONDS)
        assert len(mark.rounds) == count and mark.nonce == NONCE
    assert StartMark.parse(mark.render().encode(), now + BOUNCE_SECONDS + 1) == StartMark(NONCE)


@given(st.integers(0, MOST_ROUNDS - 1), TARGETS)
def test_users_who_take_turns_and_tabs_that_open_at_once_are_no_circle(count: int, target: str) -> None:
    turns = tabs = StartMark(None)
    for n in range(count):
        turns, tabs = turns.sent_round(1000.0, way_of(f"session {n}", target)), tabs.sent_round(1000.0, way_of("session", f"/tab/{n}"))
    assert not turns.is_loop() and not tabs.is_loop()


def test_hand_offs_that_worked_do_not_add_up() -> None:
    mark = StartMark(None)
    for _ in range(STRAIGHT_ON_ALLOWED - 1):
        mark = mark.sent_round(1000.0, way_of("session", "/")).went_on(1000.0)
        assert not mark.is_loop()


def test_a_way_names_neither_the_session_nor_the_target() -> None:
    names = {way_of(session, target) for session in ("s1", "s2") for target in ("/", "/\udcff")}
    assert len(names) == 4 and {len(name) for name in names} == {8}


@pytest.mark.parametrize(
    ("value", "mark"),
    [
        (None, StartMark(None)),
        (b"", StartMark(None)),
        (NONCE.encode(), StartMark(NONCE)),
        (NONCE.encode() + b"~990~1000.AbCd-_12", StartMark(NONCE, (LoopRound(990), LoopRound(1000, "AbCd-_12")))),
        (b"~990", StartMark(None, (LoopRound(990),))),
        (b"short~990", StartMark(None, (LoopRound(990),))),
        (NONCE.encode() + b"~940~941~1060~1061", StartMark(NONCE, (LoopRound(941), LoopRound(1060)))),
        (NONCE.encode() + b"~x~-1~+990~ 990~9e2~\xb2~990.~990.a.b~990.123456789~990.\xe9", StartMark(NONCE)),
        (NONCE.encode() * 6, StartMark(None)),
        (NONCE.encode() + b"\n", StartMark(None)),
        (NONCE.encode() + b"~990\n", StartMark(NONCE)),
        (b"~1000" * (MOST_ROUNDS + 5), StartMark(None, (LoopRound(1000),) * MOST_ROUNDS)),
    ],
)
def test_a_start_mark_holds_what_is_understood_and_young(value: bytes | None, mark: StartMark) -> None:
    assert StartMark.parse(value, 1000.5) == mark


@given(st.binary(max_size=60), st.floats(0, 1e12))
def test_any_cookie_value_is_a_mark(value: bytes, now: float) -> None:
    mark = StartMark.parse(value, now)
    assert StartMark.parse(mark.render().encode(), now) == mark


@given(st.from_regex(r"[A-Za-z0-9_-]{22,128}", fullmatch=True), st.lists(CAUSES, max_size=2 * MOST_ROUNDS))
def test_a_mark_survives_its_cookie(nonce: str, causes: list[Cause]) -> None:
    mark = StartMark(nonce)
    for cause in causes:
        mark = cause(mark, 1000.7)
    assert StartMark.parse(mark.render().encode(), 1000.7) == mark and len(mark.rounds) <= MOST_ROUNDS
    assert len(mark.render()) < 1000, "it goes with every request to the app host, for a minute"
