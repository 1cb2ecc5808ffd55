"""Owns what the tests of the seeds share: the engine, the arrangement of `dev`, Chromium, Node with the clients of npm.

Everything that runs in a browser or beside Node lives in the loop of the run, as in tests/browser. What is absent here is skipped by name.
"""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.dev.standin import Engine
from tests.browser.conftest import arrive, elsewhere, start
from tests.browser.visitor import Visitor
from tests.harness.chromium import chromium, playwright
from tests.harness.demonstration import Stage, Stages
from tests.seeds.node import MODULES, Node
from tests.seeds.pages import Pages, serving

__all__ = ["arrive", "chromium", "elsewhere", "playwright", "start"]


@pytest.fixture
def engine() -> Engine:
    """Classic Engine, where a test does not say otherwise."""
    return "classic"


@pytest_asyncio.fixture(loop_scope="session")
async def stage(start: Stages, engine: Engine) -> Stage:
    """The arrangement of `session-gateway dev`: the org behind its custom domain."""
    return await start(engine=engine)


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(stage: Stage, arrive: object) -> Visitor:
    """A person with Chromium."""
    return await arrive(stage)  # type: ignore[operator,no-any-return]  # tests/browser has its type


@pytest.fixture
def npm() -> Path:
    """The folder of the clients that npm installed."""
    if not (MODULES / "@okta" / "okta-signin-widget" / "package.json").is_file():
        pytest.skip("needs npm's clients: run make test, or npm ci --prefix tests/browser/npm")
    return MODULES


@pytest_asyncio.fixture(loop_scope="session")
async def node(npm: Path) -> AsyncIterator[Node]:
    """Programs of Node; they end with the test."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("node is not installed")
    programs = Node(found)
    yield programs
    await programs.aclose()


@pytest_asyncio.fixture(loop_scope="session")
async def pages(npm: Path) -> AsyncIterator[Pages]:
    """Pages of applications with npm's browser clients."""
    async with serving(npm) as running:
        yield running
