"""Bodies in chunks: read to their end whatever the cuts, and nothing that two servers could read in two ways."""

from itertools import pairwise

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.chunks import Chunks
from gateway.policy.http.messages import Malformed
from tests.harness.llhttp import LlhttpReading

MOST = 200
BAD = Malformed(400, "chunk")
TOO_MUCH = Malformed(431, "fields_too_large")


def read(sent: bytes, cuts: list[int] | None = None) -> tuple[bytes, bytes | Malformed, bool]:
    """The body, what stands behind it or why it is none, and whether it is whole."""
    chunks, pieces, rest = Chunks(MOST), list[bytes](), b""
    edges = sorted({0, len(sent), *(cut % (len(sent) + 1) for cut in cuts or ())})
    for begin, end in pairwise(edges):
        found = chunks.feed(rest + sent[begin:end], pieces) if not chunks.is_whole else rest + sent[begin:end]
        if isinstance(found, Malformed):
            return b"".join(pieces), found, chunks.is_whole
        rest = found
    return b"".join(pieces), rest, chunks.is_whole


WHOLE = {
    b"0\r\n\r\n": b"",
    b"5\r\nhello\r\n0\r\n\r\n": b"hello",
    b"5;a=b;c\r\nhello\r\n00\r\nX: 1\r\nY:\r\n\r\n": b"hello",
    b"005;x\r\nhello\r\n3\r\n\r\n1\r\n0\r\n\r\n": b"hello\r\n1",
    b"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\nCookie: x\r\nHost: y\r\n\r\n": b"0123456789" * 2,
}


@pytest.mark.parametrize("sent", WHOLE)
@pytest.mark.parametrize("behind", [b"", b"GET / HTTP/1.1\r\n", b"\r\n"])
def test_it_ends_where_it_ends_at_every_cut(sent: bytes, behind: bytes) -> None:
    for cut in range(len(sent + behind)):
        body, rest, is_whole = read(sent + behind, [cut])
        assert (body, rest, is_whole) == (WHOLE[sent], behind, True)
    assert read(sent, list(range(len(sent)))) == (WHOLE[sent], b"", True)


@pytest.mark.parametrize("sent", WHOLE)
def test_what_is_not_its_end_is_waited_for(sent: bytes) -> None:
    for length in range(len(sent)):
        body, rest, is_whole = read(sent[:length])
        assert not is_whole and rest == b"" and WHOLE[sent].startswith(body)


@pytest.mark.parametrize(
    "sent",
    [
        *(
            b"\r\n0\r\n\r\n",
            b"g\r\n",
            b"-1\r\n",
            b"+1\r\n",
            b"0x1\r\n",
            b" 1\r\n",
            b"1 \r\nx\r\n",
            b"1\n",
            b"1\rx\n",
            b"1;\x01\r\n",
            b"1;\r\n",
            b"1; a\r\n",
            b"1 ;a\r\n",
        ),
        *(
            b"1\r\nxy\r\n",
            b"1\r\nx\n",
            b"1\r\nx\r\r\n",
            b"1\r\nx0\r\n",
            b"0\r\nX\r\n",
            b"0\r\n X: 1\r\n",
            b"0\r\nX : 1\r\n",
            b"0\r\nX: 1\n",
        ),
        *(
            b"0\r\nContent-Length: 5\r\n",
            b"0\r\ntransfer-ENCODING: chunked\r\n",
            b"0\r\nX: \x00\r\n",
            b"0\n\r\n",
            b"1" * 16 + b"\r\n",
            b"0" * 17 + b"\r\n",
            b";\r\n",
        ),
    ],
)
def test_what_two_servers_could_read_in_two_ways_is_refused(sent: bytes) -> None:
    assert read(sent)[1] == BAD
    assert read(sent, list(range(len(sent))))[1] == BAD


def test_a_line_that_does_not_end_is_refused_in_time() -> None:
    assert read(b"1" * 5000)[1] == BAD and read(b"1;" + b"x" * 5000)[1] == BAD


def test_trailers_and_extensions_count_against_one_bound() -> None:
    assert read(b"0\r\nX: " + b"x" * 300)[1] == TOO_MUCH
    assert read(b"0\r\n" + b"X: 1\r\n" * 40)[1] == TOO_MUCH
    assert read((b"1;" + b"x" * 20 + b"\r\na\r\n") * 20)[1] == TOO_MUCH
    assert read(b"0\r\n" + b"X: 1\r\n" * 30 + b"\r\n")[2]


def test_trailers_are_counted() -> None:
    for count, found in ((100, b""), (101, TOO_MUCH)):
        assert Chunks(64 * 1024).feed(b"0\r\n" + b"X: 1\r\n" * count + b"\r\n", []) == found


HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
PARTS = st.sampled_from(
    [
        b"0",
        b"1",
        b"3",
        b"a",
        b"\r\n",
        b"\n",
        b"\r",
        b";",
        b"x=y",
        b"abc",
        b" ",
        b"\t",
        b"0\r\n\r\n",
        b"3\r\nabc\r\n",
        b"X: 1\r\n",
        b'"',
        b"\x00",
    ]
)


@given(st.lists(PARTS, max_size=12), st.lists(st.integers(0, 60), max_size=3))
def test_what_is_read_here_llhttp_reads_in_the_same_way(parts: list[bytes], cuts: list[int]) -> None:
    sent = b"".join(parts)
    body, rest, is_whole = read(sent, cuts)
    if not is_whole or isinstance(rest, Malformed):
        return
    reading = LlhttpReading(httptools.HttpRequestParser, HEAD + sent[: len(sent) - len(rest)])
    assert (reading.body, reading.is_whole) == (body, True)


@pytest.mark.parametrize("size", [b"5 ", b"5\t  ", b"5 ;x y", b"5;(odd)", b"5 ; a=b"])
def test_sizes_of_answers_may_be_padded_and_say_so(size: bytes) -> None:
    sent = size + b"\r\nhello\r\n0\r\n\r\n"
    for cut in range(len(sent)):
        chunks, pieces = Chunks(99, is_answer=True), list[bytes]()
        assert chunks.feed(sent[:cut], pieces) == b"" and chunks.feed(sent[cut:], pieces) == b""
        assert (b"".join(pieces), chunks.is_whole, chunks.is_odd) == (b"hello", True, True)
    assert read(sent)[1] == BAD


@pytest.mark.parametrize("size", [b" 5", b"5 5", b"x5", b"5 \x01", b"+5", b"5_", b""])
def test_no_other_size_of_an_answer_is_read(size: bytes) -> None:
    assert Chunks(99, is_answer=True).feed(size + b"\r\nhello\r\n0\r\n\r\n", []) == BAD


def test_extensions_of_an_answer_that_goes_on_for_days_are_not_counted() -> None:
    chunks = Chunks(10, is_answer=True)
    for _ in range(100):
        assert chunks.feed(b"1;extension=1\r\nx\r\n", []) == b""
    assert not chunks.is_odd and chunks.feed(b"0\r\nX: 123456789\r\n\r\n", []) == TOO_MUCH
