"""Bytes through the proxy: what arrives behind is what was sent, and what comes back is what was answered."""

import asyncio

import pytest

from gateway.core.messages import Fields
from gateway.outbound import Deadlines
from gateway.proxy.relayed import RelayedResponse
from tests.proxy.conftest import Behind, Front, Script, Visit

HOST = b"Host: hr.example.com\r\n"
END = b"Connection: close\r\n\r\n"


def get(target: bytes = b"/", fields: bytes = b"") -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\n" + HOST + fields + END


def answering(text: bytes, *, then_close: bool = False) -> Script:
    async def script(visit: Visit) -> None:
        await visit.body()
        await visit.say(text)
        if then_close:
            visit.writer.close()

    return script


@pytest.mark.parametrize(
    "target",
    [
        b"/a%2Fb?x=%7E&y=+&z",
        b"/?",
        b"/a?",
        b"/a??b?",
        b"/%7Euser;v=1/a|b",
        b"/a/%2e/b",
        b"/?q=a|b^c`{}[]\\\"'&&==",
        b"/%C3%A9%e9",
        b"/a//b/",
        b"/:80@x",
    ],
)
async def test_the_target_arrives_as_sent_p24(front: Front, behind: Behind, target: bytes) -> None:
    wire = await front.connect()
    assert (await wire.ask(get(target))).startswith(b"HTTP/1.1 200 OK\r\n")
    assert behind.last.line == b"GET " + target + b" HTTP/1.1"


async def test_fields_arrive_in_order_repeated_and_to_the_byte_c16(front: Front, behind: Behind) -> None:
    sent = [
        b"X-B: 1",
        b"x-a: 2",
        b'Cookie: a="q; x"; b=caf\xc3\xa9; c==; d=1 2',
        b"X-B: 3",
        b"Cookie: e=\xf0\x9f\x98\x80",
        b"Authorization: Token abc",
        b"X-Empty:",
        b"accept-encoding: br;q=0.5,  gzip",
    ]
    wire = await front.connect()
    await wire.ask(get(fields=b"\r\n".join(sent) + b"\r\n"))
    expected = [b"X-Empty: " if line == b"X-Empty:" else line for line in sent]
    arrived = behind.last.fields
    assert arrived[0] == b"Host: hr.example.com"
    assert [line for line in arrived[1:] if not line.startswith(b"X-Forwarded-")] == expected
    assert not any(line.lower().startswith((b"user-agent", b"accept:", b"connection")) for line in arrived)


async def test_a_request_field_that_aiohttp_would_change_is_refused_and_not_changed(front: Front, behind: Behind) -> None:
    wire = await front.connect()
    assert (await wire.ask(get(fields=b"X-Name: caf\xe9\r\n"))).startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert behind.visits == []


async def test_an_answer_comes_back_to_the_byte(front: Front, behind: Behind) -> None:
    lines = [
        b"Set-Cookie: a=1; Path=/",
        b"X-Latin: caf\xe9",
        b"set-cookie: b=\xc3\xa9",
        b"Date: Sun, 06 Nov 1994 08:49:37 GMT",
        b"Content-Length: 2",
        b"Set-Cookie: a=2",
        b"X-Empty: ",
    ]
    behind.script = answering(b"HTTP/1.1 242 Fa\xe7on\r\n" + b"\r\n".join(lines) + b"\r\n\r\nok")
    wire = await front.connect()
    answer = await wire.ask(get())
    assert answer == b"HTTP/1.1 242 Fa\xe7on\r\n" + b"\r\n".join(lines) + b"\r\nConnection: close\r\n\r\nok"


async def test_hop_by_hop_fields_of_an_answer_stay_behind(front: Front, behind: Behind) -> None:
    behind.script = answering(
        b"HTTP/1.1 200 OK\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nContent-Length: 0\r\n\r\n"
    )
    answer = await (await front.connect()).ask(get())
    assert b"X-Hop" not in answer
    assert b"Keep-Alive" not in answer


