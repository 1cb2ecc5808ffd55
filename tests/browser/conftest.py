"""Owns the browser of all journeys in this folder: one process for a run, a fresh profile and a fresh arrangement for a test.

Everything lives in one event loop, that of the run: a browser that was begun in one loop cannot be driven from another.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright

from tests.browser.careless_front import careless_front
from tests.browser.other_site import OtherSite, serve_other_site
from tests.browser.visitor import Visitor
from tests.harness.chromium import CHROMIUM_FLAGS, chromium, playwright
from tests.harness.demonstration import Stage, Stages

__all__ = ["chromium", "playwright"]

_FORGETS = "--disable-back-forward-cache"

Arrive = Callable[..., Awaitable[Visitor]]


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def whole_chromium(playwright: Playwright, chromium_path: Path) -> AsyncIterator[Browser]:
    """Chromium as people have it, without a window on a screen."""
    browser = await playwright.chromium.launch(executable_path=chromium_path, args=CHROMIUM_FLAGS)
    yield browser
    await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def keeping(playwright: Playwright, chromium_path: Path) -> AsyncIterator[Browser]:
    """Chromium as people have it: whole pages are kept in memory for the back button (playwright turns that off)."""
    browser = await playwright.chromium.launch(executable_path=chromium_path, args=CHROMIUM_FLAGS, ignore_default_args=[_FORGETS])
    yield browser
    await browser.close()


@asynccontextmanager
async def _behind_a_careless_front(playwright: Playwright, path: Path, stage: Stage, *defaults_left_out: str) -> AsyncIterator[Browser]:
    async with careless_front(stage) as front:
        flags = (*CHROMIUM_FLAGS, front.flag(stage))
        browser = await playwright.chromium.launch(executable_path=path, args=flags, ignore_default_args=defaults_left_out)
        yield browser
        await browser.close()
        assert front.undone


@pytest_asyncio.fixture(loop_scope="session")
async def unguarded(playwright: Playwright, chromium_shell_path: Path, stage: Stage) -> AsyncIterator[Browser]:
    """As ``chromium``, behind a front proxy that undoes what the gateway says about keeping: the control."""
    async with _behind_a_careless_front(playwright, chromium_shell_path, stage) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def unguarded_keeping(playwright: Playwright, chromium_path: Path, stage: Stage) -> AsyncIterator[Browser]:
    """As ``keeping``, behind such a front proxy."""
    async with _behind_a_careless_front(playwright, chromium_path, stage, _FORGETS) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def start() -> AsyncIterator[Stages]:
    """`await start(engine="identity")` begins an arrangement; at its end its log holds no error."""
    stages = Stages()
    async with stages.opened:
        yield stages


@pytest_asyncio.fixture(loop_scope="session")
async def stage(request: pytest.FixtureRequest, start: Stages) -> Stage:
    """An arrangement; on Classic Engine unless the test asks for ``EACH_ENGINE``."""
    return await start(engine=getattr(request, "param", "classic"))


@pytest_asyncio.fixture(loop_scope="session")
async def arrive(chromium: Browser, start: Stages) -> AsyncIterator[Arrive]:
    """`await arrive(stage, color_scheme="dark")` is a person with an empty profile; at the end nobody's browser complained."""
    arrived: list[Visitor] = []

    async def arriving(stage: Stage, browser: Browser = chromium, **options: Any) -> Visitor:
        profile = await browser.new_context(**options)
        profile.set_default_timeout(15_000)
        visitor = Visitor(stage, profile, await profile.new_page())
        visitor.watch()
        arrived.append(visitor)
        return visitor

    yield arriving
    for visitor in arrived:
        await visitor.profile.close()
    assert [complaint for visitor in arrived for complaint in visitor.complaints] == []
    lines = [line for visitor in arrived for line in visitor.stage.lines]
    awaited = {event for visitor in arrived for event in visitor.awaited_errors}
    assert [line for line in lines if line.get("level") == "error" and line["event"] not in awaited] == []


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(stage: Stage, arrive: Arrive) -> Visitor:
    """A person at the arrangement of this test."""
    return await arrive(stage)


@pytest_asyncio.fixture(loop_scope="session")
async def elsewhere() -> AsyncIterator[OtherSite]:
    """Pages of other parties, on any name of this machine."""
    site = await serve_other_site()
    yield site
    await site.running.aclose()
