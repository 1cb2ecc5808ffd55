"""Row W11: with ``app.buffer_uploads``, an upload in chunks works with a server that reads no body without a length."""

import asyncio
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploy.running import running
from tests.field import real_apps
from tests.harness.app import Visit, hello
from tests.harness.polling import moment
from tests.harness.ports import free_port
from tests.harness.replies import RawReply, told
from tests.harness.site import CONFIGURATION, FETCH, Site, deployed
from tests.harness.wire import PATIENCE

BEGINNING, _, REST = CONFIGURATION.partition('upstream = "{upstream}"\n')
BUFFERED = BEGINNING + 'upstream = "{upstream}"\nbuffer_uploads = "1MiB"\n' + REST
HEAD = b"POST /public/x HTTP/1.1\r\nHost: hr.example.com\r\nTransfer-Encoding: chunked\r\n" + FETCH
FOLDER = Path(real_apps.__file__).parent


def chunked(body: bytes, size: int = 10_000) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\nX-Trailer: 1\r\n\r\n"


async def upload(site: Site, body: bytes, fields: bytes = b"Connection: close\r\n") -> RawReply:
    return RawReply.of(await site.raw(HEAD + fields + b"\r\n" + chunked(body)))


class BodyKeeper:
    """An app that keeps the bodies that came with a length."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, visit: Visit) -> None:
        assert visit.value(b"transfer-encoding") is None
        self.bodies.append(await visit.body())
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


@pytest.mark.parametrize("size", [0, 1, 64 * 1024, 64 * 1024 + 1, 300_000, 1024 * 1024])
async def test_w11_it_is_sent_with_its_length(size: int) -> None:
    async with deployed(configuration=BUFFERED) as site:
        site.behind.script = app = BodyKeeper()
        body = os.urandom(size)
        reply = await upload(site, body)
        assert (reply.status, reply.body) == (200, b"ok")
        assert app.bodies == [body] and told(site.behind.last, "Content-Length") == [str(size)]


async def test_w11_the_next_request_on_the_same_connection_is_what_it_was() -> None:
    async with deployed(configuration=BUFFERED) as site:
        site.behind.script = app = BodyKeeper()
        wire = await site.connect()
        for body in (b"first", b"x" * 200_000, b""):
            await wire.say(HEAD + b"\r\n" + chunked(body))
            assert b" 200 OK\r\n" in await wire.head() and await wire.exactly(2) == b"ok"
            assert app.bodies[-1] == body


async def test_w11_an_upload_with_a_length_goes_as_it_comes() -> None:
    async with deployed(configuration=BUFFERED) as site:
        site.behind.script = app = BodyKeeper()
        assert (await site.ask("/public/x", method="POST", body=b"y" * 2_000_000)).status == 200
        assert app.bodies == [b"y" * 2_000_000]


async def test_w11_more_than_its_bound_is_413_and_the_app_sees_nothing() -> None:
    async with deployed(configuration=BUFFERED) as site:
        wire = await site.connect()
        await wire.say(HEAD + b"\r\n" + chunked(b"x" * (1024 * 1024 + 1)))
        assert (await wire.head()).startswith(b"HTTP/1.1 413 ")
        assert site.behind.visits == []


async def test_w11_a_client_that_leaves_leaves_nothing_behind() -> None:
    before, nameless = set(os.listdir(tempfile.gettempdir())), _nameless()
    async with deployed(configuration=BUFFERED) as site:
        site.behind.script = BodyKeeper()
        for _ in range(40):  # more than all that may be kept together, were any of it left
            wire = await site.connect()
            await wire.say(HEAD + b"\r\n" + chunked(b"x" * 900_000)[:-20])
            for _ in range(20):
                await asyncio.sleep(0)
            await wire.close()
        assert not {name for name in set(os.listdir(tempfile.gettempdir())) - before if name.startswith("tmp")}
        assert site.behind.visits == []
        async with asyncio.timeout(PATIENCE):  # the last of them may not have been noticed yet
            while (await upload(site, b"x" * 1_000_000)).status != 200:
                await moment(0.02)
        assert _nameless() == nameless


def _nameless() -> list[str]:
    """The open files of this process that have no name; pytest has some itself."""
    links = map(_target, os.listdir("/proc/self/fd"))
    return sorted(link for link in links if "(deleted)" in link and tempfile.gettempdir() in link)


def _target(number: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{number}")
    except OSError:
        return ""


async def test_w11_one_client_keeps_two_at_once_and_no_third() -> None:
    async with deployed(configuration=BUFFERED) as site:
        site.behind.script = BodyKeeper()
        begun = chunked(b"x" * 1_000_000)[:-30]
        wires = [await site.connect() for _ in range(3)]
        for wire in wires:
            await wire.say(HEAD + b"\r\n" + begun)
        done, waiting = await asyncio.wait([asyncio.create_task(wire.head()) for wire in wires], return_when=asyncio.FIRST_COMPLETED)
        assert [task.result()[:13] for task in done] == [b"HTTP/1.1 503 "]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_w11_what_breaks_off_is_refused() -> None:
    async with deployed(configuration=BUFFERED) as site:
        reply = RawReply.of(await site.raw(HEAD + b"\r\n5\r\nhello\r\nnonsense\r\n"))
        assert reply.status == 400 and site.behind.visits == []


async def test_w11_the_end_of_the_session_ends_it() -> None:
    async with deployed(configuration=BUFFERED) as site:
        browser = await site.entered()
        cookie = f"Cookie: __Host-gateway={browser.jar('https://hr.example.com')['__Host-gateway']}\r\n".encode()
        site.behind.visits.clear()
        wire = await site.connect()
        await wire.say(HEAD.replace(b"/public/x", b"/mine") + cookie + b"\r\n" + chunked(b"x" * 1000)[:-20])
        for _ in range(20):
            await asyncio.sleep(0)
        form = {"Sec-Fetch-Site": "same-origin", "Origin": "https://hr.example.com", "Sec-Fetch-Mode": "navigate"}
        await browser.ask("https://hr.example.com/.gateway/sign-out", "POST", form)
        with pytest.raises(ConnectionResetError):
            if await wire.rest() == b"":
                raise ConnectionResetError
        assert site.behind.visits == []


async def test_w11_without_the_key_it_goes_as_it_comes(site: Site) -> None:
    site.behind.script = hello
    assert (await upload(site, b"hello")).status == 200
    assert told(site.behind.last, "Transfer-Encoding") == ["chunked"]


@dataclass(frozen=True)
class OldServer:
    """``missing``: what this machine lacks, or nothing."""

    missing: str
    command: Callable[[int], Sequence[str]]
    ready: bytes


SERVERS = {
    "gunicorn": OldServer(
        "" if importlib.util.find_spec("gunicorn") is not None else "needs gunicorn",
        lambda port: (sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "--pythonpath", str(FOLDER), "wsgi_uploads:application"),
        b"Booting worker",
    ),
    "php": OldServer(
        "" if shutil.which("php") is not None else "needs Debian's php-cli",
        lambda port: ("php", "-S", f"127.0.0.1:{port}", str(FOLDER / "uploads.php")),
        b"started",
    ),
}


@pytest.mark.parametrize("name", SERVERS)
async def test_w11_real_servers_see_all_of_it(name: str) -> None:
    server = SERVERS[name]
    if server.missing:
        pytest.skip(server.missing)
    port = free_port()
    async with running(server.command(port), server.ready, {}):
        for text, wanted in ((BUFFERED, "150000"), (CONFIGURATION, "0")):
            async with deployed(configuration=text.replace('"{upstream}"', f'"http://127.0.0.1:{port}"')) as site:
                reply = await upload(site, b"x" * 150_000)
                assert reply.status == 200 and wanted.encode() in reply.body.split(b"\r\n")  # PHP's comes in a chunk
