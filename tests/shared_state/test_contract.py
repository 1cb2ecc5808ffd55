"""What every engine of the shared state promises."""

import asyncio
from pathlib import Path

import pytest

from gateway.errors import StateFailed
from gateway.shared_state import Bounds, SharedState
from tests.shared_state.engines import Engine, StateClock, opened


async def test_a_claim_has_one_winner_until_it_ends(state: SharedState, times: StateClock) -> None:
    assert await state.claim("ticket", b"a", 10.0)
    assert not await state.claim("ticket", b"a", 10.0)
    times.passes(9.75)
    assert not await state.claim("ticket", b"a", 10.0)
    times.passes(0.25)
    assert await state.claim("ticket", b"a", 10.0)


async def test_a_claim_that_was_lost_does_not_lengthen_the_one_that_was_won(state: SharedState, times: StateClock) -> None:
    assert await state.claim("ticket", b"a", 10.0)
    times.passes(6.0)
    assert not await state.claim("ticket", b"a", 10.0)
    times.passes(6.0)
    assert await state.claim("ticket", b"a", 10.0)


async def test_claims_of_other_keys_and_kinds_are_others(state: SharedState) -> None:
    assert await state.claim("ticket", b"a", 10.0)
    assert await state.claim("ticket", b"b", 10.0)
    assert await state.claim("token", b"a", 10.0)


async def test_claims_at_the_same_time_have_one_winner(state: SharedState) -> None:
    won = await asyncio.gather(*(state.claim("ticket", b"a", 10.0) for _ in range(20)))
    assert sum(won) == 1


async def test_a_value_is_kept_until_its_end(state: SharedState, times: StateClock) -> None:
    await state.put("record", b"a", b"\x00\xff value", 10.0)
    times.passes(9.75)
    assert await state.get("record", b"a") == b"\x00\xff value"
    times.passes(0.25)
    assert await state.get("record", b"a") is None
    assert await state.take("record", b"a") is None
    assert await state.entries("record") == []


async def test_a_value_put_again_takes_the_place_of_the_one_before(state: SharedState, times: StateClock) -> None:
    await state.put("record", b"a", b"old", 10.0)
    await state.put("record", b"b", b"other", 10.0)
    times.passes(8.0)
    await state.put("record", b"a", b"new", 10.0)
    times.passes(8.0)
    assert await state.get("record", b"a") == b"new"
    assert await state.entries("record") == [(b"a", b"new")]


async def test_what_is_put_with_a_shorter_end_ends_then(state: SharedState, times: StateClock) -> None:
    await state.put("record", b"a", b"old", 100.0)
    await state.put("record", b"a", b"new", 1.0)
    times.passes(1.0)
    assert await state.get("record", b"a") is None


async def test_a_value_is_taken_once(state: SharedState) -> None:
    await state.put("record", b"a", b"1", 10.0)
    taken = await asyncio.gather(*(state.take("record", b"a") for _ in range(5)))
    assert [value for value in taken if value is not None] == [b"1"]
    assert await state.get("record", b"a") is None


async def test_a_value_that_is_put_very_often_is_one_entry_with_the_last_end(state: SharedState, times: StateClock) -> None:
    for number in range(500):
        await state.put("record", b"a", b"%d" % number, 1000.0 - number)
    assert await state.entries("record") == [(b"a", b"499")]
    times.passes(501.0)
    await state.put("record", b"b", b"", 10.0)
    assert await state.entries("record") == [(b"b", b"")]


async def test_what_is_deleted_is_absent_and_deleting_it_again_is_no_error(state: SharedState) -> None:
    await state.put("record", b"a", b"1", 10.0)
    await state.put("record", b"b", b"2", 10.0)
    await state.delete("record", b"a")
    await state.delete("record", b"a")
    assert await state.entries("record") == [(b"b", b"2")]


async def test_a_claim_that_is_deleted_can_be_won_again(state: SharedState) -> None:
    assert await state.claim("ticket", b"a", 10.0)
    await state.delete("ticket", b"a")
    assert await state.claim("ticket", b"a", 10.0)


