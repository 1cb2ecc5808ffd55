"""Owns Debian's WebKitGTK: its small browser and its WebDriver server, on a display that nobody sees."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from tests.browser.programs import is_alive_still, running, text_of
from tests.browser.webdriver import WebDriverError, WebDriverPerson
from tests.harness.ports import free_port

PROGRAM, DISPLAY = "WebKitWebDriver", "Xvfb"
BROWSERS = "/usr/lib/*/webkit2gtk-4.1/MiniBrowser"
_START_SECONDS, _COMMAND_SECONDS = 60.0, 90.0
_SESSION_SECONDS = 20.0
"""How long a new browser may take, which takes one or two. Of many hundreds, one never came; the server gave the next one at once."""
_COMMANDS = {
    "Navigate": ("POST", "url"),
    "GetCurrentURL": ("GET", "url"),
    "Back": ("POST", "back"),
    "Refresh": ("POST", "refresh"),
    "GetPageSource": ("GET", "source"),
    "FindElement": ("POST", "element"),
    "ElementClick": ("POST", "element/{id}/click"),
    "ElementSendKeys": ("POST", "element/{id}/value"),
    "GetElementText": ("GET", "element/{id}/text"),
    "ExecuteScript": ("POST", "execute/sync"),
    "GetAllCookies": ("GET", "cookie"),
    "GetWindowHandle": ("GET", "window"),
    "GetWindowHandles": ("GET", "window/handles"),
    "NewWindow": ("POST", "window/new"),
    "SwitchToWindow": ("POST", "window"),
    "CloseWindow": ("DELETE", "window"),
    "TakeScreenshot": ("GET", "screenshot"),
    "SetWindowRect": ("POST", "window/rect"),
}


@dataclass(frozen=True, slots=True)
class OverHttp:
    """WebDriver's commands as its own document carries them: a method, a path and JSON."""

    client: aiohttp.ClientSession
    session: str
    process: asyncio.subprocess.Process

    async def command(self, name: str, **parameters: Any) -> Any:
        """The result of one of the commands above."""
        method, path = _COMMANDS[name]
        return await _answer(self.client, method, f"/session/{self.session}/{path.format(**parameters)}", parameters)

    async def moment(self) -> None:
        """Wait a moment for the browser."""
        await is_alive_still(self.process)


async def _answer(client: aiohttp.ClientSession, method: str, path: str, parameters: Any) -> Any:
    async with client.request(method, path, json=parameters if method == "POST" else None) as answer:
        value = (await answer.json(content_type=None))["value"]
    if answer.status != 200:
        raise WebDriverError(value["error"], value["message"])
    return value


@dataclass(frozen=True, slots=True)
class WebKit:
    """The running server; each person has a browser process of her own, with nothing kept."""

    client: aiohttp.ClientSession
    browser: Path
    process: asyncio.subprocess.Process

    @asynccontextmanager
    async def person(self) -> AsyncIterator[WebDriverPerson]:
        """Somebody with a new browser."""
        options = {"binary": str(self.browser), "args": ["--automation"]}
        wanted = {"browserName": self.browser.name, "acceptInsecureCerts": True, "webkitgtk:browserOptions": options}
        begin = partial(_answer, self.client, "POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        try:
            begun = await asyncio.wait_for(begin(), _SESSION_SECONDS)
        except TimeoutError:
            begun = await begin()
        try:
            yield WebDriverPerson(OverHttp(self.client, begun["sessionId"], self.process))
        finally:
            await _answer(self.client, "DELETE", f"/session/{begun['sessionId']}", {})


@asynccontextmanager
async def webkit(program: Path, display: Path, browser: Path, folder: Path) -> AsyncIterator[WebKit]:
    """The server, on a display of its own; what browsers write goes to ``folder``."""
    async with running(display, "-displayfd", "1", "-nolisten", "tcp", environ={}, output=folder / "display") as shown:
        number = await text_of(folder / "display", shown, _START_SECONDS)
        # Its sandbox needs name spaces that a container does not give. Without layers it takes a quarter less time: nothing here is seen.
        environ = {
            "DISPLAY": f":{number}",
            "HOME": str(folder),
            "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",
            "WEBKIT_DISABLE_COMPOSITING_MODE": "1",
        }
        port = free_port()
        command = (program, "--host=127.0.0.1", f"--port={port}")
        async with (
            running(*command, environ=environ, output=folder / "webkit.log") as process,
            aiohttp.ClientSession(f"http://127.0.0.1:{port}", timeout=aiohttp.ClientTimeout(_COMMAND_SECONDS)) as client,
        ):
            await _is_listening(client, process)
            yield WebKit(client, browser, process)


async def _is_listening(client: aiohttp.ClientSession, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(_START_SECONDS):
        while True:
            with suppress(aiohttp.ClientConnectionError):
                await _answer(client, "GET", "/status", {})
                return
            await is_alive_still(process)
