"""Heads of requests: what is read here llhttp reads in the same way, what came before is read as if it had not, and the rest is refused."""

from collections.abc import Sequence

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.messages import HeadLimits, Malformed, read_head
from gateway.policy.http.request_heads import HeadReader, ReadHead, begins_badly
from tests.harness.llhttp import LlhttpReading

LIMITS = HeadLimits()
HOST = b"Host: hr.example.com"


def read(*lines: bytes, line: bytes = b"GET /a?b HTTP/1.1") -> ReadHead | None:
    return HeadReader(LIMITS).read(b"\r\n".join((line, HOST, *lines)))


def good(*lines: bytes, line: bytes = b"GET /a?b HTTP/1.1") -> ReadHead:
    found = read(*lines, line=line)
    assert found is not None and found.refusal is None
    return found


def test_a_head_is_read_to_the_byte() -> None:
    head = good(b"X-A:1", b"x-a: \t2\xff 3 \t", b"Empty:")
    assert (head.line.method, head.line.target, head.line.is_modern, head.keeps, head.expects) == ("GET", "/a?b", True, True, False)
    assert head.block.given.pairs() == ((b"Host", b"hr.example.com"), (b"X-A", b"1"), (b"x-a", b"2\xff 3"), (b"Empty", b""))
    assert head.block.named == {b"host": b"hr.example.com", b"x-a": (b"1", b"2\xff 3"), b"empty": b""}
    assert [line.text for line in head.block.lines][1:] == [b"X-A: 1\r\n", b"x-a: 2\xff 3\r\n", b"Empty: \r\n"]
    assert head.block.length == 0


@pytest.mark.parametrize("method", [b"GET", b"PROPFIND", b"M-SEARCH", b"get", b"X'!#$%&*+.^_`|~", b"VERSION-CONTROL", b"BREW"])
def test_w8_any_token_is_a_method(method: bytes) -> None:
    assert good(line=method + b" / HTTP/1.1").line.method == method.decode()


@pytest.mark.parametrize(
    ("lines", "is_modern", "keeps"),
    [
        ((), True, True),
        ((b"Connection: close",), True, False),
        ((b"Connection: x, CLOSE ",), True, False),
        ((b"Connection: keep-alive", b"Connection: close"), True, False),
        ((), False, False),
        ((b"Connection: Keep-Alive",), False, True),
        ((b"Connection: keep-alive, close",), False, False),
    ],
)
def test_whether_another_request_may_follow(lines: tuple[bytes, ...], is_modern: bool, keeps: bool) -> None:
    assert good(*lines, line=b"GET / HTTP/1." + (b"1" if is_modern else b"0")).keeps is keeps


def test_where_its_body_ends() -> None:
    assert good(b"Content-Length: 12").block.length == 12
    assert good(b"Content-Length: 0").block.length == 0
    assert good(b"Transfer-Encoding: Chunked").block.length == -1


def test_who_waits_to_be_told_to_go_on() -> None:
    assert good(b"Expect: 100-Continue", b"Content-Length: 1").expects
    assert not good(b"Expect: 100-continue", line=b"POST / HTTP/1.0").expects
    assert not good(b"Expect: something").expects


@pytest.mark.parametrize(
    "line",
    [
        *(
            b"",
            b"GET",
            b"GET ",
            b"GET /",
            b"GET / ",
            b"GET / HTTP/1",
            b"GET / HTTP/1.",
            b"GET / HTTP/11",
            b"GET / http/1.1",
            b"GET  / HTTP/1.1",
        ),
        *(b"GET / HTTP/1.1 ", b" GET / HTTP/1.1", b"G\xffT / HTTP/1.1", b"G(T / HTTP/1.1", b"GET\t/ HTTP/1.1", b"GET /\x00 HTTP/1.1"),
        *(b"GET / HTTP/1.1\n", b"GET / HTTPS/1.1", b"GET / ICE/1.0"),
    ],
)
def test_what_is_no_first_line_is_refused(line: bytes) -> None:
    assert read(line=line) is None and begins_badly(line + b"?" * (not line), True)


@pytest.mark.parametrize(
    "line", [b"X", b": x", b"X : 1", b" X: 1", b"\tX: 1", b"X: a\x00", b"X: a\rb", b"X: a\nb", b"X\xff: 1", b"X: \x7f", b""]
)
def test_what_is_no_line_is_refused(line: bytes) -> None:
    assert read(line) is None is read(b"A: 1", line, b"B: 2")


@pytest.mark.parametrize(
    ("lines", "line", "refused"),
    [
        ((), b"GET / HTTP/2.0", Malformed(505, "version")),
        ((), b"GET / HTTP/0.9", Malformed(505, "version")),
        ((), b"CONNECT / HTTP/1.1", Malformed(405, "method_refused")),
        ((), b"GET * HTTP/1.1", Malformed(400, "target")),
        ((), b"GET http://x/ HTTP/1.1", Malformed(400, "target")),
        ((b"Host: again",), b"GET / HTTP/1.1", Malformed(400, "host_repeated")),
        ((b"Content-Length: 1", b"Content-Length: 1"), b"POST / HTTP/1.1", Malformed(400, "content_length")),
        ((b"Content-Length: 1", b"Transfer-Encoding: chunked"), b"POST / HTTP/1.1", Malformed(400, "framing")),
        ((b"Transfer-Encoding: chunked",), b"POST / HTTP/1.0", Malformed(400, "framing")),
        ((b"Transfer-Encoding: gzip",), b"POST / HTTP/1.1", Malformed(501, "transfer_coding")),
        ((b"X: 1",) * 100, b"GET / HTTP/1.1", Malformed(431, "too_many_fields")),
        ((b"X: " + b"x" * 65536,), b"GET / HTTP/1.1", Malformed(431, "fields_too_large")),
        ((), b"GET /" + b"x" * 9000 + b" HTTP/1.1", Malformed(414, "request_line_too_long")),
    ],
)
def test_what_is_refused_says_why_each_time_it_comes(lines: tuple[bytes, ...], line: bytes, refused: Malformed) -> None:
    reader = HeadReader(LIMITS)
    for _ in range(3):
        found = reader.read(b"\r\n".join((line, HOST, *lines)))
        assert found is not None and found.refusal == refused
    bare = HeadReader(LIMITS).read(b"GET / HTTP/1.1")
    assert bare is not None and bare.refusal == Malformed(400, "host_missing")


