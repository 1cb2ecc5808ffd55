"""Rows S4 to S10, one by one, through the whole gateway: how a message begins. S1 to S3 are in ``test_framing_corpora``."""

from collections.abc import AsyncIterator

import pytest

from tests.attacks.strict import HERE, StrictSite, strict

LINE = b"POST /x HTTP/1.1\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\n" + HERE + b"\r\n"


@pytest.fixture
async def tried() -> AsyncIterator[StrictSite]:
    async with strict() as made:
        yield made


async def _refused(tried: StrictSite, sent: bytes, statuses: tuple[int, ...] = (400,)) -> None:
    """Refused in one packet with nothing at the app, and byte by byte with nothing whole; both end the connection."""
    told = await tried.told(sent)
    assert told.begun == 0 and len(told.statuses) == 1 and told.statuses[0] in statuses
    assert b"\r\nConnection: close\r\n" in told.raw or told.statuses == (505,)  # before 1.0 nobody knows that field
    told = await tried.told(sent, by_byte=True)
    assert told.whole == () and len(told.statuses) == 1 and told.statuses[0] in statuses


BOTH = [
    b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX",
    b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nX",
    b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"Content-Length: 4\r\nTransfer-Encoding: identity\r\n\r\nabcd",
    b"Content-Length: 5\r\nTransfer-Encoding: \r\n\r\n0\r\n\r\n",
    b"Content-Length: 5\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    b"Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"Content-Length: 5\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    b"Content-Length: 5\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    b"Content-Length: 5\r\nTransfer_Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"Content_Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
]


@pytest.mark.parametrize("rest", BOTH)
@pytest.mark.parametrize("method", [b"POST", b"GET", b"HEAD", b"DELETE"])
async def test_s4_a_length_beside_chunks_is_refused(tried: StrictSite, rest: bytes, method: bytes) -> None:
    await _refused(tried, method + b" /x HTTP/1.1\r\n" + HERE + rest + SMUGGLED, (400, 501))


@pytest.mark.parametrize(
    "value",
    [b"+5", b"5, 5", b"5, 6", b"0x5", b"1_0", b"", b"-1", b"5 5", b"5;", b"5.0", b"\xef\xbc\x95", b"5\x0b", b"9" * 20],
)
async def test_s6_a_length_is_digits_and_nothing_else(tried: StrictSite, value: bytes) -> None:
    await _refused(tried, LINE + HERE + b"Content-Length: " + value + b"\r\n\r\nabcde" + SMUGGLED, (400, 413))


@pytest.mark.parametrize(("first", "second"), [(b"5", b"5"), (b"5", b"6"), (b"0", b"5")])
async def test_s6_two_lengths_are_one_too_many(tried: StrictSite, first: bytes, second: bytes) -> None:
    both = b"Content-Length: " + first + b"\r\nContent-Length: " + second + b"\r\n\r\nabcde"
    await _refused(tried, LINE + HERE + both)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /x HTTP/1.1\nHost: open.example.com\n\n",
        b"GET /x HTTP/1.1\r\nHost: open.example.com\nX: 1\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: open.example.com\r\nX: 1\r\n\n",
        b"GET /x HTTP/1.1\rHost: open.example.com\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: open.example.com\rX: 1\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: open.example.com\r\nX: 1\r2\r\n\r\n",
        LINE + HERE + CHUNKED + b"\r\n1;a\nb\r\nx\r\n0\r\n\r\n",
        LINE + HERE + CHUNKED + b"\r\n1;a=\nb\r\nx\r\n0\r\n\r\n",
        LINE + HERE + CHUNKED + b"\r\n1\nx\r\n0\r\n\r\n",
        LINE + HERE + CHUNKED + b"\r\n1\r\nx\n0\r\n\r\n",
        LINE + HERE + CHUNKED + b"\r\n1\r\nxy\r\n0\r\n\r\n",
        LINE + HERE + CHUNKED + b"\r\n1\r\nx\r\n0\n\r\n",
        LINE + HERE + CHUNKED + b"\r\n1\r\nx\r\n0\r\n\n",
        LINE + HERE + CHUNKED + b"\r\n 1\r\nx\r\n0\r\n\r\n",
        LINE + HERE + CHUNKED + b"\r\n0x1\r\nx\r\n0\r\n\r\n",
        LINE + HERE + CHUNKED + b"\r\n+1\r\nx\r\n0\r\n\r\n",
        LINE + HERE + CHUNKED + b"\r\n-1\r\nx\r\n0\r\n\r\n",
        LINE + HERE + CHUNKED + b"\r\n\r\nx\r\n0\r\n\r\n",
        LINE + HERE + CHUNKED + b"\r\n11111111111111111\r\nx\r\n0\r\n\r\n",
    ],
)
async def test_s8_lines_end_with_cr_and_lf(tried: StrictSite, sent: bytes) -> None:
    await _refused(tried, sent)


@pytest.mark.parametrize("sent", [LINE + HERE + CHUNKED + b"\r\n1\r\nx\r\n0\r\n", b"GET /x HTTP/1.1\r\n" + HERE])
async def test_s8_without_its_last_line_nothing_is_whole(tried: StrictSite, sent: bytes) -> None:
    told = await tried.told(sent, leaves=True)
    assert told.whole == () and 200 not in told.statuses


@pytest.mark.parametrize(
    "line",
    [
        *(b"X: a" + bytes([code]) + b"b" for code in (*range(0x00, 0x09), *range(0x0A, 0x20), 0x7F)),
        b"X: a\r\n b",
        b"X: a\r\n\tb",
        b" X: a",
        b"X\x00: a",
        b"X\xe9: a",
        b"X: a\r\n : b",
        b": a",
        b"X",
        b"X y: a",
        b"X\t: a",
        b'X": a',
        b"(X): a",
    ],
)
async def test_s9_no_folded_lines_and_no_control_characters(tried: StrictSite, line: bytes) -> None:
    await _refused(tried, b"GET /x HTTP/1.1\r\n" + HERE + line + b"\r\n\r\n")


@pytest.mark.parametrize("first", [b" ", b"\t", b"\x00", b"\r\r\n", b"\r\n\r\n\r\n"])
async def test_s9_nothing_stands_before_a_request(tried: StrictSite, first: bytes) -> None:
    await _refused(tried, first + b"GET /x HTTP/1.1\r\n" + HERE + b"\r\n")


@pytest.mark.parametrize("version", [b"0.9", b"1.2", b"1.32", b"1.10", b"2.0", b"2", b"3", b"9.9", b"01.1", b"1.1 ", b"1,1", b""])
async def test_s10_versions_are_1_0_and_1_1(tried: StrictSite, version: bytes) -> None:
    await _refused(tried, b"GET /x HTTP/" + version + b"\r\n" + HERE + b"\r\n", (400, 505))


@pytest.mark.parametrize(
    "line", [b"GET /x\r\n", b"GET /x HTTP\r\n", b"GET /x HTP/1.1\r\n", b"/x HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
)
async def test_s10_a_line_without_a_version_is_no_request(tried: StrictSite, line: bytes) -> None:
    await _refused(tried, line + HERE + b"\r\n", (400, 505))
