"""The front proxies, one of each for a module, and the deployment behind them, one for each test."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.fronts.deployment import FrontDeployment, fronted
from tests.fronts.recipes import RECIPES
from tests.fronts.running import RunningFront, running


@pytest.fixture(scope="module", params=RECIPES, ids=lambda recipe: recipe.name)
def front(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFront]:
    """A running front proxy with its recipe; the ports behind it are kept for whoever will serve there."""
    with running(request.param, tmp_path_factory.mktemp(request.param.name)) as made:
        yield made


@pytest.fixture
async def site(front: RunningFront) -> AsyncIterator[FrontDeployment]:
    """Org, gateway and app of one test behind the front proxy."""
    async with fronted(front) as made:
        yield made
