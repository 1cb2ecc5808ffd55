"""The outermost door on a real socket: which door, which refusal, which line in the log."""

import asyncio

import pytest

from gateway.doors.answers import to_response
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.policy.http.messages import Answer, HeadLimits, RequestHead
from tests.doors.listening import listener

HTML = "Accept: text/html,*/*"


async def test_the_host_field_chooses_the_door_and_the_site_says_the_scheme() -> None:
    async with listener() as place:
        assert (await place.get("login.example.com")).endswith(b"login.example.com:443 True")
        assert (await place.get("HR.example.com.")).endswith(b"hr.example.com:443 True")
        assert (await place.get("hr.example.com:443")).endswith(b"hr.example.com:443 True")
        assert (await place.get("local.localhost:8080")).endswith(b"local.localhost:8080 False")
        assert len(place.login.heads) == 1
        assert len(place.app.heads) == 3


@pytest.mark.parametrize(
    "host", ["evil.example", "hr.example.com:80", "hr.example.com:8443", "xhr.example.com", "local.localhost", "127.0.0.1"]
)
async def test_an_unknown_host_is_421_and_reaches_no_door(host: str) -> None:
    async with listener() as place:
        answer = await place.get(host, HTML)
        assert answer.startswith(b"HTTP/1.1 421 ")
        assert b"We don&#39;t know this address" in answer
        assert b"home page" not in answer
        assert place.app.heads == place.login.heads == []


@pytest.mark.parametrize(
    "forwarded", ["X-Forwarded-Host: hr.example.com", "Forwarded: host=hr.example.com", "X-Original-Host: hr.example.com"]
)
async def test_no_field_but_host_chooses_the_host(forwarded: str) -> None:
    async with listener() as place:
        assert (await place.get("evil.example", forwarded)).startswith(b"HTTP/1.1 421 ")


async def test_a_scheme_that_a_stranger_claims_is_not_believed() -> None:
    async with listener() as place:
        await place.get("local.localhost:8080", "X-Forwarded-Proto: https")
        assert [head.secure for head in place.app.heads] == [False]


