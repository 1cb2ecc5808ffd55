"""Plain heads: what is read from memory is what a strict parser reads, and whatever is not plain is left to it."""

import httptools
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.errors import Nonsense
from gateway.memo import MOST_KEYS
from gateway.upstream.plain import _lines, plain_head
from gateway.upstream.reading import AnswerReader
from tests.harness.llhttp import LlhttpReading

HEAD = b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 5\r\n\r\n"


NAMES = st.sampled_from(
    [
        *(b"Server", b"X", b"Content-Length", b"content-length", b"Connection", b"Transfer-Encoding", b"Set-Cookie", b"Date"),
        *(b"X Y", b"", b"X\x00", b" X", b"X\t", b"Upgrade", b"Keep-Alive", b"X-\xff", b"Content_Length", b"Trailer"),
    ]
)
VALUES = st.one_of(
    st.sampled_from([b"5", b"0", b"+5", b"5, 5", b"", b" 5 ", b"keep-alive", b"close", b"Close", b"upgrade", b"chunked", b"a\rb", b"a\nb"]),
    st.binary(max_size=6),
)
SEPARATORS = st.sampled_from([b": ", b":", b":  ", b" : ", b":\t", b""])
ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\n ", b"\r\n\t"])
LINES = st.tuples(NAMES, SEPARATORS, VALUES, ENDS).map(b"".join)
FIRST = st.one_of(
    st.just(b"HTTP/1.1 200 OK\r\n"),
    st.sampled_from([b"HTTP/1.1 404 \r\n", b"HTTP/1.1 204 No\r\n", b"HTTP/1.0 200 OK\r\n", b"HTTP/1.1 101 S\r\n", b"HTTP/1.1 200\r\n"]),
    st.sampled_from([b"HTTP/1.1 999 X\r\n", b"http/1.1 200 OK\r\n", b"HTTP/1.1  200 OK\r\n", b"HTTP/1.1 200 O\x7fK\r\n"]),
    st.sampled_from([b"\r\nHTTP/1.1 200 OK\r\n"]),
)


@given(FIRST, st.lists(LINES, max_size=5), st.sampled_from([b"\r\n", b"\n", b""]), st.binary(max_size=6))
@example(b"HTTP/1.1 200 OK\r\n", [b"Content-Length: 5\r\n"], b"\r\n", b"hello")
@example(b"HTTP/1.1 200 OK\r\n", [b"Content-Length: 5\r\n", b"Content-Length: 5\r\n"], b"\r\n", b"hello")
@example(b"HTTP/1.1 200 OK\r\n", [b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"], b"\r\n", b"0\r\n\r\n")
def test_what_is_plain_is_what_a_strict_parser_reads(first: bytes, lines: list[bytes], end: bytes, body: bytes) -> None:
    received = first + b"".join(lines) + end + body
    head = plain_head(received)
    if head is None:
        return
    status, _, fields, length, keeps, body_from = head
    strict = LlhttpReading(httptools.HttpResponseParser, received[:body_from] + b"x" * length)
    assert strict.is_whole and len(strict.body) == length
    assert (strict.status, tuple(strict.fields), strict.keeps) == (status, fields, keeps)


@pytest.mark.parametrize(
    "received",
    [
        HEAD[:-1],
        HEAD.replace(b"5", b"0x5"),
        HEAD.replace(b"200", b"304"),
        HEAD.replace(b"Server: x", b"Transfer-Encoding: chunked"),
        HEAD.replace(b"Server: x", b"Connection: upgrade"),
        HEAD.replace(b"Server: x", b"Connection: close, X-A"),
        HEAD.replace(b"Server: x\r\nContent-Length: 5", b"Server: x"),
        HEAD.replace(b"x", b"x" * 9000),
        HEAD.replace(b"Server: x\r\n", b"X: 1\r\n" * 65),
    ],
)
def test_what_is_not_plain_is_left_to_the_parser(received: bytes) -> None:
    assert plain_head(HEAD) is not None
    assert plain_head(received) is None


def test_nothing_secret_and_nothing_without_end_is_remembered() -> None:
    for number in range(3 * MOST_KEYS):
        assert plain_head(HEAD.replace(b"x", b"%d" % number)) is not None
    cookie = b"Set-Cookie: sid=1234; Path=/"
    assert plain_head(HEAD.replace(b"Server: x", cookie)) is not None
    assert len(_lines) <= MOST_KEYS
    assert cookie not in _lines


@pytest.mark.parametrize("cut", range(1, len(HEAD) + 5))
def test_an_answer_in_two_pieces_is_the_same_answer(cut: int) -> None:
    for sent in (HEAD + b"hello", HEAD.replace(b"Server: x", b"Connection: close") + b"hello"):
        reader = AnswerReader()
        for _ in range(2 if b"close" not in sent else 1):  # the parser behind a plain one stands where it has to
            reader.expect(bare=False)
            for piece in (sent[:cut], sent[cut:]):
                if piece:
                    reader.feed(piece)
            assert reader.is_whole and reader.status == 200
            assert (b"".join(reader.pieces), reader.keeps) == (b"hello", b"close" not in sent)
            assert reader.fields[-1] == (b"Content-Length", b"5")
            reader.pieces = []


@pytest.mark.parametrize("sent", [(HEAD + b"hello!",), (HEAD, b"hello!"), (HEAD[:20], HEAD[20:] + b"hello!")])
def test_bytes_behind_a_plain_answer_are_nobodys(sent: tuple[bytes, ...]) -> None:
    reader = AnswerReader()
    reader.expect(bare=False)
    for piece in sent:
        reader.feed(piece)
    assert (b"".join(reader.pieces), reader.is_whole, reader.keeps, reader.rests) == (b"hello", True, False, False)
    with pytest.raises(Nonsense):
        reader.feed(b"!")
