"""Two gateways that Okta calls, on one memory of each engine. Checks nothing by itself."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.doors.hooks.two_gateways import TwoGateways, two_gateways
from tests.harness.redis_servers import needs_redis
from tests.shared_state.engines import Engine


@pytest.fixture(params=["memory", "sqlite", pytest.param("redis", marks=needs_redis)])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.param
    return found


@pytest.fixture
async def there(tmp_path: Path, engine: Engine) -> AsyncIterator[TwoGateways]:
    async with two_gateways(tmp_path, engine) as made:
        yield made