REFUSED = [
    (b"GET / HTTP/1.1\r\nHost: a.b\r\nHost: hr.example.com\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: u@hr.example.com\r\n\r\n", 400),
    (b"GET http://hr.example.com/ HTTP/1.1\r\nHost: hr.example.com\r\n\r\n", 400),
    (b"OPTIONS * HTTP/1.1\r\nHost: hr.example.com\r\n\r\n", 400),
    (b"TRACE / HTTP/1.1\r\nHost: hr.example.com\r\n\r\n", 405),
    (b"CONNECT hr.example.com:443 HTTP/1.1\r\nHost: hr.example.com\r\n\r\n", 405),
    (b"GET / HTTP/1.0\r\n\r\n", 400),
    (b"GET / HTTP/1.32\r\nHost: hr.example.com\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost : hr.example.com\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: hr.example.com\r\nX-Secret : s3cret\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: hr.example.com\r\nX: a\x00s3cret\r\n\r\n", 400),
    (b"GET /?s3cret\x01 HTTP/1.1\r\nHost: hr.example.com\r\n\r\n", 400),
    (b"s3cret\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nHost: hr.example.com\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"GET /" + b"s3cret" * 30000 + b" HTTP/1.1\r\nHost: hr.example.com\r\n\r\n", 414),
    (b"GET / HTTP/1.1\r\nHost: hr.example.com\r\nCookie: " + b"s3cret" * 30000 + b"\r\n\r\n", 431),
]


@pytest.mark.parametrize(("sent", "status"), REFUSED, ids=[repr(sent[:50]) for sent, _ in REFUSED])
async def test_bytes_that_two_parsers_could_read_in_two_ways_are_refused_and_not_repeated(sent: bytes, status: int) -> None:
    async with listener() as place:
        answer = await place.raw(sent)
        assert answer.split(b" ")[1] == str(status).encode()
        assert b"s3cret" not in answer
        assert b"\r\nServer:" not in answer
        assert b"\r\nConnection: close\r\n" in answer or b"HTTP/1.0" in sent
        assert place.app.heads == place.login.heads == []
        assert [(line["event"], line["verdict"], line["status"]) for line in place.lines] == [("request", "refused", status)]
        assert "s3cret" not in place.written.getvalue()


async def test_a_connection_ends_behind_a_refusal() -> None:
    async with listener() as place:
        good = b"GET / HTTP/1.1\r\nHost: hr.example.com\r\n\r\n"
        answer = await place.raw(good + b"GET / HTTP/1.1\r\nHost: u@x\r\n\r\n" + good)
        assert answer.count(b"HTTP/1.1 200 ") == 1
        assert answer.count(b"HTTP/1.1 400 ") == 1
        assert len(place.app.heads) == 1


async def test_too_many_fields_get_a_page_that_speaks_of_cookies() -> None:
    async with listener(HeadLimits(fields_bytes=1000)) as place:
        answer = await place.get("hr.example.com", HTML, "Cookie: a=" + "x" * 1000)
        assert answer.startswith(b"HTTP/1.1 431 ")
        assert b"Delete the cookies of this site" in answer
        assert (await place.get("hr.example.com", "Cookie: a=" + "x" * 800)).startswith(b"HTTP/1.1 200 ")


async def test_scripts_are_refused_in_json() -> None:
    async with listener() as place:
        answer = await place.get("evil.example", "Accept: application/json")
        assert b"Content-Type: application/json" in answer
        assert answer.endswith(b'{"error": "unknown_host"}')
        assert b"Cache-Control: no-store" in answer


async def test_what_nobody_foresaw_is_a_500_page_and_a_line_without_its_text() -> None:
    async def breaks(request: Request, head: RequestHead) -> Response:
        raise ZeroDivisionError("s3cret")

    async with listener() as place:
        place.app.act = breaks
        answer = await place.get("hr.example.com", HTML, target="/?sessionToken=s3cret")
        assert answer.startswith(b"HTTP/1.1 500 ")
        assert b"s3cret" not in answer
        failure, line = place.lines
        assert failure["event"] == "request_failed"
        assert failure["error"] == "ZeroDivisionError"
        frames = failure["frames"]
        assert isinstance(frames, list)
        assert frames[0].startswith("test_listener.py:")
        assert (line["status"], line["verdict"]) == (500, "failed")
        assert "s3cret" not in place.written.getvalue()


async def test_an_answer_that_breaks_in_the_middle_has_no_clean_end() -> None:
    async def breaks_late(request: Request, head: RequestHead) -> Response:
        assert request.client.transport is not None
        request.is_begun = True
        request.client.transport.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        raise ZeroDivisionError

    async with listener() as place:
        place.app.act = breaks_late
        try:
            received = await place.get("hr.example.com")
        except ConnectionResetError:
            received = b""
        assert not received.endswith(b"0\r\n\r\n")
        assert place.lines[-1]["verdict"] == "failed"


async def test_a_client_that_leaves_ends_its_request_and_is_written_down_as_499() -> None:
    has_started, cancelled = asyncio.Event(), asyncio.Event()

    async def waits(request: Request, head: RequestHead) -> Response:
        has_started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return to_response(Answer(200))

    async with listener() as place:
        place.app.act = waits
        _, writer = await asyncio.open_connection("127.0.0.1", place.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: hr.example.com\r\n\r\n")
        async with asyncio.timeout(10):
            await has_started.wait()
            writer.close()
            await cancelled.wait()
        assert [line["status"] for line in place.lines] == [499]
        assert 'status="499"' in place.metrics.exposition().decode()
        assert "session_gateway_requests_running 0.0" in place.metrics.exposition().decode()


async def test_a_line_says_door_app_verdict_status_and_time_and_nothing_of_the_request() -> None:
    async with listener() as place:
        await place.get("hr.example.com", "Cookie: sid=s3cret", "X-Any: s3cret", target="/s3cret?sessionToken=s3cret", method="POST")
        (line,) = place.lines
        assert {name: line[name] for name in ("event", "door", "app", "status", "method", "peer", "client")} == {
            "event": "request",
            "door": "app",
            "app": "hr",
            "status": 200,
            "method": "POST",
            "peer": "127.0.0.1",
            "client": "127.0.0.1",
        }
        assert isinstance(line["milliseconds"], float)
        assert "s3cret" not in place.written.getvalue()


async def test_an_unusual_method_reaches_the_door_and_is_other_in_the_log() -> None:
    async with listener() as place:
        await place.get("hr.example.com", method="PROPFIND")
        assert place.app.heads[0].method == "PROPFIND"
        assert place.lines[0]["method"] == "other"


async def test_running_requests_end_and_idle_connections_close_when_it_stops() -> None:
    has_started, release = asyncio.Event(), asyncio.Event()

    async def waits(request: Request, head: RequestHead) -> Response:
        has_started.set()
        await release.wait()
        return to_response(Answer(200, (), b"done"))

    async with listener() as place, asyncio.timeout(10):
        place.app.act = waits
        idle, idle_writer = await asyncio.open_connection("127.0.0.1", place.port)
        running = asyncio.create_task(place.get("hr.example.com"))
        await has_started.wait()
        stopping = asyncio.create_task(place.listening.aclose(10))
        assert await idle.read() == b""
        idle_writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", place.port)
        assert not stopping.done()
        release.set()
        assert (await running).endswith(b"done")
        await stopping


async def test_a_request_that_outlasts_the_drain_time_is_ended() -> None:
    has_started = asyncio.Event()

    async def waits(request: Request, head: RequestHead) -> Response:
        has_started.set()
        await asyncio.Event().wait()
        return to_response(Answer(200))

    async with listener() as place, asyncio.timeout(10):
        place.app.act = waits
        running = asyncio.create_task(place.get("hr.example.com"))
        await has_started.wait()
        await place.listening.aclose(0.05)
        assert await running == b""
        assert [line["status"] for line in place.lines] == [499]
