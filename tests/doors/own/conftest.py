"""The deployment for the tests of this folder: its apps greet their users."""

from collections.abc import AsyncIterator

import pytest

from tests.harness.app import greets
from tests.harness.site import Site, deployed


@pytest.fixture
async def gateway() -> AsyncIterator[Site]:
    async with deployed(script=greets) as made:
        yield made
