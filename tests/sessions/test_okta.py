"""What goes over the wire to Okta's Sessions API, and what comes of every kind of answer, an answer that never comes included."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import ClientSession

from gateway.dev.standin import Org, serve
from gateway.okta import BrowserFields, Okta, OktaAnswer, browser_fields_of
from gateway.outbound import Destination, Timeouts, open_client
from gateway.policy.http.messages import Authority, RequestHead
from gateway.policy.session.cache import RateLimits
from gateway.policy.session.session import NoSession, SessionCookie, Unknown
from tests.sessions.scripted import BROWSER, IDX, SID

NOT_FOUND = b'{"errorCode":"E0000007"}'


@dataclass
class OneAnswerServer:
    """A server that reads one request per connection, byte for byte, and answers what the test says."""

    answer: bytes = b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 24\r\n\r\n" + NOT_FOUND
    stays_open: bool = False
    heads: list[bytes] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    client_left: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            self.arrived.set()
            writer.write(self.answer)
            if self.stays_open and not await reader.read(1):
                self.client_left.set()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def lines(self) -> list[bytes]:
        return self.heads[-1].split(b"\r\n")[:-2]


def okta(client: ClientSession, port: int, timeouts: Timeouts) -> Okta:
    return Okta(client, Destination(f"http://127.0.0.1:{port}", "login.example.com"), timeouts)


@asynccontextmanager
async def wired(wire: OneAnswerServer, timeouts: Timeouts | None = None) -> AsyncIterator[Okta]:
    timeouts = timeouts or Timeouts(5.0, 5.0, 5.0)
    server = await asyncio.start_server(wire.serve_one, "127.0.0.1", 0)
    client = open_client(timeouts, 10)
    try:
        yield okta(client, server.sockets[0].getsockname()[1], timeouts)
    finally:
        await client.close()
        server.close()


def with_body(body: bytes, status: str = "200 OK", fields: str = "Content-Type: application/json\r\n") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{fields}\r\n".encode() + body


async def test_a_question_carries_the_session_cookies_the_device_and_the_browser_and_nothing_else() -> None:
    wire = OneAnswerServer()
    browser = BrowserFields(b"Firefox/140 (\xc3\xa9)", b"de, en;q=0.5", b"DI1abc", "2001:db8::7")
    async with wired(wire) as org:
        assert await org.session(SID + IDX, browser) == OktaAnswer(NoSession("not_found"), 404, None, "E0000007")
    assert wire.lines() == [
        b"GET /api/v1/sessions/me HTTP/1.1",
        b"Host: login.example.com",
        b"Accept: application/json",
        b"Accept-Encoding: identity",
        b"User-Agent: Firefox/140 (\xc3\xa9)",
        b"Cookie: sid=102one; idx=eyJone; DT=DI1abc",
        b"Accept-Language: de, en;q=0.5",
        b"X-Forwarded-For: 2001:db8::7",
    ]


@pytest.mark.parametrize("odd", [b"", b" ", b"\xff\xfe"])
async def test_what_a_browser_does_not_say_is_not_made_up_but_a_user_agent_there_always_is(odd: bytes) -> None:
    wire = OneAnswerServer()
    async with wired(wire) as org:
        await org.session(SID, BrowserFields(odd, odd.strip(), odd.strip(), "unknown"))
    assert [line for line in wire.lines() if line.startswith(b"User-Agent: session-gateway/")]
    assert [line.partition(b":")[0] for line in wire.lines()[1:]] == [b"Host", b"Accept", b"Accept-Encoding", b"User-Agent", b"Cookie"]
    assert b"Cookie: sid=102one" in wire.lines()


@pytest.mark.parametrize("value", [b"a=b=c", b'"quoted"', b"\xc3\xa9", b"~!@#$%^&*()"])
async def test_a_cookie_goes_out_byte_for_byte(value: bytes) -> None:
    wire = OneAnswerServer()
    async with wired(wire) as org:
        await org.session((SessionCookie(b"sid", value),), BROWSER)
    assert b"Cookie: sid=" + value in wire.lines()


async def test_a_cookie_that_cannot_go_out_byte_for_byte_does_not_go_out_as_another() -> None:
    """The client library drops bytes that are not UTF-8: ``abc\\xff`` would ask about ``abc``, under another fingerprint."""
    wire = OneAnswerServer()
    async with wired(wire) as org:
        for call in (org.session, org.close, org.refresh):
            assert await call((*IDX, SessionCookie(b"sid", b"102one\xff")), BROWSER) == OktaAnswer(Unknown("unsendable_cookie"), 0)
    assert wire.heads == []


async def test_a_bodyless_refresh_says_that_its_length_is_zero() -> None:
    wire = OneAnswerServer()
    async with wired(wire) as org:
        await org.refresh(SID, BROWSER)
    assert wire.lines()[0] == b"POST /api/v1/sessions/me/lifecycle/refresh HTTP/1.1"
    assert wire.lines().count(b"Content-Length: 0") == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", OktaAnswer(NoSession("closed"), 204)),
        (with_body(NOT_FOUND, "404 Not Found"), OktaAnswer(NoSession("not_found"), 404, None, "E0000007")),
        (with_body(b"{}", "404 Not Found"), OktaAnswer(Unknown("strange_404"), 404)),
        (with_body(b'{"status":"ACTIVE"}'), OktaAnswer(Unknown("status_200"), 200)),
        (with_body(b'{"errorCode":"E0000006"}', "403 Forbidden"), OktaAnswer(Unknown("status_403"), 403, None, "E0000006")),
    ],
)
async def test_a_close_is_done_only_when_okta_says_so(answer: bytes, expected: OktaAnswer) -> None:
    wire = OneAnswerServer(answer)
    async with wired(wire) as org:
        assert await org.close(SID, BROWSER) == expected
    assert wire.lines()[0] == b"DELETE /api/v1/sessions/me HTTP/1.1"


LIMITS = "X-Rate-Limit-Limit: 600\r\nX-Rate-Limit-Remaining: 0\r\nX-Rate-Limit-Reset: 1800000030\r\n"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            with_body(b'{"errorCode":"E0000047"}', "429 Too Many Requests", LIMITS),
            OktaAnswer(Unknown("rate_limited", 1800000030.0), 429, RateLimits(600, 0, 1800000030.0), "E0000047"),
        ),
        (with_body(b"<html>", fields="Content-Type: text/html\r\n"), OktaAnswer(Unknown("strange_type"), 200)),
        (with_body(b"", "302 Found", "Location: /login/login.htm\r\n"), OktaAnswer(Unknown("status_302"), 302)),
        (with_body(b"{" + b" " * 65536), OktaAnswer(Unknown("too_large"), 200)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" + b" " * 70000, OktaAnswer(Unknown("too_large"), 200)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", OktaAnswer(Unknown("hung_up"), 0)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n", OktaAnswer(Unknown("nonsense"), 0)),
        (b"", OktaAnswer(Unknown("hung_up"), 0)),
        (b"SSH-2.0-OpenSSH_9.2\r\n", OktaAnswer(Unknown("nonsense"), 0)),
    ],
)
async def test_every_other_answer_is_unknown_and_the_question_was_sent_once(answer: bytes, expected: OktaAnswer) -> None:
    wire = OneAnswerServer(answer)
    async with wired(wire) as org:
        assert await org.session(SID, BROWSER) == expected
    assert len(wire.heads) == 1


@pytest.mark.parametrize(
    ("answer", "timeouts"),
    [
        (b"", Timeouts(5.0, 0.05, 5.0)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{", Timeouts(5.0, 5.0, 0.05)),
    ],
)
async def test_a_deadline_ends_the_wait_for_a_head_and_for_a_body(answer: bytes, timeouts: Timeouts) -> None:
    wire = OneAnswerServer(answer, stays_open=True)
    async with wired(wire, timeouts) as org:
        assert await org.session(SID, BROWSER) == OktaAnswer(Unknown("timed_out"), 0)
        await wire.client_left.wait()


async def test_where_nobody_listens_nothing_is_known() -> None:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    async with open_client(Timeouts(), 1) as client:
        assert await okta(client, port, Timeouts()).session(SID, BROWSER) == OktaAnswer(Unknown("unreachable"), 0)


async def test_a_question_that_is_cancelled_takes_its_connection_along() -> None:
    wire = OneAnswerServer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{", stays_open=True)
    async with wired(wire) as org:
        waiting = asyncio.create_task(org.session(SID, BROWSER))
        await wire.arrived.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await wire.client_left.wait()


def test_a_browser_is_what_its_request_says_once() -> None:
    fields = ((b"User-Agent", b"Firefox"), (b"ACCEPT-LANGUAGE", b"de"), (b"Accept-Language", b"en"), (b"Cookie", b"a=1; DT=dev; sid=x"))
    head = RequestHead("GET", "/", Authority("login.example.com", 443), fields, True, "10.0.0.1", "192.0.2.7")
    assert browser_fields_of(head) == BrowserFields(b"Firefox", b"", b"dev", "192.0.2.7")
    assert "dev" not in repr(browser_fields_of(head))


@pytest.mark.parametrize("engine", ["classic", "identity"])
async def test_the_stand_in_org_is_asked_refreshed_and_closed(engine: str) -> None:
    running = await serve(Org(engine="identity" if engine == "identity" else "classic"))
    alice = running.org.sign_in("alice@example.com")
    halves = ((b"sid", alice.sid), (b"idx", alice.idx))
    cookies = tuple(SessionCookie(name, value.encode()) for name, value in halves if value is not None)
    async with open_client(Timeouts(), 1) as client:
        org = okta(client, running.port, Timeouts())
        asked, refreshed = await org.session(cookies, BROWSER), await org.refresh(cookies, BROWSER)
        assert getattr(asked.finding, "login", None) == getattr(refreshed.finding, "login", None) == "alice@example.com"
        assert asked.limits is not None and asked.limits.reset is not None and asked.limits.date is not None
        assert (await org.close(cookies, BROWSER)).finding == NoSession("closed")
        assert (await org.session(cookies, BROWSER)).finding == NoSession("not_found")
    await running.aclose()
