"""A report takes effect once, whole or not at all, in every engine."""

import asyncio
from pathlib import Path

from gateway.policy.session.session import Fingerprint
from gateway.revocations import LARGEST, Remembered, Report, Revocation
from gateway.shared_state import Bounds, SharedState
from gateway.shared_state.published import REVOKED
from tests.shared_state.engines import Engine, StateClock, opened, together, until

ONE, OTHER = (Fingerprint(bytes([number]) * 16) for number in (1, 2))
ENDS = (Revocation(user_id="00u1", began_before=5.0), Revocation((ONE,), "102abc"), Revocation(user_id="00u2"))
REPORT = Report("news", b"one", 60.0, ENDS, (b"seen 1", b"seen 2"), 30.0)


async def test_what_is_reported_at_one_the_others_hear_once_and_in_order(engine: Engine, tmp_path: Path, times: StateClock) -> None:
    async with together(engine, tmp_path, times) as states:
        heard: list[list[Remembered]] = [[], [], []]
        for state, mine in zip(states, heard, strict=True):
            await state.follow(mine.append)
        assert await states[0].report(REPORT)
        assert [await state.report(REPORT) for state in states] == [False, False, False]
        expected = [Remembered(revocation, 0.0) for revocation in ENDS]
        await until(lambda: heard == [[], expected, expected], *states)
        assert await states[2].report(Report("news", b"two", 60.0, (Revocation((OTHER,)),)))
        last = Remembered(Revocation((OTHER,)), 0.0)
        await until(lambda: heard == [[last], [*expected, last], expected], *states)


async def test_reports_at_the_same_time_have_one_winner(engine: Engine, tmp_path: Path, times: StateClock) -> None:
    async with together(engine, tmp_path, times) as states:
        won = await asyncio.gather(*(state.report(REPORT) for state in (*states, *states)))
        assert sorted(won) == [False] * 5 + [True]


async def test_marks_and_the_claim_are_kept_for_their_time(state: SharedState, times: StateClock) -> None:
    assert await state.report(REPORT)
    assert [await state.get("news", mark) for mark in (b"seen 1", b"seen 2", b"seen 3")] == [b"", b"", None]
    times.passes(30.0)
    assert await state.get("news", b"seen 1") is None and not await state.report(REPORT)
    times.passes(30.0)
    assert await state.report(REPORT)


async def test_a_report_that_was_made_before_changes_nothing(state: SharedState) -> None:
    assert await state.claim("news", b"one", 60.0)
    assert not await state.report(REPORT)
    assert await state.get("news", b"seen 1") is None
    heard: list[Remembered] = []
    await state.follow(heard.append)
    assert heard == []


async def test_a_report_of_another_kind_is_another(state: SharedState) -> None:
    assert await state.report(REPORT)
    assert await state.report(Report("other news", b"one", 60.0))
    assert not await state.claim("other news", b"one", 60.0)


async def test_a_report_without_revocations_is_heard_by_nobody(engine: Engine, tmp_path: Path, times: StateClock) -> None:
    async with together(engine, tmp_path, times) as (one, other, _):
        heard: list[Remembered] = []
        await other.follow(heard.append)
        assert await one.report(Report("news", b"one", 60.0, marks=(b"seen",), mark_seconds=30.0))
        await one.publish(Revocation((ONE,)))
        await until(lambda: len(heard) == 1, other)


async def test_at_the_bound_marks_push_out_the_oldest(engine: Engine, tmp_path: Path, times: StateClock) -> None:
    async with opened(engine, tmp_path, times, {"news": Bounds(3)}) as state:
        for number in range(3):
            assert await state.report(Report("news", b"%d" % number, 60.0, (), (b"mark",), 60.0))
        assert state.forgotten == 1 and not await state.report(Report("news", b"2", 60.0))
        assert await state.report(Report("news", b"0", 60.0))


async def test_at_the_bound_a_report_says_from_when_revocations_were_forgotten(engine: Engine, tmp_path: Path, times: StateClock) -> None:
    async with opened(engine, tmp_path, times, {REVOKED: Bounds(2, LARGEST)}) as state:
        await state.publish(Revocation((OTHER,)))
        times.passes(7.0)
        assert await state.report(REPORT)
        heard: list[Remembered] = []
        await state.follow(heard.append)
        assert Remembered(Revocation(forgotten=True), 0.0) in heard
        assert [revocation for revocation, _ in heard if not revocation.forgotten] == list(ENDS[1:])