async def test_fields_may_be_rewritten_once_the_status_is_known(front: Front, behind: Behind) -> None:
    seen: list[tuple[int, Fields]] = []

    def rewrite(status: int, fields: Fields) -> Fields:
        seen.append((status, fields))
        return (*fields, (b"Set-Cookie", b"ours=1"))

    front.rewrite = rewrite
    answer = await (await front.connect()).ask(get())
    assert seen == [(200, ((b"Content-Length", b"5"),))]
    assert b"\r\nSet-Cookie: ours=1\r\n" in answer
    assert answer.endswith(b"\r\n\r\nhello")


@pytest.mark.parametrize("method", [b"GET", b"POST", b"DELETE", b"OPTIONS"])
async def test_a_body_with_a_length_keeps_it_s13(front: Front, behind: Behind, method: bytes) -> None:
    wire = await front.connect()
    await wire.ask(method + b" /s HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n" + END + b"12345")
    assert behind.last.value(b"content-length") == b"5"
    assert behind.last.value(b"transfer-encoding") is None


async def test_a_chunked_body_stays_chunked_and_loses_its_trailers_s20(front: Front, behind: Behind) -> None:
    bodies: list[bytes] = []

    async def script(visit: Visit) -> None:
        bodies.append(await visit.body())
        await visit.say(b"HTTP/1.1 204 No Content\r\n\r\n")

    behind.script = script
    wire = await front.connect()
    await wire.ask(
        b"POST / HTTP/1.1\r\n" + HOST + b"Trailer: X-Auth-User\r\nTransfer-Encoding: chunked\r\n" + END
        + b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Auth-User: admin\r\n\r\n"
    )  # fmt: skip
    pieces = bodies[0].split(b"\r\n")
    assert b"".join(pieces[1::2]) == b"abcde"
    assert behind.last.value(b"transfer-encoding") == b"chunked"
    assert behind.last.value(b"content-length") is None
    assert b"X-Auth-User" not in behind.last.head + bodies[0]


async def test_a_compressed_body_passes_untouched_both_ways_s21_d6(front: Front, behind: Behind) -> None:
    packed = b"\x1f\x8b\x08\x00not really gzip"
    bodies: list[bytes] = []

    async def script(visit: Visit) -> None:
        bodies.append(await visit.body())
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed)

    behind.script = script
    length = b"Content-Length: %d\r\nContent-Encoding: gzip\r\n" % len(packed)
    answer = await (await front.connect()).ask(b"POST / HTTP/1.1\r\n" + HOST + length + END + packed)
    assert bodies == [packed]
    assert answer.endswith(b"\r\n\r\n" + packed)


@pytest.mark.parametrize(
    ("method", "answer", "present", "absent"),
    [
        (b"HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n", b"Content-Length: 1234\r\n", b"Transfer-Encoding"),
        (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 204 No Content\r\n", b"Content-Length"),
        (b"GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\nETag: x\r\n\r\n", b"Content-Length: 77\r\n", b"chunked"),
        (b"GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"Content-Length: 0\r\n", b"chunked"),
    ],
)
async def test_answers_without_a_body_stay_without(
    front: Front, behind: Behind, method: bytes, answer: bytes, present: bytes, absent: bytes
) -> None:
    behind.script = answering(answer)
    wire = await front.connect()
    for _ in range(2):  # the second answer shows that the first one left the connection in step
        await wire.say(method + b" / HTTP/1.1\r\n" + HOST + b"\r\n")
        head = await wire.head()
        assert present in head
        assert absent not in head
    assert behind.connections == 1


async def test_a_body_without_a_length_is_chunked_for_http_1_1_and_ends_with_the_connection_for_1_0(front: Front, behind: Behind) -> None:
    behind.script = answering(b"HTTP/1.1 200 OK\r\n\r\nhello", then_close=True)
    modern = await (await front.connect()).ask(get())
    assert b"\r\nTransfer-Encoding: chunked\r\n" in modern
    assert modern.endswith(b"5\r\nhello\r\n0\r\n\r\n")
    old = await (await front.connect()).ask(b"GET / HTTP/1.0\r\n" + HOST + b"\r\n")
    assert b"chunked" not in old
    assert old.endswith(b"\r\n\r\nhello")


async def test_a_length_beside_chunks_is_not_passed_on(front: Front, behind: Behind) -> None:
    behind.script = answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n")
    answer = await (await front.connect()).ask(get())
    assert b"Content-Length" not in answer
    assert b"X-T" not in answer
    assert answer.endswith(b"5\r\nhello\r\n0\r\n\r\n")


async def test_go_on_is_said_when_the_body_is_wanted_and_not_before_s14(front: Front, behind: Behind) -> None:
    wire = await front.connect()
    await wire.say(b"POST / HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 3\r\n" + END)
    assert await wire.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
    await wire.say(b"abc")
    assert (await wire.rest()).startswith(b"HTTP/1.1 200 OK\r\n")
    assert behind.last.value(b"expect") is None


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 50,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ],
)
async def test_an_answer_that_breaks_off_never_looks_whole_s16(front: Front, behind: Behind, answer: bytes) -> None:
    behind.script = answering(answer, then_close=True)
    wire = await front.connect()
    with pytest.raises(ConnectionResetError):
        await wire.ask(get())
    response = await front.responses.get()
    assert isinstance(response, RelayedResponse)
    assert response.abandoned.startswith("cut_short:")


