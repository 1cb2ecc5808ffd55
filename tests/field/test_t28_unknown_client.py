"""T28: if the client's address cannot be read, it is unknown in the log, for the app and for Okta."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from yarl import URL

from tests.harness.browser import LOGIN
from tests.harness.replies import told
from tests.harness.site import CONFIGURATION, FETCH, NAVIGATE, Site, deployed

UNREADABLE = [
    "evil",
    "unknown",
    "_hidden",
    "",
    "1.2.3.4,",
    "1.2.3.4, 010.0.0.5",
    "for=1.2.3.4",
    "1.2.3.4.5",
    "[::1",
    "fe80::1%eth0",
    "\xff",
]


class RecordingProxy:
    """The way to the org: passes every byte on and keeps what was asked."""

    def __init__(self) -> None:
        self.asked = b""
        self.destination = 0
        self.port = 0

    @asynccontextmanager
    async def standing(self) -> AsyncIterator["RecordingProxy"]:
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.destination)
        await asyncio.gather(self._on(reader, back, keeps=True), self._on(there, writer, keeps=False))

    async def _on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, keeps: bool) -> None:
        try:
            while piece := await reader.read(65536):
                self.asked += piece if keeps else b""
                writer.write(piece)
        except ConnectionError:
            return
        finally:
            writer.close()

    def told(self) -> list[bytes]:
        """What the last request to the org said of the client."""
        last = self.asked.rpartition(b" HTTP/1.1\r\n")[2]
        return [line.partition(b":")[2].strip() for line in last.split(b"\r\n") if line.lower().startswith(b"x-forwarded-for:")]


@pytest.fixture
async def way() -> AsyncIterator[RecordingProxy]:
    async with RecordingProxy().standing() as made:
        yield made


@pytest.fixture
async def behind_a_proxy(way: RecordingProxy) -> AsyncIterator[Site]:
    text = CONFIGURATION.replace("{org}", f"http://127.0.0.1:{way.port}")
    async with AsyncExitStack() as opened:
        made = await opened.enter_async_context(deployed(listen='trusted_proxies = ["127.0.0.0/8", "10.0.0.0/8"]', configuration=text))
        way.destination = URL(made.running.url).port or 0
        yield made


def logged(site: Site) -> tuple[object, object]:
    line = [line for line in site.lines if line["event"] == "request"][-1]
    return line["peer"], line["client"]


@pytest.mark.parametrize("claimed", UNREADABLE)
async def test_t28_an_unknown_client_is_unknown_everywhere(behind_a_proxy: Site, way: RecordingProxy, claimed: str) -> None:
    site = behind_a_proxy
    cookie = await site.signed_in()
    field = f"X-Forwarded-For: {claimed}\r\n".encode("latin-1")
    for target, fields in (("/", cookie), ("/public/x", FETCH)):
        assert (await site.ask(target, fields + field)).status == 200
        assert told(site.behind.last, "X-Forwarded-For") == []
        assert b"127.0.0.1" not in site.behind.last.head
        assert logged(site) == ("127.0.0.1", "unknown")
    assert (await site.ask("/login/login.htm", NAVIGATE + field, origin=LOGIN)).status == 200
    assert way.told() == []
    assert logged(site) == ("127.0.0.1", "unknown")


async def test_t28_the_question_who_is_signed_in_names_no_proxy(behind_a_proxy: Site, way: RecordingProxy) -> None:
    """A neighbour: the gateway's own questions speak for the client too."""
    cookie = await behind_a_proxy.signed_in()
    behind_a_proxy.times.passed += 60
    await behind_a_proxy.ask("/", cookie + b"X-Forwarded-For: evil\r\n")
    assert behind_a_proxy.org.journal.rows[-1].path == "/api/v1/sessions/me"
    assert way.told() == []


async def test_t28_a_client_that_is_known_is_told(behind_a_proxy: Site, way: RecordingProxy) -> None:
    site = behind_a_proxy
    cookie = await site.signed_in()
    assert (await site.ask("/", cookie + b"X-Forwarded-For: evil, 5.6.7.8, 10.0.0.5\r\n")).status == 200
    assert told(site.behind.last, "X-Forwarded-For") == ["5.6.7.8"]
    assert (await site.ask("/login/login.htm", NAVIGATE + b"X-Forwarded-For: 5.6.7.8\r\n", origin=LOGIN)).status == 200
    assert way.told() == [b"5.6.7.8"]


async def test_t28_a_websocket_is_told_no_more(behind_a_proxy: Site) -> None:
    site = behind_a_proxy
    cookie = await site.signed_in()
    handshake = b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    fields = b"Connection: Upgrade\r\nOrigin: https://hr.example.com\r\nX-Forwarded-For: evil\r\n" + handshake
    wire = await site.connect()
    await wire.say(b"GET /live HTTP/1.1\r\nHost: hr.example.com\r\n" + cookie + fields + b"\r\n")
    await wire.head()
    assert told(site.behind.last, "X-Forwarded-For") == []
