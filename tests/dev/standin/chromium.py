"""Debian's Chromium with a fresh profile, for pages of the org itself."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Page, async_playwright, expect

expect.set_options(timeout=15_000)

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@asynccontextmanager
async def profile(chromium_path: Path, folder: Path, **preferences: object) -> AsyncIterator[Page]:
    """A page of a fresh ordinary profile with these preferences."""
    (folder / "Default").mkdir()
    (folder / "Default" / "Preferences").write_text(json.dumps({"profile": preferences}))
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch_persistent_context(folder, executable_path=chromium_path, args=_FLAGS)
        yield opened.pages[0]
        await opened.close()
