"""Bytes through the proxy: what arrives behind is what was sent, and what comes back is what was answered."""

import pytest

from gateway.policy.http.messages import Fields
from tests.harness.app import Behind, Visit, answering
from tests.upstream.proxy import END, HOST, ProxyServer, get


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
async def test_the_target_arrives_as_sent_p24(front: ProxyServer, behind: Behind, target: bytes) -> None:
    wire = await front.connect()
    assert (await wire.ask(get(target))).startswith(b"HTTP/1.1 200 OK\r\n")
    assert behind.last.line == b"GET " + target + b" HTTP/1.1"


async def test_fields_arrive_in_order_repeated_and_to_the_byte_c16(front: ProxyServer, behind: Behind) -> None:
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


async def test_a_field_in_an_encoding_of_its_own_arrives_to_the_byte(front: ProxyServer, behind: Behind) -> None:
    wire = await front.connect()
    assert (await wire.ask(get(fields=b"X-Name: caf\xe9 \xff\x80\r\n"))).startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"X-Name: caf\xe9 \xff\x80" in behind.last.fields


async def test_an_answer_comes_back_to_the_byte(front: ProxyServer, behind: Behind) -> None:
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


async def test_hop_by_hop_fields_of_an_answer_stay_behind(front: ProxyServer, behind: Behind) -> None:
    behind.script = answering(
        b"HTTP/1.1 200 OK\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nContent-Length: 0\r\n\r\n"
    )
    answer = await (await front.connect()).ask(get())
    assert b"X-Hop" not in answer
    assert b"Keep-Alive" not in answer


async def test_fields_may_be_rewritten_once_the_status_is_known(front: ProxyServer, behind: Behind) -> None:
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
async def test_a_body_with_a_length_keeps_it_s13(front: ProxyServer, behind: Behind, method: bytes) -> None:
    wire = await front.connect()
    await wire.ask(method + b" /s HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n" + END + b"12345")
    assert behind.last.value(b"content-length") == b"5"
    assert behind.last.value(b"transfer-encoding") is None


async def test_a_chunked_body_stays_chunked_and_loses_its_trailers_s20(front: ProxyServer, behind: Behind) -> None:
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


async def test_a_compressed_body_passes_untouched_both_ways_s21_d6(front: ProxyServer, behind: Behind) -> None:
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
    front: ProxyServer, behind: Behind, method: bytes, answer: bytes, present: bytes, absent: bytes
) -> None:
    behind.script = answering(answer)
    wire = await front.connect()
    for _ in range(2):  # the second answer shows that the first one left the connection in step
        await wire.say(method + b" / HTTP/1.1\r\n" + HOST + b"\r\n")
        head = await wire.head()
        assert present in head
        assert absent not in head
    # Behind an answer without a body the server may owe one: another connection takes the next request. A length of zero is a body.
    assert behind.connections == (1 if answer.startswith(b"HTTP/1.1 200") and method == b"GET" else 2)


async def test_a_body_without_a_length_is_chunked_for_http_1_1_and_ends_with_the_connection_for_1_0(
    front: ProxyServer, behind: Behind
) -> None:
    behind.script = answering(b"HTTP/1.1 200 OK\r\n\r\nhello", then_close=True)
    modern = await (await front.connect()).ask(get())
    assert b"\r\nTransfer-Encoding: chunked\r\n" in modern
    assert modern.endswith(b"5\r\nhello\r\n0\r\n\r\n")
    old = await (await front.connect()).ask(b"GET / HTTP/1.0\r\n" + HOST + b"\r\n")
    assert b"chunked" not in old
    assert old.endswith(b"\r\n\r\nhello")


async def test_a_length_beside_chunks_is_not_passed_on(front: ProxyServer, behind: Behind) -> None:
    behind.script = answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n")
    answer = await (await front.connect()).ask(get())
    assert b"Content-Length" not in answer
    assert b"X-T" not in answer
    assert answer.endswith(b"5\r\nhello\r\n0\r\n\r\n")
