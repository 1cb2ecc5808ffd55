"""Owns Debian's Chromium for tests: how it is started, one driver and one browser without windows for a run, and profiles with settings.

Everything that it drives lives in one event loop, that of the run: a browser that was started in one loop cannot be driven from another.
A test's module says so with ``pytest.mark.asyncio(loop_scope="session")``, and imports these fixtures in its ``conftest.py``.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, Page, Playwright, async_playwright, expect

expect.set_options(timeout=15_000)

CHROMIUM_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    """The driver. To start one takes more than to start a browser."""
    async with async_playwright() as driver:
        yield driver


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def chromium(playwright: Playwright, chromium_shell_path: Path) -> AsyncIterator[Browser]:
    """Chromium without windows. `await chromium.new_context()` is a browser with an empty cookie jar."""
    browser = await playwright.chromium.launch(executable_path=chromium_shell_path, args=CHROMIUM_FLAGS)
    yield browser
    await browser.close()


@asynccontextmanager
async def profile(playwright: Playwright, chromium_path: Path, folder: Path, **preferences: object) -> AsyncIterator[Page]:
    """A page of a Chromium of its own, with a fresh ordinary profile and these preferences."""
    (folder / "Default").mkdir()
    (folder / "Default" / "Preferences").write_text(json.dumps({"profile": preferences}))
    opened = await playwright.chromium.launch_persistent_context(folder, executable_path=chromium_path, args=CHROMIUM_FLAGS)
    yield opened.pages[0]
    await opened.close()
