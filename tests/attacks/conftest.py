"""The deployments on which the attacks are tried."""

from collections.abc import AsyncIterator

import pytest

from tests.harness.site import Site, deployed


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """The default: nothing in front of the gateway is trusted, Okta's answers are believed for ten seconds."""
    async with deployed() as made:
        yield made


@pytest.fixture
async def behind_a_proxy() -> AsyncIterator[Site]:
    """The same, where the client of the socket is a trusted proxy."""
    async with deployed(listen='trusted_proxies = ["127.0.0.0/8", "10.0.0.0/8"]') as made:
        yield made
