"""Every page by day and by night, on a telephone and on a desk, without JavaScript: nothing is cut off, and every text can be read.

`GATEWAY_PAGES=FOLDER pytest tests/browser/test_every_page.py` writes a picture of each into the folder, to be looked at.
"""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal, get_args

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, ViewportSize

from gateway.dev.demo.rendering import serve
from gateway.pages import Page, View, asset, render
from tests.browser.contrasts import CONTRASTS
from tests.browser.every_page import FRAMED, NOW, PAGES

pytestmark = pytest.mark.asyncio(loop_scope="session")
FOLDER = os.environ.get("GATEWAY_PAGES", "")
ON_A_TELEPHONE = ViewportSize(width=390, height=844)
ON_A_DESK = ViewportSize(width=1280, height=844)
IN_A_FRAME = ViewportSize(width=600, height=300)
# Whether each control is drawn as focused when the keyboard comes to it, and as large as a thumb (WCAG 2.2, 2.4.7 and 2.5.8).
_CONTROLS = """() => [...document.querySelectorAll("main li a, main .button, main button")].map((control) => {
  control.focus();
  const box = control.getBoundingClientRect();
  return [control.textContent.trim(), box.right <= innerWidth && box.height >= 24];
})"""


def _rendered(name: str) -> Page:
    if name in FRAMED:
        return render(FRAMED[name], framed_by=("https://hr.example.com",), at=NOW, request_id="0f3a91c27b5d4e88")
    return render(PAGES[name], at=NOW, request_id="0f3a91c27b5d4e88")


async def _show(request: web.Request) -> web.Response:
    page = _rendered(request.match_info["name"])
    fields = [(name.decode(), value.decode()) for name, value in page.fields]
    return web.Response(status=page.status, body=page.html, headers=fields)


async def _stays(_: web.Request) -> web.Response:
    """Where a page leads on by itself: the browser stays where it is (RFC 9110 §15.3.5)."""
    return web.Response(status=204)


async def _asset(request: web.Request) -> web.Response:
    found = asset(request.match_info["name"])
    return web.Response(body=found.body, headers=[(n.decode(), v.decode()) for n, v in found.fields]) if found else web.Response(status=404)


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def pages_at() -> AsyncIterator[str]:
    """Where the pages are shown."""
    app = web.Application()
    app.add_routes([web.get("/show/{name}", _show), web.get("/.gateway/{name}", _asset), web.get("/stays", _stays)])
    running = await serve(app, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{running.port}/show"
    await running.aclose()


async def test_no_page_is_forgotten() -> None:
    assert {type(view) for view in (*PAGES.values(), *FRAMED.values())} == set(get_args(View))


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_can_be_read_on_every_screen(chromium: Browser, pages_at: str, scheme: Literal["light", "dark"]) -> None:
    profile = await chromium.new_context(color_scheme=scheme, java_script_enabled=False)
    page = await profile.new_page()
    for name in (*PAGES, *FRAMED):
        await page.goto(f"{pages_at}/{name}")
        for size in (ON_A_TELEPHONE, IN_A_FRAME if name in FRAMED else ON_A_DESK):
            await page.set_viewport_size(size)
            found = await page.evaluate(CONTRASTS)
            assert (found["ground"] < 0.05) is (scheme == "dark"), name
            assert [(text, contrast) for text, contrast in found["texts"] if contrast < 4.5] == [], name
            assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"], name
            assert [control for control, is_right in await page.evaluate(_CONTROLS) if not is_right] == [], name
            if FOLDER:
                await page.screenshot(path=Path(FOLDER) / f"{name}-{scheme}-{size['width']}.png", full_page=True)
    await profile.close()
