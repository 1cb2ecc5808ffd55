"""Rows Y4, Y5 and T19: invalid statuses, lengths that two parsers could read in two ways, and heads without CR."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.harness.app import Visit, answering
from tests.harness.replies import RawReply
from tests.harness.site import FETCH, Site, deployed
from tests.harness.wire import PATIENCE

FORGED = b"HTTP/1.1 200 OK\r\nSet-Cookie: __Host-gateway=forged\r\nContent-Length: 5\r\n\r\nowned"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with deployed() as made:
        yield made


@pytest.mark.parametrize(
    "answer",
    [
        *(b"HTTP/1.1 %s Odd\r\nContent-Length: %d\r\n\r\n" % (status, len(FORGED)) for status in (b"104", b"150", b"199", b"103", b"100")),
        *(b"HTTP/1.1 %s Odd\r\nTransfer-Encoding: chunked\r\n\r\n" % status for status in (b"104", b"199")),
        *(b"HTTP/1.1 %s Odd\r\n\r\n" % status for status in (b"000", b"001", b"099", b"600", b"999")),
        *(b"HTTP/1.1 %s Odd\r\nContent-Length: %d\r\n\r\n" % (status, len(FORGED)) for status in (b"000", b"099", b"600", b"999")),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_y4_a_status_that_is_none_is_502_and_its_connection_is_closed(site: Site, answer: bytes, method: str) -> None:
    site.behind.script = answering(answer + FORGED)
    reply = await site.ask("/public/x", method=method)
    assert reply.status == 502 and b"owned" not in reply.body and b"forged" not in reply.raw
    async with asyncio.timeout(PATIENCE):
        while site.behind.open:
            site.behind.gone.clear()
            await site.behind.gone.wait()


@pytest.mark.parametrize("status", [b"100 Continue", b"102 Processing", b"103 Early Hints", b"104 Upload Resumption Supported"])
async def test_y4_interim_answers_are_read_over_and_bounded(site: Site, status: bytes) -> None:
    interim = b"HTTP/1.1 " + status + b"\r\n\r\n"
    final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    for count, wanted in ((1, 200), (100, 200), (102, 502)):
        site.behind.script = answering(interim * count + final)
        assert (await site.ask("/public/x")).status == wanted


@pytest.mark.parametrize(("sent", "wanted"), [(b"02", b"2"), (b"0002", b"2"), (b"2", b"2")])
@pytest.mark.parametrize("more", [b"", b"Transfer-Coding: x\r\nKeep-Alive: timeout=5\r\n"])
async def test_y5_a_length_of_an_app_is_written_anew(site: Site, sent: bytes, wanted: bytes, more: bytes) -> None:
    site.behind.script = answering(b"HTTP/1.1 200 OK\r\n" + more + b"Content-Length: " + sent + b"\r\n\r\nok")
    reply = await site.ask("/public/x")
    assert (reply.status, reply.body, reply.values("Content-Length")) == (200, b"ok", [wanted.decode()])


@pytest.mark.parametrize("sent", [b"+2", b"-2", b"0x2", b"2 2", b"2, 2", b"2,2", b"", b"\xb2"])
async def test_y5_what_is_no_length_of_an_app_is_502(site: Site, sent: bytes) -> None:
    site.behind.script = answering(b"HTTP/1.1 200 OK\r\nContent-Length: " + sent + b"\r\n\r\nok", then_close=True)
    assert (await site.ask("/public/x")).status == 502


@pytest.mark.parametrize("sent", [b"02", b"0300", b"00", b"+3", b"-1", b"2, 2", b"0x2", b" 3,"])
@pytest.mark.parametrize("method", [b"POST", b"GET"])
async def test_y5_a_length_of_a_client_that_two_parsers_read_in_two_ways_is_400(site: Site, sent: bytes, method: bytes) -> None:
    head = method + b" /public/x HTTP/1.1\r\nHost: hr.example.com\r\nConnection: close\r\n" + FETCH
    reply = RawReply.of(await site.raw(head + b"Content-Length: " + sent + b"\r\n\r\n" + b"x" * 300))
    assert reply.status == 400 and site.behind.visits == []


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("answer", "status"), [(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 200), (b"HTTP/1.1 200 OK\r\nContent-Length: 2\n\nok", 502)]
)
async def test_t19_an_answer_with_lines_that_end_in_lf_is_answered_at_once(method: str, answer: bytes, status: int) -> None:
    """Where all its lines do, it is delivered (row W10)."""
    async with deployed() as site:

        async def script(visit: Visit) -> None:
            await visit.say(answer)
            await visit.reader.read()

        site.behind.script = script
        assert (await site.ask("/public/x", method=method)).status == status  # it would be 504 if more was waited for
