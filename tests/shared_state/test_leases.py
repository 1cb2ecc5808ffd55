"""Leases of every engine: one holder at a time, all keys or none, an end by itself, and no change by a holder that is too late."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import LeaseLost, StateFailed
from gateway.shared_state import Bounds, Lease, SharedState
from tests.shared_state.engines import ENGINES, Engine, StateClock, made, opened


async def _lease(state: SharedState, owner: bytes, *keys: bytes, seconds: float = 10.0) -> Lease:
    lease = await state.lease(keys, owner, seconds)
    assert lease is not None
    return lease


async def test_a_key_has_one_holder_until_it_is_released(state: SharedState) -> None:
    lease = await _lease(state, b"one", b"b", b"a", b"b")
    assert (lease.keys, lease.owner) == ((b"a", b"b"), b"one")
    assert await state.lease([b"a"], b"other", 10.0) is None
    await state.release(lease)
    assert (await _lease(state, b"other", b"a")).number > lease.number


async def test_all_keys_or_none(state: SharedState) -> None:
    await _lease(state, b"one", b"b")
    assert await state.lease([b"a", b"b", b"c"], b"other", 10.0) is None
    await _lease(state, b"third", b"a", b"c")


async def test_of_many_that_want_overlapping_keys_at_once_no_two_hold_the_same(state: SharedState) -> None:
    wanted = [(b"a", b"b"), (b"b", b"c"), (b"c", b"a"), (b"d",), (b"a", b"b", b"c", b"d")] * 4
    leases = await asyncio.gather(*(state.lease(keys, b"%d" % number, 10.0) for number, keys in enumerate(wanted)))
    held = [key for lease in leases if lease is not None for key in lease.keys]
    assert len(held) == len(set(held)) > 1


async def test_a_lease_ends_by_itself(state: SharedState, times: StateClock) -> None:
    lease = await _lease(state, b"one", b"a", seconds=10.0)
    times.passes(9.75)
    assert await state.lease([b"a"], b"other", 10.0) is None
    times.passes(0.25)
    other = await _lease(state, b"other", b"a")
    assert other.number > lease.number
    assert not await state.renew(lease, 10.0)
    await state.release(lease)  # of one that was lost: the new holder keeps it
    assert await state.lease([b"a"], b"third", 10.0) is None


async def test_a_lease_that_is_renewed_lasts_longer_and_one_that_has_ended_is_not_taken_again(
    state: SharedState, times: StateClock
) -> None:
    lease = await _lease(state, b"one", b"a", b"b", seconds=10.0)
    times.passes(8.0)
    assert await state.renew(lease, 10.0)
    times.passes(8.0)
    assert await state.lease([b"b"], b"other", 10.0) is None
    times.passes(2.0)
    assert not await state.renew(lease, 10.0)
    await _lease(state, b"other", b"b")


async def test_a_lease_of_which_one_key_was_lost_is_lost(state: SharedState, times: StateClock) -> None:
    lease = await _lease(state, b"one", b"a", b"b")
    times.passes(10.0)
    await _lease(state, b"other", b"b", seconds=5.0)
    times.passes(5.0)
    assert not await state.renew(lease, 10.0)
    with pytest.raises(LeaseLost):
        await state.put("record", b"k", b"late", 60.0, under=lease)


async def test_the_same_owner_gets_a_new_lease_in_place_of_its_old_one(state: SharedState) -> None:
    old = await _lease(state, b"one", b"a")
    new = await _lease(state, b"one", b"a", b"b")
    assert new.number > old.number
    assert not await state.renew(old, 10.0)
    await state.release(old)
    assert await state.lease([b"a"], b"other", 10.0) is None


async def test_changes_under_a_lease_are_made_while_it_is_held(state: SharedState) -> None:
    lease = await _lease(state, b"one", b"a")
    await state.put("record", b"k", b"1", 60.0, under=lease)
    assert await state.get("record", b"k") == b"1"
    await state.delete("record", b"k", under=lease)
    assert await state.get("record", b"k") is None


async def test_changes_of_a_holder_that_is_too_late_are_refused(state: SharedState, times: StateClock) -> None:
    late = await _lease(state, b"one", b"a")
    times.passes(10.0)
    for holder in (None, b"other"):
        new = await _lease(state, holder, b"a") if holder is not None else None
        await state.put("record", b"k", b"new", 60.0, under=new)
        with pytest.raises(LeaseLost):
            await state.put("record", b"k", b"late", 60.0, under=late)
        with pytest.raises(LeaseLost):
            await state.delete("record", b"k", under=late)
        assert await state.get("record", b"k") == b"new"


async def test_a_change_under_a_released_lease_is_refused(state: SharedState) -> None:
    lease = await _lease(state, b"one", b"a")
    await state.release(lease)
    await state.release(lease)
    with pytest.raises(LeaseLost):
        await state.put("record", b"k", b"late", 60.0, under=lease)


async def test_a_lease_needs_a_key(state: SharedState) -> None:
    with pytest.raises(ValueError, match="key"):
        await state.lease([], b"one", 10.0)


async def test_leases_are_no_entries_and_are_refused_rather_than_pushed_out(engine: Engine, tmp_path: Path, times: StateClock) -> None:
    async with opened(engine, tmp_path, times, {"lease": Bounds(3, 1000)}) as state:
        held = await _lease(state, b"one", b"a", b"b")
        with pytest.raises(StateFailed):
            await state.lease([b"c", b"d"], b"other", 10.0)
        assert await state.renew(held, 10.0)
        await _lease(state, b"other", b"c")
        times.passes(10.0)
        await _lease(state, b"third", b"d", b"e", b"f")


_STEPS = st.one_of(
    st.tuples(st.just("lease"), st.sets(st.sampled_from([b"a", b"b", b"c"]), min_size=1), st.sampled_from([1.0, 3.0])),
    st.tuples(st.sampled_from(["renew", "release", "put"]), st.just(set[bytes]()), st.sampled_from([1.0, 3.0])),
    st.tuples(st.just("wait"), st.just(set[bytes]()), st.sampled_from([0.5, 1.0, 2.5])),
)


class _PlainLeases:
    """The same promises in the plainest words: of each key its owner, the number of the lease, and its end."""

    def __init__(self) -> None:
        self.held: dict[bytes, tuple[bytes, int, float]] = {}

    def is_free(self, keys: set[bytes], owner: bytes, now: float) -> bool:
        return all(key not in self.held or self.held[key][0] == owner or self.held[key][2] <= now for key in keys)

    def holds(self, lease: Lease, now: float) -> bool:
        return all(key in self.held and self.held[key][1] == lease.number and self.held[key][2] > now for key in lease.keys)

    def gives(self, lease: Lease, ends: float) -> None:
        self.held.update(dict.fromkeys(lease.keys, (lease.owner, lease.number, ends)))

    def ends(self, lease: Lease) -> None:
        self.held = {key: held for key, held in self.held.items() if held[1] != lease.number}


async def _follow(state: SharedState, times: StateClock, steps: list[tuple[tuple[str, set[bytes], float], int]]) -> None:
    plain, last, highest = _PlainLeases(), dict[bytes, Lease](), 0
    for (step, keys, seconds), who in steps:
        now, owner = times.monotonic, b"%d" % who
        lease = last.get(owner)
        if step == "wait":
            times.passes(seconds)
        elif step == "lease":
            is_free, got = plain.is_free(keys, owner, now), await state.lease(keys, owner, seconds)
            assert (got is not None) is is_free
            if got is not None:
                assert got.number > highest
                last[owner], highest = got, got.number
                plain.gives(got, now + seconds)
        elif step == "renew" and lease is not None:
            is_held = plain.holds(lease, now)
            assert await state.renew(lease, seconds) is is_held
            if is_held:
                plain.gives(lease, now + seconds)
        elif step == "release" and lease is not None:
            await state.release(lease)
            plain.ends(lease)
        elif lease is not None:
            try:
                await state.put("record", b"k", b"", 60.0, under=lease)
                was_held = True
            except LeaseLost:
                was_held = False
            assert was_held is plain.holds(lease, now)


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=150, deadline=None)
@given(steps=st.lists(st.tuples(_STEPS, st.integers(0, 2)), max_size=30))
def test_whatever_is_done_no_two_hold_a_key_and_only_a_holder_changes_anything(
    engine: Engine, steps: list[tuple[tuple[str, set[bytes], float], int]]
) -> None:
    times = StateClock()

    async def followed(folder: Path) -> None:
        state = made(engine, folder, times)
        await _follow(state, times, steps)
        await state.aclose()

    with TemporaryDirectory() as folder:
        asyncio.run(followed(Path(folder)))
