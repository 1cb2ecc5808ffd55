"""Group D, limits: sizes, deadlines, numbers of clients. Bodies are in ``test_bodies``, endings and reports in ``test_endings``."""

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest

from tests.attacks.memory import MEBIBYTE, memory
from tests.attacks.strict import OPEN, strict
from tests.harness.app import Visit, answering
from tests.harness.ports import free_port
from tests.harness.site import CONFIGURATION, FETCH, NAVIGATE, Site, deployed
from tests.harness.wire import PATIENCE

SMALL = 'request_line = "1KiB"\nfields_count = 10\nfields_size = "2KiB"'
ORIGIN = f"https://{OPEN}"


@pytest.mark.parametrize(
    ("listen", "target", "fields", "status", "reason"),
    [
        ("", "/" + "x" * 9 * 1024, b"", 414, "request_line_too_long"),
        ("", "/" + "x" * 200 * 1024, b"", 414, "request_line_too_long"),
        ("", "/", b"X: 1\r\n" * 200, 431, "too_many_fields"),
        ("", "/", b"X: " + b"1" * 65 * 1024 + b"\r\n", 431, "fields_too_large"),
        ("", "/", b"X: " + b"1" * 500 * 1024 + b"\r\n", 431, "fields_too_large"),
        (SMALL, "/" + "x" * 1024, b"", 414, "request_line_too_long"),
        (SMALL, "/", b"X: 1\r\n" * 10, 431, "too_many_fields"),
        (SMALL, "/", b"X: " + b"1" * 2048 + b"\r\n", 431, "fields_too_large"),
    ],
)
async def test_d2_what_is_too_large_is_told_which_limit_it_was(listen: str, target: str, fields: bytes, status: int, reason: str) -> None:
    async with strict(listen) as tried:
        for wanted, told in ((FETCH, b'{"error": "%s"}' % reason.encode()), (NAVIGATE, b"<h1>")):
            reply = await tried.site.ask(target, fields + wanted, origin=ORIGIN)
            assert reply.status == status and reply.values("Connection") == ["close"]
            is_whole = len(target) + len(fields) < 100 * 1024  # of a head that was not read to its end nobody knows who asks
            assert told in reply.body or not is_whole
        assert {(line["status"], line["reason"]) for line in tried.site.lines} == {(status, reason)}
        assert tried.site.behind.visits == []


async def test_d2_limits_may_be_wider_and_are_written_down() -> None:
    async with strict('request_line = "64KiB"\nfields_count = 300') as tried:
        for target, fields in (("/" + "x" * 20_000, b""), ("/", b"X: 1\r\n" * 200)):
            assert (await tried.site.ask(target, fields, origin=ORIGIN)).status == 200
    root = Path(__file__).parents[2]
    for file in (root / "config" / "README.md", root / "config" / "gateway.toml"):
        text = file.read_text()
        assert [key for key in ("request_line", "fields_count", "fields_size", "head_timeout") if key not in text] == []


def _before(port: int | str, keys: str = "") -> str:
    """The configuration with the app of hr at another port, and further keys."""
    return CONFIGURATION.replace('upstream = "{upstream}"\nfirst_byte_timeout = "5s"', f'upstream = "http://127.0.0.1:{port}"\n{keys}', 1)


async def _down(site: Site, status: int, reason: str) -> None:
    """A person reads a page, a script JSON; neither answer is kept by anybody."""
    page, told = await site.ask("/public/x", NAVIGATE), await site.ask("/public/x", FETCH)
    assert (page.status, told.status) == (status, status)
    assert b"<h1>" in page.body and json.loads(told.body) == {"error": "upstream_down", "reason": reason}
    assert page.values("Cache-Control") == told.values("Cache-Control") == ["no-store"]


async def test_d5_nobody_there_is_502() -> None:
    port = free_port()
    async with deployed(configuration=_before(port)) as site:
        await _down(site, 502, "unreachable")


