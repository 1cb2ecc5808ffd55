"""The fixtures of the shared state: a clock that the tests move, and every engine. Checks nothing by itself."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.shared_state import SharedState
from tests.shared_state.engines import ENGINES, Engine, StateClock, opened
from tests.shared_state.two_states import TwoStates


@pytest.fixture
def times() -> StateClock:
    return StateClock()


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.param
    return found


@pytest.fixture
async def state(engine: Engine, tmp_path: Path, times: StateClock) -> AsyncIterator[SharedState]:
    async with opened(engine, tmp_path, times) as made_one:
        yield made_one


@pytest.fixture
async def two(tmp_path: Path, times: StateClock) -> AsyncIterator[TwoStates]:
    made = TwoStates(tmp_path, times)
    await made.follow()
    yield made
    await made.aclose()
