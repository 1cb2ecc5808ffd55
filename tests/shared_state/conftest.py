"""The fixtures of the shared state: a clock that the tests move, and every engine. Checks nothing by itself."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.shared_state import SharedState
from tests.shared_state.engines import ENGINES, Engine, Times, opened


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.param
    return found


@pytest.fixture
async def state(engine: Engine, tmp_path: Path, times: Times) -> AsyncIterator[SharedState]:
    async with opened(engine, tmp_path, times) as made_one:
        yield made_one
