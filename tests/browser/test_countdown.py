"""The countdown: the words of the server from the script in a real browser, whose clock the test turns."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser
from playwright.async_api import Page as Tab

from gateway.pages import asset, render
from gateway.pages.rendering import duration
from tests.pages.views_of_every_kind import NOW, session_page

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _headers(fields: tuple[tuple[bytes, bytes], ...]) -> list[tuple[str, str]]:
    return [(name.decode(), value.decode()) for name, value in fields]


async def _show(request: web.Request) -> web.Response:
    page = render(session_page(int(request.match_info["seconds"])))
    return web.Response(status=page.status, body=page.html, headers=_headers(page.fields))


async def _asset(request: web.Request) -> web.Response:
    found = asset(request.match_info["name"])
    return web.Response(body=found.body, headers=_headers(found.fields)) if found else web.Response(status=404)


@asynccontextmanager
async def _tab(chromium: Browser, seconds: int) -> AsyncIterator[Tab]:
    app = web.Application()
    app.add_routes([web.get("/show/{seconds}", _show), web.get("/.gateway/{name}", _asset)])
    async with TestServer(app) as server:
        tab = await chromium.new_page(timezone_id="Europe/Berlin", locale="en-GB")
        refused: list[str] = []
        tab.on("console", lambda message: refused.append(message.text))
        tab.on("pageerror", lambda error: refused.append(error.message))
        await tab.clock.install(time=NOW)
        await tab.clock.pause_at(NOW + timedelta(seconds=1))
        await tab.goto(str(server.make_url(f"/show/{seconds}")))
        yield tab
        assert refused == []
        await tab.close()


async def test_the_browser_counts_down_in_the_same_words_and_speaks_only_near_the_end(chromium: Browser) -> None:
    async with _tab(chromium, 4320) as tab:
        timer, spoken = tab.get_by_role("timer"), tab.get_by_role("status")
        assert await timer.text_content() == duration(4320)
        assert await tab.locator("time").text_content() == "18:40"
        left = 4320
        for later, said in (
            (60, ""),
            (4320 - 60 - 301, ""),
            (1, "Your session ends in 5 minutes."),
            (1, "Your session ends in 5 minutes."),
            (240, "Your session ends in 1 minute."),
        ):
            await tab.clock.run_for(later * 1000)
            left -= later
            assert await timer.text_content() == duration(left)
            assert await spoken.text_content() == said
        await tab.clock.run_for(left * 1000)
        assert "Your session may have ended." in (await tab.locator(".lead").text_content() or "")
        assert "Your session may have ended." in (await spoken.text_content() or "")
        assert await timer.count() == 0
        assert await tab.get_by_role("heading", level=1).text_content() == "Are you still signed in?"


async def test_a_laptop_that_slept_past_the_end_shows_the_end_at_once(chromium: Browser) -> None:
    async with _tab(chromium, 4320) as tab:
        await tab.clock.fast_forward(5 * 3600 * 1000)
        assert "Your session may have ended." in (await tab.locator(".lead").text_content() or "")
