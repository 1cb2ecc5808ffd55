"""An app as people run it behind a gateway, started once for the tests of a module, and ways to it by bytes and by a browser.

Checks nothing by itself but the steps that are alike for all desks (``desks``).
"""

import asyncio
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
from playwright.async_api import expect
from yarl import URL

from tests.browser.visitor import REDEMPTION, Visitor
from tests.harness.demonstration import Stage, Stages
from tests.harness.replies import RawReply
from tests.harness.wire import PATIENCE

WORD = "grüße & <br> %2F"
FILE = "übung 1.bin"
SIZE = 300_000


@dataclass(frozen=True, slots=True)
class Arrangement:
    """``address``: where the app itself listens."""

    stage: Stage
    address: str

    @property
    def app(self) -> str:
        """The app's origin for browsers."""
        return self.stage.where.app

    @property
    def host(self) -> str:
        """The app's host as browsers name it."""
        return self.app.partition("://")[2]

    async def signed_in(self, login: str) -> bytes:
        """The Cookie line of somebody who has come to the app by a portal's link."""
        there = {"token": self.stage.org.session_token(login), "redirectUrl": f"{self.app}/"}
        async with self.stage.visitor() as client:
            link = f"{self.stage.where.login}{REDEMPTION}?{urlencode(there)}"
            async with client.get(link, headers={"Sec-Fetch-Site": "same-site"}) as answer:
                assert str(answer.url) == f"{self.app}/"
            kept = client.cookie_jar.filter_cookies(URL(self.app))
            return _cookie_line((one.key, one.value) for one in kept.values())

    async def raw(self, sent: bytes) -> bytes:
        """Send these bytes, in which ``HOST`` stands for the app's host; everything that comes back until the connection is closed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.stage.where.port)
        return await _said(reader, writer, sent.replace(b"HOST", self.host.encode()))

    async def of_the_app_itself(self, sent: bytes) -> bytes:
        """The same without the gateway."""
        reader, writer = await asyncio.open_connection("127.0.0.1", int(self.address.rpartition(":")[2]))
        return await _said(reader, writer, sent.replace(b"HOST", self.host.encode()))

    async def status_of_the_app_itself(self, sent: bytes) -> bytes:
        """The first line of that, for an app that would leave the connection open."""
        reader, writer = await asyncio.open_connection("127.0.0.1", int(self.address.rpartition(":")[2]))
        return await _said(reader, writer, sent.replace(b"HOST", self.host.encode()), line_alone=True)

    async def ask(self, target: str, fields: bytes = b"", method: str = "GET", body: bytes = b"") -> RawReply:
        """One request on a connection of its own, closed behind it; ``fields`` are whole lines."""
        length = b"Content-Length: %d\r\n" % len(body) if body else b""
        head = f"{method} {target} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n".encode()
        return RawReply.of(await self.raw(head + fields + length + b"\r\n" + body))


@asynccontextmanager
async def arranged(missing: str, app: AbstractAsyncContextManager[str]) -> AsyncIterator[Arrangement]:
    """The app, which is started by what gives its address, and the gateway and the org before it.

    ``missing``: what this machine lacks of the app; the tests are skipped then.
    """
    if missing:
        pytest.skip(missing)
    async with AsyncExitStack() as opened:
        address = await opened.enter_async_context(app)
        yield Arrangement(await Stages(opened)(upstream=address), address)


async def enters_the_desk(visitor: Visitor, person: str) -> None:
    """Sign in to the app itself, which must ask for it, and come to its form."""
    page = visitor.page
    await page.goto(f"{visitor.stage.where.app}/desk/form")
    await page.fill("#name", person)
    await page.fill("#password", "desk")
    await visitor.click("button", "Enter")
    assert page.url == f"{visitor.stage.where.app}/desk/form"


async def sends_the_form(visitor: Visitor, login: str, person: str) -> None:
    """Fill in the form that is open, send it with a file, and be led to what was sent, and by whom."""
    page = visitor.page
    await page.fill("#word", WORD)
    await page.set_input_files("#file", {"name": FILE, "mimeType": "application/octet-stream", "buffer": b"x" * SIZE})
    await visitor.click("button", "Send")
    assert page.url == f"{visitor.stage.where.app}/desk/done"
    said = {name: await page.locator(f"#{name}").inner_text() for name in ("told", "name", "word", "size", "sid")}
    assert said == {"told": login, "name": person, "word": WORD, "size": str(SIZE), "sid": f"of-{person}"}, said
    assert "sid" in {one.get("name") for one in await visitor.profile.cookies(page.url)}


async def hears(visitor: Visitor, text: str) -> None:
    """Wait until the page's live connection has said this."""
    await expect(visitor.page.locator("#heard")).to_have_text(text)


def _cookie_line(pairs: Iterable[tuple[str, str]]) -> bytes:
    return f"Cookie: {'; '.join(f'{name}={value}' for name, value in pairs)}\r\n".encode()


async def _said(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes, line_alone: bool = False) -> bytes:
    try:
        async with asyncio.timeout(PATIENCE):
            writer.write(sent)
            return await reader.readline() if line_alone else await reader.read()
    finally:
        writer.close()


async def ran(*words: str, said: bytes = b"") -> bytes:
    """What a program says to ``said``; it must succeed."""
    process = await asyncio.create_subprocess_exec(*words, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    async with asyncio.timeout(PATIENCE):
        told, complained = await process.communicate(said)
    assert process.returncode == 0, complained.decode()
    return told
