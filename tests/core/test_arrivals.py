"""A head before it is whole."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.arrivals import Arrival
from gateway.core.messages import HeadLimits, Malformed

LIMITS = HeadLimits(line_bytes=50, fields_bytes=100)
HEAD = b"GET / HTTP/1.1\r\nHost: hr.example.com\r\n\r\n"


def refused(*pieces: bytes, limits: HeadLimits = LIMITS) -> str:
    arrival = Arrival(limits)
    for piece in pieces:
        malformed = arrival.begins(piece) or arrival.waits()
        if malformed is not None:
            return f"{malformed.status} {malformed.reason}"
    return ""


def test_one_empty_line_before_a_request_is_forgiven_and_two_are_not() -> None:
    assert refused(b"\r\n" + HEAD) == refused(b"\r", b"\n", HEAD) == refused(b"\n" + HEAD) == ""
    assert refused(b"\r\n\r\n" + HEAD) == refused(b"\r\n", b"\r\n") == refused(b"\r\n", b"\n") == refused(b"\r\n\r") == "400 empty_lines"


def test_behind_a_whole_head_nobody_knows_what_the_next_bytes_begin() -> None:
    arrival = Arrival(LIMITS)
    arrival.over()
    assert arrival.begins(b"\r\n\r\n") is None
    assert arrival.waits() is None


def test_a_line_without_an_end_is_too_long() -> None:
    assert refused(b"G" * 100) == ""
    assert refused(b"G" * 100, b"G") == refused(b"\r\n" + b"G" * 99) == "414 request_line_too_long"


def test_fields_without_an_end_are_too_large() -> None:
    line = b"GET / HTTP/1.1\r\n"
    assert refused(line, b"x" * (300 - len(line))) == ""
    assert refused(line, b"x" * (301 - len(line))) == "431 fields_too_large"


def test_every_head_is_counted_from_its_own_beginning() -> None:
    arrival = Arrival(LIMITS)
    for _ in range(50):
        assert arrival.begins(HEAD) is None
        arrival.over()
    assert arrival.waits() is None


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=40))
def test_no_cut_makes_a_difference(pieces: list[bytes]) -> None:
    at_once = refused(b"".join(pieces)) if pieces else ""
    piecewise = refused(*pieces)
    assert piecewise == at_once or piecewise.startswith(("414", "431"))


@given(st.lists(st.binary(min_size=1, max_size=100), min_size=1))
def test_what_is_held_is_bounded(pieces: list[bytes]) -> None:
    arrival, held = Arrival(LIMITS), 0
    for piece in pieces:
        held += len(piece)
        refusal = arrival.begins(piece) or arrival.waits()
        if refusal is not None:
            assert isinstance(refusal, Malformed)
            break
    else:
        assert held <= 2 * (LIMITS.line_bytes + LIMITS.fields_bytes)
