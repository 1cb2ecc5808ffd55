"""Requests that are answered at once are answered as if they had waited for a task: the same to the app, the client, the log."""

import asyncio
import re

import pytest

from tests.edge.two_addresses import BROKEN, TwoAddresses, asked, two_addresses
from tests.harness.app import Visit, hello
from tests.harness.wire import PATIENCE, Wire

CLOSE = b"Connection: close\r\n"
FORM = b"POST /%d HTTP/1.1\r\nHost: hr.example.com\r\nContent-Length: 4\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-From: app\r\n\r\nhello"

REQUESTS = {
    "plain": asked(b"/a?b=%2F", CLOSE),
    "with fields": asked(b"/a", CLOSE, b"X-A: 1\r\nx-a: 2\r\nCookie: c=caf\xe9\r\nAccept-Encoding: br\r\nTE: trailers\r\n"),
    "with hop-by-hop fields": asked(b"/a", b"Connection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 9\r\nProxy: x\r\n"),
    "with identity of its own": asked(b"/a", CLOSE, b"Remote-User: admin\r\nRemote_User: admin\r\nX-Forwarded-For: 10.0.0.1\r\n"),
    "an empty body": asked(b"/a", CLOSE, b"Content-Length: 0\r\n"),
    "a post without a body": asked(b"/a", CLOSE, method=b"POST"),
    "an odd method": asked(b"/a", CLOSE, method=b"PROPFIND"),
    "HEAD": asked(b"/a", CLOSE, method=b"HEAD"),
    "1.0": asked(b"/a", version=b"1.0"),
    "not allowed": asked(b"/bob/x", CLOSE),
    "a method that no rule allows": asked(b"/read/x", CLOSE, method=b"DELETE"),
    "anyone": asked(b"/public/x", CLOSE),
    "own path": asked(b"/.gateway/x", CLOSE),
    "a bad path": asked(b"/a/%2e%2e/b", CLOSE),
    "h2c": asked(b"/a", b"Connection: close, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"),
    "Expect": asked(b"/a", CLOSE, b"Expect: 100-continue\r\n"),
    "a target beyond ASCII": asked(b"/caf\xc3\xa9", CLOSE),
}
ANSWERS = {
    "length": OK,
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n",
    "until the end": b"HTTP/1.1 200 OK\r\n\r\nhello",
    "204": b"HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n",
    "304": b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nContent-Length: 5\r\n\r\n',
    "interim": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK,
    "cookies": b"HTTP/1.1 302 Found\r\nSet-Cookie: a=1\r\nset-cookie: b=\xc3\xa9; HttpOnly\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
    "an odd reason": b"HTTP/1.1 299 Fa\xe7on\r\nContent-Length: 2\r\n\r\nok",
    "nonsense": b"SSH-2.0-x\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
}
"""What an app says before it hangs up; with a body that HEAD's answers do not have."""


GARBAGE = [b"\x16\x03\x01garbage\r\n\r\n", asked(b"/x").replace(b"Host:", b"Host :"), b"G" * 70_000]
NOT_AT_ONCE = ("own path",)


def without_ids(told: object) -> str:
    """The same, with one id for all requests."""
    return re.sub(r"\b[0-9a-f]{20}\b", "id", repr(told))


async def _both(tried: TwoAddresses, request: bytes) -> bytes:
    """The same at both addresses: what the app gets, what the client gets, and the line in the log. The answer."""
    told = []
    for address in (tried.slow, tried.fast):
        await tried.warm()
        logged = len(address.lines)
        answer = await address.raw(request)
        lines = (await address.logged(logged + 1))[logged:]
        told.append((answer, [visit.head for visit in tried.inner.app.visits], lines))
    assert without_ids(told[0]) == without_ids(told[1])
    await tried.quiet()
    return told[0][0]


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_request_arrives_and_is_answered_as_by_a_task(name: str) -> None:
    async with two_addresses() as tried:
        await _both(tried, REQUESTS[name].replace(b"\r\n\r\n", b"\r\n" + tried.cookie + b"\r\n", 1))
        assert tried.fast.begun == [name not in NOT_AT_ONCE]


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
@pytest.mark.parametrize("name", ANSWERS)
async def test_whatever_the_app_says_is_passed_on_as_by_a_task(name: str, version: bytes, method: bytes) -> None:
    async def script(visit: Visit) -> None:
        if b" /warm " in visit.line:
            return await hello(visit)
        await visit.say(ANSWERS[name])
        raise ConnectionError

    async with two_addresses() as tried:
        tried.inner.app.script = script
        answer = await _both(tried, asked(b"/a", CLOSE, tried.cookie, method=method, version=version))
        assert tried.fast.begun == [True]
        assert (
            answer.startswith(b"HTTP/1.1 502 " if name == "nonsense" or (name == "two lengths" and method == b"GET") else b"HTTP/1.1 ")
            or answer == BROKEN
        )


async def test_both_ways_are_counted_alike() -> None:
    async with two_addresses() as tried:
        for address in (tried.fast, tried.slow):
            await address.raw(asked(b"/a", CLOSE, tried.cookie))
            await address.raw(asked(b"/a", tried.cookie) + asked(b"/bob/x", tried.cookie) + asked(b"/a", tried.cookie, CLOSE))
        await tried.slow.logged(4)
        (warmed,) = [line for line in tried.slow.counts if 'verdict="admit"' in line and "requests_total" in line]
        assert warmed.endswith(" 4.0")  # one to warm up
        assert [line.replace(" 4.0", " 3.0") if line == warmed else line for line in tried.slow.counts] == tried.fast.counts


