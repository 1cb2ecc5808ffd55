"""What one source makes fail is that source's; what several make fail is Okta's."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.session.cache import Breaker
from gateway.policy.session.circuits import MOST_SOURCES, Circuits

QUICK = Breaker(threshold=3, rest_seconds=5.0)
steps = st.lists(st.tuples(st.sampled_from(["failed", "answered", "abandoned"]), st.sampled_from("abcd")), max_size=60)


def after(circuits: Circuits, outcome: str, source: str, now: float = 0.0) -> Circuits:
    asked = circuits.asking(source)
    if outcome == "failed":
        return asked.failed(now, source)
    return asked.answered(source) if outcome == "answered" else asked.abandoned(source)


@given(steps)
def test_it_opens_for_everybody_exactly_when_enough_failures_in_a_row_come_from_enough_sources(outcomes: list[tuple[str, str]]) -> None:
    circuits, row = Circuits.of(QUICK), list[str]()
    for outcome, source in outcomes:
        circuits = after(circuits, outcome, source)
        row = [*row, source] if outcome == "failed" else [] if outcome == "answered" else row
        assert circuits.is_open == (len(row) >= 3 and len(set(row)) >= 3)
        assert circuits.is_open == (not circuits.admits(0.0, "somebody else"))
        assert all(circuits.admits(100.0, each) for each in "abcd")


@given(st.lists(st.sampled_from(["failed", "answered", "abandoned"]), max_size=60), st.integers(1, 5))
def test_one_source_never_opens_it_for_another(outcomes: list[str], threshold: int) -> None:
    circuits, alone = Circuits.of(Breaker(threshold=threshold)), Breaker(threshold=threshold)
    for outcome in outcomes:
        circuits = after(circuits, outcome, "a")
        alone = (
            alone.asking().failed(0.0) if outcome == "failed" else alone.answered() if outcome == "answered" else alone.asking().abandoned()
        )
        assert circuits.admits(0.0, "b") and not circuits.is_open
        assert circuits.admits(0.0, "a") == alone.admits(0.0)


def test_a_source_whose_circuit_is_open_learns_when_it_may_probe_and_an_answer_closes_it() -> None:
    circuits = Circuits.of(QUICK)
    assert circuits.open_until("a") is None
    for now in (1.0, 2.0, 3.0):
        circuits = circuits.failed(now, "a")
    assert circuits.open_until("a") == 8.0 and circuits.open_until("b") is None
    probing = circuits.asking("a")
    assert not probing.admits(9.0, "a") and probing.abandoned("a").admits(9.0, "a") and probing.answered("a").admits(0.0, "a")


def test_only_so_many_sources_are_remembered() -> None:
    circuits = Circuits.of(Breaker(threshold=10**9))
    for number in range(2 * MOST_SOURCES):
        circuits = circuits.failed(0.0, str(number))
    assert len(circuits.own) == MOST_SOURCES and str(2 * MOST_SOURCES - 1) in circuits.own and len(circuits.in_a_row) == 3
