"""Running orgs, browsers, and the clients that Okta publishes."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import DummyCookieJar

from gateway.dev.standin import Org, RunningOrg, serve
from tests.dev.standin.browser import OrgBrowser

ALICE, BOB, PASSWORD = "alice@example.com", "bob@example.com", "correct-horse"
_AUTH_JS = Path(__file__).parents[2] / "browser" / "npm" / "node_modules" / "@okta" / "okta-auth-js"
_WANTED = "needs npm's @okta/okta-auth-js: run make test, or npm ci --prefix tests/browser/npm"

Serve = Callable[[Org], Awaitable[RunningOrg]]
Open = Callable[[RunningOrg], OrgBrowser]


@asynccontextmanager
async def serving() -> AsyncIterator[Serve]:
    """A function that starts an org on a free port; all stop at the end."""
    running: list[RunningOrg] = []

    async def started(org: Org) -> RunningOrg:
        running.append(await serve(org, "127.0.0.1", 0))
        return running[-1]

    yield started
    for each in running:
        await each.aclose()


@pytest.fixture
async def start() -> AsyncIterator[Serve]:
    """Start an org on a free port; it stops with the test."""
    async with serving() as started:
        yield started


@pytest.fixture
async def browse() -> AsyncIterator[Open]:
    """Open a browser with no cookies at a running org."""
    async with aiohttp.ClientSession(cookie_jar=DummyCookieJar()) as client:
        yield lambda running: OrgBrowser(client, running.url)


@pytest.fixture
def auth_js() -> Path:
    """The folder of npm's @okta/okta-auth-js, as installed by its lock file."""
    if not (_AUTH_JS / "package.json").is_file():
        pytest.skip(_WANTED)
    return _AUTH_JS


@pytest.fixture
def node() -> str:
    """Node itself."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("node is not installed")
    return found