async def test_without_a_session_nobody_is_forwarded_at_once() -> None:
    async with two_addresses() as tried:
        await _both(tried, asked(b"/a", CLOSE))
        assert tried.fast.begun == [True] and tried.inner.app.visits == []


class TestOrder:
    """Several requests on one connection: each gets its own answer, in the order in which they were asked."""

    @staticmethod
    async def _says_its_path(visit: Visit) -> None:
        body = await visit.body()
        text = visit.line.split(b" ")[1] + body
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text) + text)

    @staticmethod
    async def _bodies(wire: Wire, count: int) -> list[bytes]:
        bodies = []
        for _ in range(count):
            head = await wire.head()
            length = next(int(line.split(b": ")[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length"))
            bodies.append(await wire.exactly(length))
        return bodies

    @pytest.mark.parametrize("kinds", ["GGGGGGGG", "GP", "PG", "GPGPPGGP", "PPGG"])
    @pytest.mark.parametrize("by_byte", [False, True], ids=["at once", "byte by byte"])
    async def test_answers_come_in_the_order_of_the_requests(self, kinds: str, by_byte: bool) -> None:
        async with two_addresses() as tried:
            tried.inner.app.script = self._says_its_path
            sent = b"".join(
                asked(b"/%d" % number, tried.cookie) if kind == "G" else FORM % number + tried.cookie + b"\r\nbody"
                for number, kind in enumerate(kinds)
            )
            wire = await tried.fast.connect()
            for piece in (sent[place : place + 1] for place in range(len(sent))) if by_byte else (sent,):
                await wire.say(piece)
                await asyncio.sleep(0)
            expected = [b"/%d" % number + (b"body" if kind == "P" else b"") for number, kind in enumerate(kinds)]
            assert await self._bodies(wire, len(kinds)) == expected
            assert "P" in kinds or tried.fast.begun == [True] * len(kinds)

    @pytest.mark.parametrize("which", ["fast", "slow"])
    @pytest.mark.parametrize("garbage", GARBAGE)
    async def test_garbage_behind_a_request_is_refused_behind_its_answer(self, garbage: bytes, which: str) -> None:
        async with two_addresses() as tried, asyncio.timeout(PATIENCE):
            go, address = asyncio.Event(), getattr(tried, which)

            async def thinks(visit: Visit) -> None:
                await go.wait()
                await self._says_its_path(visit)

            tried.inner.app.script = thinks
            tried.inner.app.arrived.clear()
            wire = await address.connect()
            await wire.say(asked(b"/first", tried.cookie))
            await tried.inner.app.arrived.wait()
            await wire.say(garbage)
            logged = len(address.lines)
            go.set()
            first, second = (await wire.rest()).split(b"HTTP/1.1 ")[1:]
            assert first.endswith(b"/first") and second.startswith((b"400 ", b"414 ")) and b"\r\nConnection: close\r\n" in second
            assert [line["status"] for line in address.lines[logged:]] == [200, int(second[:3])]
            assert address.begun == ([True] if which == "fast" else [False, False]) and len(tried.inner.app.visits) == 1

    @pytest.mark.parametrize("garbage", [*GARBAGE, asked(b"/3")])
    async def test_what_comes_with_bytes_that_are_no_request_is_answered_before_they_are_refused(self, garbage: bytes) -> None:
        """Behind a request that says it is the last nothing is read at all."""
        async with two_addresses() as tried:
            is_last = garbage == asked(b"/3")
            answer = await tried.fast.raw(asked(b"/1", tried.cookie, CLOSE if is_last else b"") + garbage)
            first, *behind = answer.split(b"HTTP/1.1 ")[1:]
            assert first.startswith(b"200 ") and [line[:4] in (b"400 ", b"414 ") for line in behind] == [True] * (not is_last)
            assert [visit.line for visit in tried.inner.app.visits] == [b"GET /1 HTTP/1.1"]

    async def test_one_more_than_is_read_ahead_waits_and_is_answered(self) -> None:
        async with two_addresses() as tried:
            tried.inner.app.script = self._says_its_path
            wire, count = await tried.fast.connect(), 500
            await wire.say(b"".join(asked(b"/%d" % number, tried.cookie) for number in range(count)))
            assert await self._bodies(wire, count) == [b"/%d" % number for number in range(count)]

    async def test_http_1_0_goes_on_only_where_it_asks_to(self) -> None:
        async with two_addresses() as tried:
            old = asked(b"/1", tried.cookie, b"Connection: keep-alive\r\n", version=b"1.0")
            wire = await tried.fast.connect()
            await wire.say(old)
            assert b"\r\nConnection: keep-alive\r\n" in await wire.head() and await wire.exactly(5) == b"hello"
            await wire.say(asked(b"/2", tried.cookie, version=b"1.0"))
            assert (await wire.rest()).endswith(b"\r\n\r\nhello")
            assert tried.fast.begun == [True, True]
