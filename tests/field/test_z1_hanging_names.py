"""Row Z1: a name that hangs in DNS does not affect other apps or Okta (libuv/libuv#28: four threads for all look-ups)."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.field.name_server import NameServer, name_server
from tests.harness.browser import ALICE, HR, LOGIN, WIKI
from tests.harness.certificates import certificate
from tests.harness.gateway import REPLICAS
from tests.harness.polling import moment
from tests.harness.replies import RawReply
from tests.harness.site import CONFIGURATION, AppHost, Site, deployed
from tests.harness.wire import PATIENCE

HANGING, APP, ORG = "hang.example.net", "app.example.net", "org.example.com"


@dataclass
class Tls:
    """A port that speaks TLS, before another that does not: ``port``, and ``target`` behind it."""

    context: ssl.SSLContext
    port: int = 0
    target: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", self.target)
        try:
            await asyncio.gather(_copy(reader, behind_writer), _copy(behind_reader, writer))
        finally:
            writer.close()
            behind_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


@asynccontextmanager
async def tls_port(folder: Path) -> AsyncIterator[Tls]:
    certificate(folder)
    made = Tls(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH))
    made.context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=made.context)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


def _configuration(folder: Path, org_port: int, wiki_timeout: str) -> str:
    """Okta and the apps by names that are known, wiki by one that hangs."""
    org = f'org = "https://{ORG}:{org_port}"\nca_file = "{folder / "tls.crt"}"'
    of_wiki = 'url = "https://wiki.example.com"\nupstream = '
    hanging = f'{of_wiki}"http://{HANGING}:80"\nconnect_timeout = "{wiki_timeout}"'
    text = CONFIGURATION.replace('org = "{org}"\nhost = "login.example.com"', org).replace(f'{of_wiki}"{{upstream}}"', hanging)
    assert ORG in text and HANGING in text
    return text


@pytest.fixture
async def names() -> AsyncIterator[NameServer]:
    async with name_server(HANGING) as made:
        yield made


@asynccontextmanager
async def running(names: NameServer, folder: Path, wiki_timeout: str = "10s") -> AsyncIterator[Site]:
    async with tls_port(folder) as tls:
        configuration = _configuration(folder, tls.port, wiki_timeout)
        async with deployed(configuration=configuration, named=AppHost(APP, (names.address,))) as site:
            tls.target = site.running.port
            yield site


async def _quickest(site: Site, target: str, origin: str, line: bytes = b"") -> float:
    """Seconds of the quickest of five: one slow turn of a busy machine says nothing."""
    took = []
    for _ in range(5):
        started_at = time.perf_counter()
        assert (await site.ask(target, line, origin=origin)).status == 200
        took.append(time.perf_counter() - started_at)
    return min(took)


async def test_z1_apps_and_okta_answer_while_the_name_of_another_app_hangs(names: NameServer, tmp_path: Path) -> None:
    async with running(names, tmp_path) as site, asyncio.timeout(PATIENCE):
        hanging = [asyncio.create_task(site.ask("/public/x", origin=WIKI)) for _ in range(40)]
        await names.is_asked_for(HANGING)
        assert await _quickest(site, "/public/x", HR) < 0.1
        assert await _quickest(site, "/login/login.htm", LOGIN) < 0.1
        assert await site.signed_in(ALICE)
        assert names.asked[HANGING] >= 1 and not any(task.done() for task in hanging)
        assert names.asked[APP] == names.asked[ORG] == REPLICAS
        for task in hanging:
            task.cancel()
        await asyncio.wait(hanging)


async def test_z1_who_waits_for_a_name_is_told_when_the_time_to_connect_is_over(names: NameServer, tmp_path: Path) -> None:
    async with running(names, tmp_path, "300ms") as site, asyncio.timeout(PATIENCE):
        replies: list[RawReply] = await asyncio.gather(*(site.ask("/public/x", origin=WIKI) for _ in range(4)))
        assert [(reply.status, b"timed_out" in reply.body) for reply in replies] == [(504, True)] * 4


async def test_z1_a_name_that_nobody_knows_is_502_at_once(names: NameServer, tmp_path: Path) -> None:
    names.hanging.clear()
    names.unknown.add(HANGING)
    async with running(names, tmp_path) as site, asyncio.timeout(PATIENCE):
        reply = await site.ask("/public/x", origin=WIKI)
        assert (reply.status, b"unreachable" in reply.body) == (502, True)


async def test_z1_a_name_that_is_known_again_is_found_again(names: NameServer, tmp_path: Path) -> None:
    async with running(names, tmp_path, "300ms") as site, asyncio.timeout(PATIENCE):
        assert (await site.ask("/public/x", origin=WIKI)).status == 504
        names.hanging.clear()
        while (await site.ask("/public/x", origin=WIKI)).body.count(b"timed_out"):  # until the failure is forgotten
            await moment()
        assert names.asked[HANGING] >= 2
