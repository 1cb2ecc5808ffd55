"""The app door, for the tests of this folder."""

from collections.abc import AsyncIterator

import pytest

from tests.harness.app_gateway import AppGateway, app_gateway


@pytest.fixture
async def gateway() -> AsyncIterator[AppGateway]:
    async with app_gateway() as made:
        yield made
