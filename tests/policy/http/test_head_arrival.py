"""A head before it is whole: what can never become one is refused at once, and what is too large in time."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.head_arrival import HeadArrival
from gateway.policy.http.messages import HeadLimits, Malformed
from gateway.policy.http.request_heads import begins_badly

LIMITS = HeadLimits(line_bytes=100, fields_bytes=200)
UNPARSABLE = Malformed(400, "unparsable")
HEAD = b"GET /a?b HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n\r\n"


def comes(*packets: bytes, limits: HeadLimits = LIMITS) -> int | Malformed:
    """Where the head ends, -1 for one that is waited for, or why it is not."""
    arrival, buffer = HeadArrival(limits), b""
    for packet in packets:
        buffer += packet
        if buffer[:1] in (b"\r", b"\n"):
            stripped = arrival.without_empty_lines(buffer)
            if isinstance(stripped, Malformed):
                return stripped
            buffer = stripped
        end = arrival.end_of(buffer)
        if end >= 0:
            return end
        refused = arrival.refusal(buffer)
        if refused is not None:
            return refused
    return -1


@pytest.mark.parametrize("cut", range(len(HEAD)))
def test_a_head_ends_where_it_ends_at_every_cut(cut: int) -> None:
    assert comes(HEAD[:cut], HEAD[cut:]) == len(HEAD) - 4
    assert comes(HEAD[:cut]) == -1
    assert comes(b"\r\n", HEAD[:cut], HEAD[cut:]) == len(HEAD) - 4


def test_byte_by_byte_it_is_the_same() -> None:
    assert comes(*(HEAD[place : place + 1] for place in range(len(HEAD)))) == len(HEAD) - 4


@pytest.mark.parametrize(
    "packets",
    [
        *(
            (b"\x16\x03\x01",),
            (b"SSH-2.0-x\x00",),
            (b"GET /\x00",),
            (b"GET / HTTP/1.1\n",),
            (b"GET / HTTP/1.1\r\nHost: a\nX",),
            (b"GET / HTTX",),
        ),
        *(
            (b"GET /\r\n",),
            (b"GET / HTTP/1.1\r\nHost : a\r\n",),
            (b"GET / HTTP/1.1\r\nHost: a\r\n", b"Bad\r\n"),
            (b"GET / HTTP/1.1\r\n X: 1\r\n",),
        ),
        *(
            (
                b"GET / HTTP/1.1\r\nA: 1\r\nB",
                b": 2\r\nC: \x00\r\nD",
            ),
            (b"GET / HTTP/1.1\r\nA: 1", b"\n"),
        ),
    ],
)
def test_what_can_never_become_a_head_is_refused_at_once(packets: tuple[bytes, ...]) -> None:
    assert comes(*packets) == UNPARSABLE


def test_one_empty_line_is_forgiven() -> None:
    assert comes(b"\r\n" + HEAD) == len(HEAD) - 4 and comes(b"\r", b"\n", HEAD) == len(HEAD) - 4
    for sent in ((b"\r\n\r\n",), (b"\r\n", b"\r\n"), (b"\n\n\n",), (b"\r\n\r", HEAD)):
        assert comes(*sent) == Malformed(400, "empty_lines")


def test_twice_what_is_allowed_is_waited_for_and_no_more() -> None:
    assert comes(b"GET /" + b"x" * 190) == -1
    assert comes(b"GET /" + b"x" * 200) == Malformed(414, "request_line_too_long")
    line = b"GET / HTTP/1.1\r\n"
    assert comes(line + b"X: " + b"x" * 570) == -1
    assert comes(line + b"X: " + b"x" * 600) == Malformed(431, "fields_too_large")
    assert comes(line, *(b"X: " + b"x" * 50 + b"\r\n" for _ in range(12))) == Malformed(431, "fields_too_large")


def test_the_next_head_is_judged_by_itself() -> None:
    arrival = HeadArrival(LIMITS)
    assert arrival.without_empty_lines(b"\r\n") == b""
    assert arrival.refusal(HEAD[:-2]) is None
    arrival.over()
    assert arrival.without_empty_lines(b"\r\nG") == b"G" and arrival.end_of(HEAD) == len(HEAD) - 4


PARTS = st.sampled_from([*(b"G", b"GET", b" ", b"/", b"/a", b"HTTP/1.1", b"HTTP/", b"1", b"\xff", b"(", b"\t", b"\x00", b":", b"%")])


@given(st.lists(PARTS, max_size=12))
def test_a_first_line_that_comes_in_parts_is_judged_as_one_that_comes_whole(parts: list[bytes]) -> None:
    arrival, buffer = HeadArrival(HeadLimits()), b""
    for part in parts:
        buffer += part
        refused = arrival.refusal(buffer)
        assert (refused is not None) is begins_badly(buffer, False)
        if refused is not None:
            return


@given(st.lists(st.integers(0, len(HEAD)), max_size=6))
def test_whatever_the_packets(cuts: list[int]) -> None:
    edges = sorted({0, len(HEAD), *cuts})
    assert comes(*(HEAD[begin:end] for begin, end in pairwise(edges))) == len(HEAD) - 4