def test_more_lines_than_anybody_means_are_not_read() -> None:
    assert read(*(b"X: 1",) * 997) is not None
    assert read(*(b"X: 1",) * 1000) is None is read(*(b"X",) * 100_000)


def test_lines_that_came_before_are_read_as_if_they_had_not() -> None:
    reader, lines = HeadReader(LIMITS), b"\r\nHost: a\r\nCookie: c=1\r\nX-A: 1"
    once = reader.read(b"GET /0 HTTP/1.1" + lines)
    first = reader.read(b"GET /1 HTTP/1.1" + lines)
    again = reader.read(b"POST /2 HTTP/1.0" + lines)
    other = reader.read(b"GET /1 HTTP/1.1" + lines.replace(b"c=1", b"c=2"))
    assert isinstance(once, ReadHead) and isinstance(first, ReadHead) and isinstance(again, ReadHead) and isinstance(other, ReadHead)
    assert once.block is not first.block  # most lines never come again, and are not kept the first time
    assert again.block is first.block and (again.line.method, again.line.target, again.keeps) == ("POST", "/2", False)
    assert other.block is not first.block and other.block.named[b"cookie"] == b"c=2"


def test_no_more_is_remembered_than_a_bound() -> None:
    reader = HeadReader(LIMITS)
    for number in range(5000):
        assert isinstance(reader.read(b"GET / HTTP/1.1\r\nHost: a\r\nX: %d" % number), ReadHead)
    first = reader.read(b"GET / HTTP/1.1\r\nHost: a\r\nX: 0")
    large = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 5000
    many = b"GET / HTTP/1.1\r\nHost: a" + b"".join(b"\r\nX-%d: 1" % number for number in range(32))
    assert isinstance(first, ReadHead)
    for head in (large, many):
        one, two = reader.read(head), reader.read(head)
        assert isinstance(one, ReadHead) and isinstance(two, ReadHead) and one.block is not two.block


@pytest.mark.parametrize("whole", [b"GET /a?b HTTP/1.1", b"M-SEARCH / HTTP/1.0"])
def test_every_beginning_of_a_first_line_may_become_one(whole: bytes) -> None:
    assert not any(begins_badly(whole[:length], False) for length in range(len(whole) + 1))
    assert not begins_badly(whole + b"\r", False) and not begins_badly(whole, True)
    assert begins_badly(b"\x16\x03\x01", False) and begins_badly(b"SSH-2.0-x\x00", False) and begins_badly(b"GET / HTTX", False)


METHODS = (b"GET", b"POST", b"PROPFIND", b"DELETE")
PIECES = st.sampled_from(
    [
        *(b"Host", b"X-A", b"Content-Length", b"Transfer-Encoding", b"Connection", b":", b" ", b"\t", b"\r\n", b"\n", b"\r", b"a", b"5"),
        *(b"chunked", b"close", b"\x00", b"\x7f", b"\xff", b"Host: a\r\n", b"X: 1\r\n", b"Upgrade: h2c\r\n", b"Content-Length: 5\r\n"),
        *(b"/", b"?", b"%"),
    ]
)


@given(st.sampled_from(METHODS), st.sampled_from([b"/", b"/a?b", b"/\xff", b"*"]), st.lists(PIECES, max_size=14))
def test_what_is_read_here_llhttp_reads_in_the_same_way(method: bytes, target: bytes, pieces: Sequence[bytes]) -> None:
    text = method + b" " + target + b" HTTP/1.1\r\nHost: a\r\n" + b"".join(pieces)
    found = HeadReader(LIMITS).read(text.removesuffix(b"\r\n"))
    if found is None or found.refusal is not None:
        return
    reading = LlhttpReading(httptools.HttpRequestParser, text.removesuffix(b"\r\n") + b"\r\n\r\n")
    assert (reading.has_head, reading.url, tuple(reading.fields)) == (True, target, found.block.given.pairs())
    assert read_head(found.line.method, found.line.target, (1, 1), found.block.given.pairs(), LIMITS) == found.block.named


def test_w2_the_same_lines_about_another_body() -> None:
    lines = b"Host: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\nCookie: a=b"
    read = HeadReader(HeadLimits()).read(b"POST / HTTP/1.1\r\n" + lines)
    assert read is not None
    block = read.block.with_body(b"application/x-www-form-urlencoded", 12)
    fields = ((b"Host", b"a"), (b"Cookie", b"a=b"), (b"Content-Type", b"application/x-www-form-urlencoded"), (b"Content-Length", b"12"))
    assert (block.given.pairs(), block.length, block.expects, block.refusal) == (fields, 12, False, None)
