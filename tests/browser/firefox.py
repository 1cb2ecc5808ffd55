"""Owns Debian's Firefox: it is started once, and driven by Marionette, its own carrier of WebDriver's commands (Debian has no geckodriver).

A message is its length in digits, a colon, and JSON: `[0, id, name, parameters]`, answered by `[1, id, error, result]`.
https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.browser.programs import is_alive_still, running, text_of
from tests.browser.webdriver import WebDriverError, WebDriverPerson

PROGRAM = "firefox-esr"
_START_SECONDS, _COMMAND_SECONDS = 75.0, 90.0
# Firefox takes any free port and writes it down in the profile. It asks no remote service for anything.
# It opens no connection before it needs one: a gateway that ends would wait for it.
_PREFERENCES = {
    "marionette.port": 0,
    "services.settings.server": "data:,",
    "network.captive-portal-service.enabled": False,
    "network.http.speculative-parallel-limit": 0,
}
_FORGET_EVERYTHING = """
  const done = arguments[arguments.length - 1]
  Services.clearData.deleteData(Ci.nsIClearDataService.CLEAR_ALL, { onDataDeleted: () => done(true) })
"""
_NAMES = {"GetAllCookies": "GetCookies"}


@dataclass(slots=True)
class Marionette:
    """One command at a time over the browser's own socket."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    process: asyncio.subprocess.Process
    _sent: int = 0

    async def command(self, name: str, **parameters: Any) -> Any:
        """The result of one of WebDriver's commands."""
        return await self.send(f"WebDriver:{_NAMES.get(name, name)}", **parameters)

    async def moment(self) -> None:
        """Wait a moment for the browser."""
        await is_alive_still(self.process)

    async def send(self, name: str, **parameters: Any) -> Any:
        """The result of a command of WebDriver or of Marionette's own."""
        self._sent = number = self._sent + 1
        message = json.dumps([0, number, name, parameters]).encode()
        async with asyncio.timeout(_COMMAND_SECONDS):
            self.writer.write(b"%d:%b" % (len(message), message))
            answer = await self.receive()
        _, answered, error, result = answer
        assert answered == number
        if error is not None:
            raise WebDriverError(error["error"], error["message"])
        return result["value"] if isinstance(result, dict) and set(result) == {"value"} else result

    async def receive(self) -> Any:
        """The next message."""
        length = (await self.reader.readuntil(b":"))[:-1]
        return json.loads(await self.reader.readexactly(int(length)))


@dataclass(frozen=True, slots=True)
class Firefox:
    """The running browser."""

    wire: Marionette

    @asynccontextmanager
    async def person(self) -> AsyncIterator[WebDriverPerson]:
        """Somebody in one new window; everything that the one before left behind is gone: cookies, caches, storage, history."""
        person = WebDriverPerson(self.wire)
        former = await person.windows()
        await person.opens_a_tab()
        own = await person.window()
        for window in former:
            await person.chooses(window)
            await person.closes_window(own)
        await self.wire.send("Marionette:SetContext", value="chrome")
        await self.wire.command("ExecuteAsyncScript", script=_FORGET_EVERYTHING, args=[])
        await self.wire.send("Marionette:SetContext", value="content")
        yield person
        await person.opens("about:blank")


@asynccontextmanager
async def firefox(program: Path, folder: Path) -> AsyncIterator[Firefox]:
    """Firefox without a display, with a profile of its own in ``folder``."""
    profile = folder / "profile"
    profile.mkdir()
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in _PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines))
    command = (program, "--headless", "--marionette", "--remote-allow-system-access", "--no-remote", "--profile", profile)
    async with running(*command, environ={"HOME": str(folder)}, output=folder / "firefox.log") as process:
        port = await text_of(profile / "MarionetteActivePort", process, _START_SECONDS)
        reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
        try:
            wire = Marionette(reader, writer, process)
            async with asyncio.timeout(_COMMAND_SECONDS):
                assert (await wire.receive())["marionetteProtocol"] == 3
            await wire.command("NewSession", acceptInsecureCerts=True, unhandledPromptBehavior="accept")
            yield Firefox(wire)
        finally:
            writer.close()
