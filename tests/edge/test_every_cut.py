"""Whatever the packets in which bytes come, they are the same requests, refusals and answers: each stream cut at every place."""

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.rules import ClientRules
from gateway.errors import UploadBroken
from tests.edge.served import HERE, LIMITS, Served, asks, posts, served
from tests.harness.server import said
from tests.harness.wire import PATIENCE, Wire

GET = asks(b"/get")
CHUNKS = b"Transfer-Encoding: chunked"
PASSED = {
    "two": GET + GET,
    "an empty line between": b"\r\n" + GET + b"\r\n" + GET,
    "a body that looks like a request": posts(GET) + GET,
    "chunks that look like requests": asks(b"/", CHUNKS, method=b"POST") + b"%x\r\n" % len(GET) + GET + b"\r\n0\r\n\r\n" + GET,
    "chunks of one byte": asks(b"/", CHUNKS, method=b"POST") + b"1\r\nG\r\n1;a=b\r\n\r\r\n1\r\n\n\r\n0\r\nX: y\r\n\r\n" + GET,
    "Expect": posts(b"abc", b"Expect: 100-continue") + GET,
    "Expect, in chunks": asks(b"/", CHUNKS, b"Expect: 100-continue", method=b"POST") + b"3\r\nabc\r\n0\r\n\r\n" + GET,
    "an upgrade that is not granted": asks(b"/", b"Connection: Upgrade", b"Upgrade: websocket") + GET,
    "an upgrade nobody knows, with a body": posts(GET, b"Connection: Upgrade", b"Upgrade: h2c") + GET,
    "1.0 that goes on": asks(b"/", b"Connection: keep-alive", version=b"1.0") + GET,
    "HEAD": asks(b"/h", method=b"HEAD") + GET,
}
"""Two requests, behind which a third is answered."""
LAST_ONES = {
    "1.0": asks(version=b"1.0") + GET,
    "the last": asks(b"/", b"Connection: close") + GET,
    "the last, with a body": posts(b"abc", b"Connection: close") + GET,
}
"""One request, behind which nothing is read."""
IN_CHUNKS = asks(b"/", CHUNKS, method=b"POST")
REFUSED = {
    "empty lines before": (b"\r\n\r\n" + GET, 400, "empty_lines"),
    "lone line ends before": (b"\n\r\n" + GET, 400, "empty_lines"),
    "another host": (GET.replace(b"/get", b"http://x/") + GET, 400, "target"),
    "two framings": (asks(b"/", b"Content-Length: 5", CHUNKS, method=b"POST") + b"0\r\n\r\n" + GET, 400, "framing"),
    "two lengths": (asks(b"/", *(b"Content-Length: 5",) * 2, method=b"POST") + b"hello" + GET, 400, "content_length"),
    "a bad chunk": (IN_CHUNKS + b"3\r\nabcd\r\n0\r\n\r\n" + GET, 400, ""),
    "a chunk with a lone LF": (IN_CHUNKS + b"3\nabc\r\n0\r\n\r\n" + GET, 400, ""),
    "a bad trailer": (IN_CHUNKS + b"3\r\nabc\r\n0\r\nHost\r\n\r\n" + GET, 400, ""),
    "a trailer that frames": (IN_CHUNKS + b"3\r\nabc\r\n0\r\nContent-Length: 3\r\n\r\n" + GET, 400, ""),
    "a lone LF": (b"GET / HTTP/1.1\r\n" + HERE + b"X: 1\n\r\n" + GET, 400, "unparsable"),
    "a head that ends with LF": (b"GET / HTTP/1.1\r\n" + HERE + b"\n" + GET, 400, "unparsable"),
    "a lone CR": (b"GET / HTTP/1.1\r\n" + HERE + b"X: a\rb\r\n\r\n" + GET, 400, "unparsable"),
    "NUL": (b"GET / HTTP/1.1\r\n" + HERE + b"X: a\0b\r\n\r\n" + GET, 400, "unparsable"),
    "a folded line": (b"GET / HTTP/1.1\r\n" + HERE + b" folded\r\n\r\n" + GET, 400, "unparsable"),
    "a blank before a colon": (b"GET / HTTP/1.1\r\n" + HERE + b"X : 1\r\n\r\n" + GET, 400, "unparsable"),
    "no host": (b"GET / HTTP/1.1\r\n\r\n" + GET, 400, "host_missing"),
    "2.0": (asks(version=b"2.0") + GET, 505, "version"),
    "0.9": (b"GET /\r\n" + GET, 400, "unparsable"),
    "CONNECT": (asks(b"hr:443", method=b"CONNECT") + GET, 405, "method_refused"),
    "a long line": (asks(b"/" + b"x" * 300) + GET, 414, "request_line_too_long"),
    "a large field": (asks(b"/", b"X: " + b"x" * 300) + GET, 431, "fields_too_large"),
    "a larger field": (asks(b"/", b"X: " + b"x" * 600) + GET, 431, "fields_too_large"),
    "many fields": (asks(b"/", *(b"X: 1",) * 11) + GET, 431, "too_many_fields"),
}
"""No request, and why; an empty reason: its body is none."""
LAST = asks(b"/last", b"Connection: close")


