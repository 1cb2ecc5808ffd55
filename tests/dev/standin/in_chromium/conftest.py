"""Owns running orgs beside Chromium: they live in the loop of the run, as the browser does."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.dev.standin.conftest import Serve, serving
from tests.harness.chromium import chromium, playwright

__all__ = ["chromium", "playwright"]


@pytest_asyncio.fixture(loop_scope="session")
async def start() -> AsyncIterator[Serve]:
    """Start an org on a free port; it stops with the test."""
    async with serving() as started:
        yield started
