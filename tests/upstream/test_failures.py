"""Servers and clients that fail: what is raised, what is repeated, and what is sent at most once."""

import asyncio

import pytest

from gateway.edge.responses import Response
from gateway.outbound import Timeouts
from tests.harness.app import Behind, Visit, answering, hello
from tests.upstream.proxy import END, HOST, ProxyServer, get


class TestFailures:
    """What the proxy raises, as the door of these tests answers it: 502 with the reason."""

    async def test_no_answer_in_time(self, front: ProxyServer, behind: Behind) -> None:
        async def script(visit: Visit) -> None:
            await visit.reader.read()

        behind.script = script
        front.with_timeouts(Timeouts(connect=1, first_byte=0.05, idle=5))
        assert b"timed_out deadline passed: first_byte" in await (await front.connect()).ask(get())

    async def test_a_stream_may_last_longer_than_any_deadline_but_not_stand_still(self, front: ProxyServer, behind: Behind) -> None:
        async def script(visit: Visit) -> None:
            await visit.say(b"HTTP/1.1 200 OK\r\n\r\n")
            for _ in range(6):
                await visit.say(b"tick")
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await visit.reader.read()
            await visit.reader.read()

        behind.script = script
        front.with_timeouts(Timeouts(connect=1, first_byte=0.2, idle=0.2))
        wire = await front.connect()
        await wire.say(get())
        for _ in range(6):
            await wire.until(b"tick")
        with pytest.raises(ConnectionResetError):
            await wire.rest()
        response = await front.responses.get()
        assert isinstance(response, Response)
        assert response.abandoned == "cut_short:timed_out"

    async def test_an_upload_may_last_longer_than_the_first_byte(self, front: ProxyServer, behind: Behind) -> None:
        front.with_timeouts(Timeouts(connect=1, first_byte=0.2, idle=0.2))
        wire = await front.connect()
        await wire.say(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 6\r\n" + END)
        for _ in range(5):
            await wire.say(b"x")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.06):
                    await wire.reader.read(1)
        await wire.say(b"x")
        assert (await wire.rest()).startswith(b"HTTP/1.1 200 OK")

    async def test_a_client_that_stops_in_its_upload_is_told(self, front: ProxyServer, behind: Behind) -> None:
        front.with_timeouts(Timeouts(connect=1, first_byte=5, idle=0.05))
        wire = await front.connect()
        await wire.say(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 6\r\n\r\nabc")
        assert (await wire.head()).startswith(b"HTTP/1.1 408 Request Timeout\r\n")

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (b"SSH-2.0-x\r\n\r\n", b"status_line"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", b"content_length"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"two_framings"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", b"content_length"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", b"transfer_encoding"),
            (b"HTTP/1.1 200 OK\r\nX: a\x01b\r\nContent-Length: 0\r\n\r\n", b"control_byte"),
            (b"HTTP/1.1 200 OK\r\nX Y\r\nContent-Length: 0\r\n\r\n", b"no_colon"),
            (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", b"unasked_upgrade"),
        ],
    )
    async def test_what_is_not_http_is_not_passed_on(self, front: ProxyServer, behind: Behind, answer: bytes, reason: bytes) -> None:
        behind.script = answering(answer, then_close=True)
        assert (await (await front.connect()).ask(get())).endswith(b"nonsense " + reason)

    async def test_nobody_there(self, front: ProxyServer, behind: Behind) -> None:
        behind.port = 0
        unused = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        port = unused.sockets[0].getsockname()[1]
        unused.close()
        await unused.wait_closed()
        front.before(port)
        assert b"unreachable" in await (await front.connect()).ask(get())


class TestRepeating:
    """A request that left is never sent again, whatever its method; one that provably did not leave goes over another connection."""

    @staticmethod
    async def _keep_one_then_hang_up(front: ProxyServer, behind: Behind) -> None:
        async def script(visit: Visit) -> None:
            if visit.number == 2:
                visit.writer.close()
                raise ConnectionError
            await hello(visit)

        behind.script = script
        wire = await front.connect()
        await wire.say(b"GET /first HTTP/1.1\r\n" + HOST + b"\r\n")
        await wire.until(b"hello")

    @pytest.mark.parametrize("method", [b"GET", b"POST"])
    async def test_a_kept_connection_that_the_server_closed_is_not_used(self, front: ProxyServer, behind: Behind, method: bytes) -> None:
        async def script(visit: Visit) -> None:
            await hello(visit)
            if visit.number == 1:
                raise ConnectionError

        behind.script = script
        wire = await front.connect()
        await wire.say(b"GET /first HTTP/1.1\r\n" + HOST + b"\r\n")
        await wire.until(b"hello")
        async with asyncio.timeout(5):
            while len(front.source):  # noqa: ASYNC110 - the pool tells nobody outside
                await asyncio.sleep(0)
        answer = await (await front.connect()).ask(method + b" /second HTTP/1.1\r\n" + HOST + END)
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert [visit.line.split(b" ")[1] for visit in behind.visits] == [b"/first", b"/second"]

    @pytest.mark.parametrize(
        "request_text",
        [
            b"GET /second HTTP/1.1\r\n" + HOST + END,
            b"DELETE /second HTTP/1.1\r\n" + HOST + END,
            b"POST /second HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n" + END,
            b"GET /second HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\n" + END + b"x",
        ],
    )
    async def test_what_left_is_never_sent_twice(self, front: ProxyServer, behind: Behind, request_text: bytes) -> None:
        await self._keep_one_then_hang_up(front, behind)
        assert b"hung_up" in await (await front.connect()).ask(request_text)
        assert len(behind.visits) == 2

    async def test_a_get_on_a_new_connection_is_not_asked_again(self, front: ProxyServer, behind: Behind) -> None:
        behind.script = answering(b"", then_close=True)
        assert b"hung_up" in await (await front.connect()).ask(get())
        assert len(behind.visits) == 1


class TestExchange:
    """The login door's way: the head first, then the decision."""

    async def test_the_head_is_known_before_the_body_is_read(self, front: ProxyServer, behind: Behind) -> None:
        behind.script = answering(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nSet-Cookie: sid=1\r\nContent-Length: 3\r\n\r\nabc")
        exchange = await front.http.exchange("POST", "/a?", ((b"X", b"1"), (b"Content-Length", b"99")), b"token=1")
        assert (exchange.status, exchange.reason) == (302, b"Found")
        assert exchange.fields == ((b"Location", b"/x"), (b"Set-Cookie", b"sid=1"), (b"Content-Length", b"3"))
        assert await exchange.read(10) == b"abc"
        assert behind.last.line == b"POST /a? HTTP/1.1"
        assert behind.last.fields == [b"Host: app.internal", b"X: 1", b"Content-Length: 7"]

    async def test_an_answer_that_is_larger_than_wanted_is_not_read(self, front: ProxyServer, behind: Behind) -> None:
        behind.script = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world")
        exchange = await front.http.exchange("GET", "/", ())
        with pytest.raises(Exception, match="too_large"):
            await exchange.read(10)

    async def test_it_is_sent_at_most_once_even_on_a_dead_kept_connection(self, front: ProxyServer, behind: Behind) -> None:
        await TestRepeating._keep_one_then_hang_up(front, behind)
        with pytest.raises(Exception, match="kept"):
            await front.http.exchange("GET", "/second", ())
        assert len(behind.visits) == 2

    @pytest.mark.parametrize("value", [b"a\r\nY: b", b"a\nY: b", b"a\rb"])
    async def test_a_field_that_would_be_two_is_not_sent(self, front: ProxyServer, behind: Behind, value: bytes) -> None:
        with pytest.raises(ValueError, match="line"):
            await front.http.exchange("GET", "/", ((b"X", value),))
        assert behind.visits == []
