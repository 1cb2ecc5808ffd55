"""Our own answers: never stored, never sniffed, and whole on the wire."""

import asyncio

import pytest

from gateway.doors.answers import json_answer, page_answer, redirect_answer, to_response
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.pages import BadRequest, render
from gateway.policy.http.messages import Answer
from tests.harness.server import client_server

NEVER_STORED = {(b"Cache-Control", b"no-store"), (b"X-Content-Type-Options", b"nosniff")}


@pytest.mark.parametrize(
    "answer",
    [
        json_answer(401, {"error": "no_session"}, (b"WWW-Authenticate", b"Session")),
        redirect_answer(302, "https://login.example.com/x?y=%20", (b"Set-Cookie", b"a=1")),
        page_answer(render(BadRequest(400, "host")), (b"Set-Cookie", b"a=1")),
    ],
)
def test_every_own_answer_is_never_stored_and_never_sniffed_once(answer: Answer) -> None:
    assert set(answer.fields) >= NEVER_STORED
    names = [name.lower() for name, _ in answer.fields]
    assert names.count(b"cache-control") == names.count(b"x-content-type-options") == 1
    assert len(answer.fields[-1][0]) > 0


def test_json_is_ascii_and_says_so() -> None:
    answer = json_answer(403, {"error": "é", "n": 1})
    assert answer.body == b'{"error": "\\u00e9", "n": 1}'
    assert (b"Content-Type", b"application/json") in answer.fields


def test_a_field_of_the_caller_takes_the_place_of_ours() -> None:
    answer = json_answer(200, {}, (b"cache-control", b"private, max-age=5"))
    assert [value for name, value in answer.fields if name.lower() == b"cache-control"] == [b"private, max-age=5"]


@pytest.mark.parametrize("location", ["", "/a b", "/a\r\nSet-Cookie: x=1", "/\x00", "/é", "/a\tb", "/\x7f"])
def test_a_location_that_is_no_url_is_a_bug_o6(location: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        redirect_answer(302, location)


@pytest.mark.parametrize(
    ("answer", "closes", "method", "expected"),
    [
        (Answer(200, ((b"X", b"caf\xe9"),), b"hi"), False, b"GET", b"HTTP/1.1 200 OK\r\nX: caf\xe9\r\nContent-Length: 2\r\n"),
        (Answer(200, (), b"hi"), True, b"HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"),
        (Answer(204), False, b"GET", b"HTTP/1.1 204 No Content\r\nDate: "),
        (Answer(421, ((b"Content-Length", b"99"),), b""), True, b"GET", b"HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n"),
    ],
)
async def test_an_answer_on_the_wire(answer: Answer, closes: bool, method: bytes, expected: bytes) -> None:
    async def handle(request: Request) -> Response:
        return to_response(answer, closes=closes)

    server = client_server(handle)
    listening = await asyncio.get_running_loop().create_server(server.guest, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", listening.sockets[0].getsockname()[1])
    writer.write(method + b" / HTTP/1.1\r\nHost: h\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(expected)
    assert (b"Connection: close" in head) == closes
    assert b"Server:" not in head
    assert await reader.readexactly(len(answer.body) if method == b"GET" else 0) == (answer.body if method == b"GET" else b"")
    if closes:
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    listening.close()
    await server.shutdown(1.0)
