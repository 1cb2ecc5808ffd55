"""The countdown: the words of the server, and the same words from the script in a real browser whose clock the test turns."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Page as Tab
from playwright.async_api import async_playwright

from gateway.pages import SessionPage, asset, render
from gateway.pages.rendering import duration
from tests.pages.parsed import parse
from tests.pages.views_of_every_kind import NOW

FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 seconds"), (0, "0 seconds"), (1, "1 second"), (59, "59 seconds"), (60, "1 minute"),
        (61, "1 minute 1 second"), (299, "4 minutes 59 seconds"), (300, "5 minutes"), (359, "5 minutes"), (3599, "59 minutes"),
        (3600, "1 hour"), (3660, "1 hour 1 minute"), (7325, "2 hours 2 minutes"), (90000, "25 hours"),
    ],
)  # fmt: skip
def test_the_words_for_a_time(seconds: int, words: str) -> None:
    assert duration(seconds) == words


def _session(seconds: int) -> SessionPage:
    return SessionPage("alice@example.com", NOW + timedelta(seconds=seconds), NOW, "hr.example.com")


def test_the_page_says_how_long_and_until_when_without_any_script() -> None:
    page = parse(render(_session(4320)).html)
    assert "You stay signed in for 1 hour 12 minutes, until 16:40 UTC." in page.text("main")
    assert [each["datetime"] for each in page.named("time")] == ["2026-10-05T16:40:12+00:00"]


def test_a_session_that_has_ended_says_so_and_counts_nothing() -> None:
    page = parse(render(_session(0)).html)
    assert page.text("h1") == "We cannot tell whether you are signed in"
    assert "The clock of this server may be wrong." in page.text("main") and "You are signed in" not in page.text("h1")
    assert not [attributes for _, attributes in page.elements if "data-remaining-seconds" in attributes]


def test_only_the_quiet_status_line_is_live() -> None:
    roles = [attributes["role"] for _, attributes in parse(render(_session(4320)).html).elements if "role" in attributes]
    assert roles == ["timer", "status"]


def _headers(fields: tuple[tuple[bytes, bytes], ...]) -> list[tuple[str, str]]:
    return [(name.decode(), value.decode()) for name, value in fields]


async def _show(request: web.Request) -> web.Response:
    page = render(_session(int(request.match_info["seconds"])))
    return web.Response(status=page.status, body=page.html, headers=_headers(page.fields))


async def _asset(request: web.Request) -> web.Response:
    found = asset(request.match_info["name"])
    return web.Response(body=found.body, headers=_headers(found.fields)) if found else web.Response(status=404)


@asynccontextmanager
async def _tab(chromium_shell_path: Path, seconds: int) -> AsyncIterator[Tab]:
    app = web.Application()
    app.add_routes([web.get("/show/{seconds}", _show), web.get("/.gateway/{name}", _asset)])
    async with TestServer(app) as server, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(chromium_shell_path), args=FLAGS.split())
        tab = await browser.new_page(timezone_id="Europe/Berlin", locale="en-GB")
        refused: list[str] = []
        tab.on("console", lambda message: refused.append(message.text))
        tab.on("pageerror", lambda error: refused.append(error.message))
        await tab.clock.install(time=NOW)
        await tab.clock.pause_at(NOW + timedelta(seconds=1))
        await tab.goto(str(server.make_url(f"/show/{seconds}")))
        yield tab
        assert refused == []
        await browser.close()


async def test_the_browser_counts_down_in_the_same_words_and_speaks_only_near_the_end(chromium_shell_path: Path) -> None:
    async with _tab(chromium_shell_path, 4320) as tab:
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


async def test_a_laptop_that_slept_past_the_end_shows_the_end_at_once(chromium_shell_path: Path) -> None:
    async with _tab(chromium_shell_path, 4320) as tab:
        await tab.clock.fast_forward(5 * 3600 * 1000)
        assert "Your session may have ended." in (await tab.locator(".lead").text_content() or "")