async def test_entries_come_oldest_first_and_a_value_put_again_is_the_newest(state: SharedState) -> None:
    for key in (b"b", b"a", b"c"):
        await state.put("record", key, b"", 10.0)
    await state.put("record", b"b", b"again", 10.0)
    assert await state.entries("record") == [(b"a", b""), (b"c", b""), (b"b", b"again")]
    assert await state.entries("nothing") == []


async def test_an_empty_key_is_a_key(state: SharedState) -> None:
    await state.put("record", b"", b"1", 10.0)
    assert await state.get("record", b"") == b"1"


async def test_at_the_bound_of_entries_the_oldest_go_and_are_counted(engine: Engine, tmp_path: Path, times: StateClock) -> None:
    async with opened(engine, tmp_path, times, {"record": Bounds(3, 1000)}) as state:
        for key in (b"a", b"b", b"c", b"d", b"e"):
            await state.put("record", key, b"", 10.0)
            await state.put("unbounded", key, b"", 10.0)
        assert [key for key, _ in await state.entries("record")] == [b"c", b"d", b"e"]
        assert len(await state.entries("unbounded")) == 5
        assert state.forgotten == 2


async def test_at_the_bound_of_bytes_the_oldest_go(engine: Engine, tmp_path: Path, times: StateClock) -> None:
    async with opened(engine, tmp_path, times, {"record": Bounds(100, 30)}) as state:
        for key in (b"a", b"b", b"c"):
            await state.put("record", key, b"123456789", 10.0)
        await state.put("record", b"d", b"12345678901234", 10.0)
        assert [key for key, _ in await state.entries("record")] == [b"c", b"d"]
        assert state.forgotten == 2


async def test_what_is_deleted_or_replaced_makes_room(engine: Engine, tmp_path: Path, times: StateClock) -> None:
    async with opened(engine, tmp_path, times, {"record": Bounds(2, 30)}) as state:
        await state.put("record", b"a", b"1" * 20, 10.0)
        await state.put("record", b"a", b"2" * 25, 10.0)
        await state.delete("record", b"a")
        await state.put("record", b"b", b"3" * 20, 10.0)
        assert await state.take("record", b"b") is not None
        await state.put("record", b"c", b"4" * 20, 10.0)
        assert (await state.entries("record"), state.forgotten) == ([(b"c", b"4" * 20)], 0)


async def test_what_is_over_goes_before_what_is_not_and_is_not_counted(engine: Engine, tmp_path: Path, times: StateClock) -> None:
    async with opened(engine, tmp_path, times, {"record": Bounds(3, 1000)}) as state:
        await state.put("record", b"long", b"", 100.0)
        await state.put("record", b"short", b"", 5.0)
        await state.put("record", b"middle", b"", 50.0)
        times.passes(5.0)
        await state.put("record", b"new", b"", 10.0)
        assert [key for key, _ in await state.entries("record")] == [b"long", b"middle", b"new"]
        assert state.forgotten == 0


async def test_an_entry_that_its_kind_has_no_room_for_is_refused_and_pushes_out_nothing(
    engine: Engine, tmp_path: Path, times: StateClock
) -> None:
    async with opened(engine, tmp_path, times, {"record": Bounds(3, 10)}) as state:
        await state.put("record", b"a", b"1", 10.0)
        with pytest.raises(StateFailed):
            await state.put("record", b"b", b"1" * 10, 10.0)
        assert await state.entries("record") == [(b"a", b"1")]


async def test_what_is_over_is_deleted_with_later_writes(engine: Engine, tmp_path: Path, times: StateClock) -> None:
    async with opened(engine, tmp_path, times, {"record": Bounds(200, 100_000)}) as state:
        for number in range(200):
            await state.put("record", b"%d" % number, b"", 1.0)
        times.passes(1.0)
        for number in range(200):
            await state.put("record", b"new %d" % number, b"", 1.0)
        assert state.forgotten == 0
        assert len(await state.entries("record")) == 200


async def test_an_epoch_is_another_ones_for_another_memory(engine: Engine, tmp_path: Path, times: StateClock) -> None:
    async with opened(engine, tmp_path / "one", times) as one, opened(engine, tmp_path / "other", times) as other:
        await one.follow(lambda heard: None)
        await other.follow(lambda heard: None)
        assert one.epoch != other.epoch and len(one.epoch) == 16