@dataclass
class Answering:
    """Reads every body to its end, and says how long it was."""

    bodies: list[tuple[str, bytes]] = field(default_factory=list)

    async def __call__(self, request: Request) -> Response:
        body = b""
        try:
            while request.body is not None and (piece := await request.body.piece()):
                body += piece
        except UploadBroken:
            return said(400)
        self.bodies.append((request.target, body))
        return said(200, "" if request.method == "HEAD" else str(len(body)))


@dataclass(frozen=True)
class Observed:
    """What the client is told, but for dates and the word to go on, which bodies arrived, and what was noted."""

    text: bytes
    bodies: tuple[tuple[str, bytes], ...]
    over: tuple[tuple[str, int | None], ...]
    refused: tuple[str, ...]

    @property
    def statuses(self) -> list[int]:
        return [int(status) for status in re.findall(rb"HTTP/1\.1 ([0-9]+) ", self.text)]


async def _told(place: Served, answering: Answering, packets: list[bytes]) -> Observed:
    """What comes of these; a last request ends what is still open."""
    for noted in (answering.bodies, place.over, place.refused):
        noted.clear()
    wire = await place.connect()
    reading = asyncio.create_task(_all_of(wire))
    with suppress(ConnectionError, RuntimeError):  # the second is uvloop's word for a connection that is closed already
        for packet in (*packets, LAST):
            await wire.say(packet)
            for _ in range(4):
                await asyncio.sleep(0)
    text = re.sub(rb"Date: [^\r]*\r\n|HTTP/1.1 100 Continue\r\n\r\n", b"", await reading)
    async with asyncio.timeout(PATIENCE):
        while place.server.counting.running:  # noqa: ASYNC110 - it tells nobody outside
            await asyncio.sleep(0)
    return Observed(text, tuple(answering.bodies), tuple(place.over), tuple(place.refused))


async def _all_of(wire: Wire) -> bytes:
    """All that comes, before somebody who is not heard any more writes on and breaks the connection."""
    received = b""
    with suppress(ConnectionError):
        async with asyncio.timeout(PATIENCE):
            while piece := await wire.reader.read(65536):
                received += piece
    return received


async def _at_every_cut(sent: bytes) -> Observed:
    """What comes of it, which is the same at every cut, and byte by byte."""
    answering = Answering()
    async with served(answering, ClientRules(limits=LIMITS)) as place:
        whole = await _told(place, answering, [sent])
        for at in range(1, len(sent)):
            assert (at, await _told(place, answering, [sent[:at], sent[at:]])) == (at, whole)
        assert await _told(place, answering, [sent[at : at + 1] for at in range(len(sent))]) == whole
        return whole


@pytest.mark.parametrize("name", PASSED)
async def test_t18_requests_that_are_cut_anywhere_are_those_requests(name: str) -> None:
    told = await _at_every_cut(PASSED[name])
    assert (told.statuses, told.refused) == ([200] * 3, ())
    assert [target for target, _ in told.bodies][1:] == ["/get", "/last"]


@pytest.mark.parametrize("name", LAST_ONES)
async def test_t18_behind_the_last_request_nothing_is_read_wherever_it_is_cut(name: str) -> None:
    told = await _at_every_cut(LAST_ONES[name])
    assert (told.statuses, told.refused, len(told.bodies)) == ([200], (), 1)


@pytest.mark.parametrize("name", REFUSED)
async def test_t18_what_is_no_request_is_none_wherever_it_is_cut(name: str) -> None:
    sent, status, reason = REFUSED[name]
    told = await _at_every_cut(sent)
    assert (told.statuses, told.refused, told.bodies) == ([status], (reason,) if reason else (), ())
    behind = await _at_every_cut(GET + sent)
    assert (behind.statuses, [target for target, _ in behind.bodies]) == ([200, status], ["/get"])