async def test_an_answer_that_stops_being_chunks_never_looks_whole_s16(front: Front, behind: Behind) -> None:
    seen = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        await seen.wait()
        await visit.say(b"ZZ\r\n")
        await visit.reader.read()

    behind.script = script
    wire = await front.connect()
    await wire.say(get())
    await wire.until(b"hello")
    seen.set()
    with pytest.raises(ConnectionResetError):
        await wire.rest()


async def test_a_client_that_gives_up_its_upload_takes_the_request_with_it_s22(front: Front, behind: Behind) -> None:
    got: list[bytes] = []

    async def script(visit: Visit) -> None:
        got.append(await visit.reader.read(5))
        behind.arrived.set()
        got.append(await visit.reader.read())

    behind.script = script
    wire = await front.connect()
    await wire.say(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 10\r\n\r\n12345")
    async with asyncio.timeout(5):
        while not got:
            behind.arrived.clear()
            await behind.arrived.wait()
    await wire.close()
    async with asyncio.timeout(5):
        await behind.gone.wait()
    assert got == [b"12345", b""]


async def test_a_chunked_upload_that_breaks_off_is_not_completed_s22(front: Front, behind: Behind) -> None:
    got: list[bytes] = []

    async def script(visit: Visit) -> None:
        got.append(await visit.reader.read())

    behind.script = script
    wire = await front.connect()
    await wire.say(b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    async with asyncio.timeout(5):
        await behind.arrived.wait()
        await wire.close()
        await behind.gone.wait()
    assert b"0\r\n\r\n" not in got[0]


async def test_an_upload_that_stops_being_chunks_is_refused_and_not_completed(front: Front, behind: Behind) -> None:
    front.with_deadlines(Deadlines(connect=1, first_byte=5, idle=0.2))
    got: list[bytes] = []

    async def script(visit: Visit) -> None:
        got.append(await visit.reader.read())

    behind.script = script
    wire = await front.connect()
    await wire.say(b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    async with asyncio.timeout(5):
        await behind.arrived.wait()
    await wire.say(b"no chunk\r\n")
    assert (await wire.head()).startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    async with asyncio.timeout(5):
        await behind.gone.wait()
    assert b"0\r\n\r\n" not in got[0]


async def test_a_client_that_leaves_releases_the_server_at_once(front: Front, behind: Behind) -> None:
    async def script(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        assert await visit.reader.read() == b""
        raise ConnectionError

    behind.script = script
    wire = await front.connect()
    await wire.say(get())
    await wire.until(b"data: 1\n\n")
    await wire.close()
    async with asyncio.timeout(5):
        await behind.gone.wait()


async def test_events_arrive_one_by_one_as_they_are_sent_u13(front: Front, behind: Behind) -> None:
    more = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for number in range(3):
            await visit.say(b"data: %d\n\n" % number)
            await more.wait()
            more.clear()
        visit.writer.close()

    behind.script = script
    wire = await front.connect()
    await wire.say(get())
    await wire.head()
    for number in range(3):
        await wire.until(b"data: %d\n\n" % number)
        more.set()
    assert await wire.rest() == b"\r\n0\r\n\r\n"


async def test_an_answer_may_come_before_the_upload_ends(front: Front, behind: Behind) -> None:
    async def script(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await visit.reader.read()

    behind.script = script
    wire = await front.connect()
    await wire.say(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1000000\r\n\r\nabc")
    assert (await wire.head()).startswith(b"HTTP/1.1 413 Content Too Large\r\n")


async def test_a_slow_reader_holds_the_server_back_and_loses_nothing(front: Front, behind: Behind) -> None:
    size = 32 * 1024 * 1024
    sent = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size // 65536):
            await visit.say(b"x" * 65536)
        sent.set()

    behind.script = script
    wire = await front.connect()
    await wire.say(get())
    await wire.head()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await sent.wait()
    assert await wire.exactly(size) == b"x" * size


class TestFailures:
    """What the proxy raises, as the door of these tests answers it: 502 with the reason."""

    async def test_no_answer_in_time(self, front: Front, behind: Behind) -> None:
        async def script(visit: Visit) -> None:
            await visit.reader.read()

        behind.script = script
        front.with_deadlines(Deadlines(connect=1, first_byte=0.05, idle=5))
        assert b"timed_out deadline passed: first_byte" in await (await front.connect()).ask(get())

    async def test_a_stream_may_last_longer_than_any_deadline_but_not_stand_still(self, front: Front, behind: Behind) -> None:
        async def script(visit: Visit) -> None:
            await visit.say(b"HTTP/1.1 200 OK\r\n\r\n")
            for _ in range(6):
                await visit.say(b"tick")
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await visit.reader.read()
            await visit.reader.read()

        behind.script = script
        front.with_deadlines(Deadlines(connect=1, first_byte=0.2, idle=0.2))
        wire = await front.connect()
        await wire.say(get())
        for _ in range(6):
            await wire.until(b"tick")
        with pytest.raises(ConnectionResetError):
            await wire.rest()
        response = await front.responses.get()
        assert isinstance(response, RelayedResponse)
        assert response.abandoned == "cut_short:timed_out"

    async def test_an_upload_may_last_longer_than_the_first_byte(self, front: Front, behind: Behind) -> None:
        front.with_deadlines(Deadlines(connect=1, first_byte=0.2, idle=0.2))
        wire = await front.connect()
        await wire.say(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 6\r\n" + END)
        for _ in range(5):
            await wire.say(b"x")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.06):
                    await wire.reader.read(1)
        await wire.say(b"x")
        assert (await wire.rest()).startswith(b"HTTP/1.1 200 OK")

    async def test_a_client_that_stops_in_its_upload_is_told(self, front: Front, behind: Behind) -> None:
        front.with_deadlines(Deadlines(connect=1, first_byte=5, idle=0.05))
        wire = await front.connect()
        await wire.say(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 6\r\n\r\nabc")
        assert (await wire.head()).startswith(b"HTTP/1.1 408 Request Timeout\r\n")

    @pytest.mark.parametrize(
        "answer",
        [
            b"SSH-2.0-x\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
            b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nX: a\x01b\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nX Y: 1\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        ],
    )
    async def test_what_is_not_http_is_not_passed_on(self, front: Front, behind: Behind, answer: bytes) -> None:
        behind.script = answering(answer, then_close=True)
        assert (await (await front.connect()).ask(get())).endswith(
            (b"nonsense ClientResponseError", b"nonsense head", b"nonsense content_length")
        )

    async def test_nobody_there(self, front: Front, behind: Behind) -> None:
        behind.port = 0
        unused = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        port = unused.sockets[0].getsockname()[1]
        unused.close()
        await unused.wait_closed()
        front.http = type(front.http)(
            front.http.client, type(front.http.destination)(f"http://127.0.0.1:{port}", "x"), front.http.deadlines
        )
        assert b"unreachable" in await (await front.connect()).ask(get())


class TestRepeating:
    """A request goes out a second time only when a kept connection had died under it, and only if nobody can mind."""

    @staticmethod
    async def _keep_one_then_hang_up(front: Front, behind: Behind) -> None:
        async def script(visit: Visit) -> None:
            if visit.number == 2:
                visit.writer.close()
                raise ConnectionError
            await hello_and_body(visit)

        behind.script = script
        wire = await front.connect()
        await wire.say(b"GET /first HTTP/1.1\r\n" + HOST + b"\r\n")
        await wire.until(b"hello")

    @pytest.mark.parametrize("method", [b"GET", b"HEAD"])
    async def test_a_get_on_a_dead_kept_connection_is_asked_again_once(self, front: Front, behind: Behind, method: bytes) -> None:
        await self._keep_one_then_hang_up(front, behind)
        answer = await (await front.connect()).ask(method + b" /second HTTP/1.1\r\n" + HOST + END)
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert [visit.line.split(b" ")[1] for visit in behind.visits] == [b"/first", b"/second", b"/second"]
        assert behind.connections == 2

    @pytest.mark.parametrize(
        "request_text",
        [
            b"DELETE /second HTTP/1.1\r\n" + HOST + END,
            b"POST /second HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n" + END,
            b"GET /second HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\n" + END + b"x",
        ],
    )
    async def test_anything_else_is_never_sent_twice(self, front: Front, behind: Behind, request_text: bytes) -> None:
        await self._keep_one_then_hang_up(front, behind)
        assert b"hung_up" in await (await front.connect()).ask(request_text)
        assert len(behind.visits) == 2

    async def test_a_get_on_a_new_connection_is_not_asked_again(self, front: Front, behind: Behind) -> None:
        behind.script = answering(b"", then_close=True)
        assert b"hung_up" in await (await front.connect()).ask(get())
        assert len(behind.visits) == 1


async def hello_and_body(visit: Visit) -> None:
    await visit.body()
    length = b"Content-Length: 5\r\n\r\n"
    await visit.say(b"HTTP/1.1 200 OK\r\n" + length + (b"" if visit.line.startswith(b"HEAD") else b"hello"))


class TestExchange:
    """The login door's way: the head first, then the decision."""

    async def test_the_head_is_known_before_the_body_is_read(self, front: Front, behind: Behind) -> None:
        behind.script = answering(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nSet-Cookie: sid=1\r\nContent-Length: 3\r\n\r\nabc")
        exchange = await front.http.exchange("POST", "/a?", ((b"X", b"1"), (b"Content-Length", b"99")), b"token=1")
        assert (exchange.status, exchange.reason) == (302, b"Found")
        assert exchange.fields == ((b"Location", b"/x"), (b"Set-Cookie", b"sid=1"), (b"Content-Length", b"3"))
        assert await exchange.read(10) == b"abc"
        assert behind.last.line == b"POST /a? HTTP/1.1"
        assert behind.last.fields == [b"Host: app.internal", b"X: 1", b"Content-Length: 7"]

    async def test_an_answer_that_is_larger_than_wanted_is_not_read(self, front: Front, behind: Behind) -> None:
        behind.script = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world")
        exchange = await front.http.exchange("GET", "/", ())
        with pytest.raises(Exception, match="too_large"):
            await exchange.read(10)

    async def test_it_is_sent_at_most_once_even_on_a_dead_kept_connection(self, front: Front, behind: Behind) -> None:
        await TestRepeating._keep_one_then_hang_up(front, behind)
        with pytest.raises(Exception, match="Disconnected"):
            await front.http.exchange("GET", "/second", ())
        assert len(behind.visits) == 2