@asynccontextmanager
async def _black_hole() -> AsyncIterator[int]:
    """A port whose queue is full: who connects hears nothing."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port, waiting = full.getsockname()[1], [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            with suppress(BlockingIOError):
                each.connect(("127.0.0.1", port))
        yield port
        for each in waiting:
            each.close()


async def test_d5_a_black_hole_is_504_when_the_time_to_connect_is_over() -> None:
    async with _black_hole() as port, deployed(configuration=_before(port, 'connect_timeout = "100ms"')) as site:
        async with asyncio.timeout(9):  # by default it would be five seconds each
            await _down(site, 504, "timed_out")


async def test_d5_a_server_without_tls_is_502_where_tls_is_due() -> None:
    async def plain(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with deployed(configuration=_before(port).replace(f"http://127.0.0.1:{port}", f"https://127.0.0.1:{port}")) as site:
        await _down(site, 502, "unreachable")
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("begins", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: "])
async def test_d5_a_head_that_does_not_come_is_504_and_the_request_was_sent_once(begins: bytes) -> None:
    async def script(visit: Visit) -> None:
        await visit.say(begins)
        await visit.reader.read()
        raise ConnectionError

    slow = _before("{port}", 'first_byte_timeout = "100ms"').replace("http://127.0.0.1:{port}", "{upstream}")
    async with deployed(configuration=slow) as site:
        site.behind.script = script
        async with asyncio.timeout(20):
            await _down(site, 504, "timed_out")
        assert len(site.behind.visits) == 2


async def test_d5_an_answer_that_stands_still_is_broken_off_when_its_time_is_over() -> None:
    still = _before("{port}", 'idle_timeout = "100ms"\nfirst_byte_timeout = "1h"').replace("http://127.0.0.1:{port}", "{upstream}")
    async with deployed(configuration=still) as site:
        site.behind.script = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        async with asyncio.timeout(20):
            with pytest.raises(ConnectionResetError):
                await site.ask("/public/x")


async def test_d6_what_is_packed_a_thousand_times_stays_packed() -> None:
    packed = gzip.compress(b"\0" * 100 * MEBIBYTE)
    assert len(packed) * 500 < 100 * MEBIBYTE

    async def script(visit: Visit) -> None:
        assert await visit.body() == packed
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed)

    async with strict() as tried:
        tried.site.behind.script, before = script, memory()
        reply = await tried.site.ask("/x", b"Content-Encoding: gzip\r\n", method="POST", body=packed, origin=ORIGIN)
        assert reply.body == packed and memory() - before < 20 * MEBIBYTE


@pytest.mark.parametrize(
    ("listen", "most"),
    [("requests_per_client = 20", 20), ("connections = 30", 23)],
    # of all connections, the last quarter is for other clients
)
async def test_d7_one_too_many_is_told_to_come_again_and_health_stays_well(listen: str, most: int) -> None:
    async with strict(listen) as tried:
        site, go = tried.site, asyncio.Event()

        async def script(visit: Visit) -> None:
            await go.wait()
            await tried.answer(visit)

        site.behind.script = script
        asking = [asyncio.create_task(site.ask("/x", origin=ORIGIN)) for _ in range(200)]
        async with asyncio.timeout(PATIENCE):
            while sum(task.done() for task in asking) < 200 - most:
                await asyncio.wait([task for task in asking if not task.done()], return_when=asyncio.FIRST_COMPLETED)
            refused = [task.result() for task in asking if task.done()]
            assert {reply.status for reply in refused} == {503} and all(reply.values("Retry-After") for reply in refused)
            async with aiohttp.ClientSession(f"http://127.0.0.1:{site.gateway.admin_port}") as admin:
                for path in ("/healthz", "/readyz", "/metrics"):
                    assert (await admin.get(path)).status == 200
            go.set()
            replies = await asyncio.gather(*asking)
        assert sorted(reply.status for reply in replies) == [200] * most + [503] * (200 - most)
