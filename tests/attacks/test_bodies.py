"""Row D3: bodies of any size are streamed with constant memory. A body over a limit is refused as soon as that is known."""

import json

import pytest

from tests.attacks.memory import MEBIBYTE, memory
from tests.attacks.strict import HERE, strict
from tests.harness.app import Visit
from tests.harness.app_gateway import app_gateway
from tests.harness.replies import RawReply
from tests.harness.site import FETCH, NAVIGATE

LENGTH = b"Content-Length: %d\r\n\r\n" % (100 * MEBIBYTE)
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("framing", [LENGTH, CHUNKED], ids=["length", "chunks"])
async def test_d3_a_large_upload_is_streamed_with_flat_memory(framing: bytes) -> None:
    """100 MiB here; with 5 GB and more the benchmark does the same."""
    piece, count = b"x" * MEBIBYTE, 100
    got = 0

    async def script(visit: Visit) -> None:
        nonlocal got
        while not got >= count * MEBIBYTE:
            got += len(await visit.reader.read(MEBIBYTE))
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ndone")

    async with strict() as tried:
        tried.site.behind.script = script
        wire, before = await tried.site.connect(), memory()
        await wire.say(b"POST /up HTTP/1.1\r\n" + HERE + b"Connection: close\r\n" + framing)
        for _ in range(count):
            await wire.say(b"%x\r\n" % len(piece) + piece + b"\r\n" if b"chunked" in framing else piece)
        await wire.say(b"0\r\n\r\n" if b"chunked" in framing else b"")
        assert (await wire.rest()).endswith(b"done")
        assert memory() - before < 30 * MEBIBYTE


async def test_d3_a_large_download_is_streamed_with_flat_memory() -> None:
    count = 100

    async def script(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (count * MEBIBYTE))
        for _ in range(count):
            await visit.say(b"x" * MEBIBYTE)

    async with strict() as tried:
        tried.site.behind.script = script
        wire, before = await tried.site.connect(), memory()
        await wire.say(b"GET /down HTTP/1.1\r\n" + HERE + b"\r\n")
        await wire.head()
        for _ in range(count):
            await wire.exactly(MEBIBYTE)
        assert memory() - before < 30 * MEBIBYTE


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        (b"Content-Length: 1000\r\n\r\n" + b"x" * 1000, 204),
        (b"Content-Length: 1001\r\n\r\n", 413),
        (b"Content-Length: 5000000000\r\nExpect: 100-continue\r\n\r\n", 413),
        (CHUNKED + b"3e8\r\n" + b"x" * 1000 + b"\r\n0\r\n\r\n", 204),
        (CHUNKED + b"3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n", 413),
        (CHUNKED + b"3e8\r\n" + b"x" * 1000 + b"\r\n1\r\nx\r\n", 413),
    ],
)
@pytest.mark.parametrize("fields", [FETCH, NAVIGATE], ids=["script", "form"])
async def test_d3_a_body_over_the_limit_is_413_as_soon_as_that_is_known(rest: bytes, status: int, fields: bytes) -> None:
    whole: list[bytes] = []

    async def script(visit: Visit) -> None:
        whole.append(await visit.body())
        await visit.say(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with app_gateway(largest_body=1000) as tried:
        tried.app.script, wire = script, await tried.connect()
        head = b"POST /up HTTP/1.1\r\nHost: hr.example.com\r\nConnection: close\r\n" + fields + tried.cookie()
        await wire.say(head + rest)
        reply = RawReply.of(await wire.head())
        reply.body = await wire.exactly(int((reply.values("Content-Length") or ["0"])[0]))  # its connection stays a moment, for what comes
        assert reply.status == status
        if status == 413:
            assert (b"too large" in reply.body) if fields == NAVIGATE else json.loads(reply.body) == {"error": "body_too_large"}
            assert tried.notes[-1] == {"verdict": "refused", "reason": "body_too_large", "route": "/**"} | _fingerprint(tried.notes[-1])
        assert len(whole) == (status == 204)


def _fingerprint(notes: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in notes.items() if name == "fingerprint"}


async def test_d3_a_body_that_passes_the_limit_behind_a_begun_answer_breaks_it_off() -> None:
    async def script(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n")
        assert b"0\r\n\r\n" not in await visit.reader.read()
        raise ConnectionError

    async with app_gateway(largest_body=10) as tried:
        tried.app.script = script
        wire = await tried.connect()
        await wire.say(b"POST /up HTTP/1.1\r\nHost: hr.example.com\r\n" + FETCH + tried.cookie() + CHUNKED + b"5\r\n12345\r\n")
        await wire.until(b"begun")
        await wire.say(b"6\r\n678901\r\n")
        with pytest.raises(ConnectionResetError):
            await wire.rest()
