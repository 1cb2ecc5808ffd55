"""Whatever is done to a shared state, in whatever order: it is the plainest memory."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.shared_state import Bounds, SharedState
from tests.shared_state.engines import ENGINES, Engine, StateClock, made

_KEYS = st.sampled_from([b"a", b"b", b"c", b"d"])
_STEPS = st.one_of(
    st.tuples(st.just("claim"), _KEYS, st.sampled_from([1.0, 3.0, 10.0])),
    st.tuples(st.just("put"), _KEYS, st.sampled_from([1.0, 3.0, 10.0])),
    st.tuples(st.just("take"), _KEYS, st.just(0.0)),
    st.tuples(st.just("delete"), _KEYS, st.just(0.0)),
    st.tuples(st.just("wait"), st.just(b""), st.sampled_from([0.5, 1.0, 2.5])),
)


class _PlainEntries:
    """The same promises in the plainest words: a list of (key, end), oldest first; at most three."""

    def __init__(self) -> None:
        self.kept: list[tuple[bytes, float]] = []

    def does(self, step: str, key: bytes, seconds: float, now: float) -> object:
        self.kept = [entry for entry in self.kept if entry[1] > now]
        had = any(entry[0] == key for entry in self.kept)
        if step in ("put", "take", "delete"):
            self.kept = [entry for entry in self.kept if entry[0] != key]
        if step == "put" or (step == "claim" and not had):
            self.kept = [*self.kept[-2:], (key, now + seconds)]
        return {"claim": not had, "take": b"" if had else None}.get(step)


async def _follow(state: SharedState, times: StateClock, steps: list[tuple[str, bytes, float]]) -> None:
    plain = _PlainEntries()
    for step, key, seconds in steps:
        expected = plain.does(step, key, seconds, times.monotonic)
        match step:
            case "claim":
                assert await state.claim("k", key, seconds) is expected
            case "put":
                await state.put("k", key, b"", seconds)
            case "take":
                assert await state.take("k", key) == expected
            case "delete":
                await state.delete("k", key)
            case _:
                times.passes(seconds)
                plain.does(step, key, seconds, times.monotonic)
        assert [name for name, _ in await state.entries("k")] == [name for name, _ in plain.kept]


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=150, deadline=None)
@given(steps=st.lists(_STEPS, max_size=40))
def test_whatever_is_done_in_whatever_order_it_is_the_plainest_memory(engine: Engine, steps: list[tuple[str, bytes, float]]) -> None:
    times = StateClock()

    async def followed(folder: Path) -> None:
        state = made(engine, folder, times, {"k": Bounds(3, 1000)})
        await _follow(state, times, steps)
        await state.aclose()

    with TemporaryDirectory() as folder:
        asyncio.run(followed(Path(folder)))
