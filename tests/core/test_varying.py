"""Parting the lines that vary from the rest, and putting other values in: nothing is lost, nothing else is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.hop import HOP_BY_HOP
from gateway.core.varying import VARYING, apart, around, filled, pairs_of

NAMES = st.sampled_from([*VARYING, b"REFERER", b"Host", b"Cookie", b"X-A", b"Connection", b"Content-Length"])
VALUES = st.binary(max_size=12) | st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=12).map(str.encode)
SEPARATORS = st.sampled_from([b": ", b":", b" : ", b":  "])
LINES = st.lists(st.tuples(NAMES, SEPARATORS, VALUES), max_size=8)


def written(lines: list[tuple[bytes, bytes, bytes]]) -> bytes:
    return b"\r\n" + b"".join(name + separator + value + b"\r\n" for name, separator, value in lines) + b"\r\n"


def together(rest: tuple[bytes, ...], values: tuple[bytes, ...]) -> bytes:
    text = rest[0]
    for name, value, piece in zip(rest[1::2], values, rest[2::2], strict=True):
        text += b"\r\n" + name + b": " + value + piece
    return text


@given(LINES)
def test_nothing_is_lost(lines: list[tuple[bytes, bytes, bytes]]) -> None:
    text = written(lines)
    rest, values = apart(text)
    assert together(rest, values) == text


@given(LINES, st.lists(VALUES, min_size=8, max_size=8))
def test_two_heads_with_one_rest_differ_in_plain_values_alone(lines: list[tuple[bytes, bytes, bytes]], others: list[bytes]) -> None:
    rest, values = apart(written(lines))
    same, others_values = apart(written([(*line[:2], value) for line, value in zip(lines, others, strict=False)]))
    for value in (*values, *others_values):
        assert value.isascii() and value.decode().isprintable() and value == value.strip() and value
    if rest == same:
        assert together(rest, others_values) == written([(*line[:2], value) for line, value in zip(lines, others, strict=False)])


@given(st.lists(st.tuples(NAMES, VALUES.map(lambda value: value.strip() or b"v")), max_size=8), st.data())
def test_the_pieces_around_the_values_take_others(fields: list[tuple[bytes, bytes]], drawn: st.DataObject) -> None:
    text = b"Host: a\r\n" + b"".join(name + b": " + value + b"\r\n" for name, value in fields) + b"\r\n"
    found = apart(b"\r\n" + text)
    rest, values = found
    pieces = around(text, pairs_of(found))
    assert pieces is not None and filled(pieces, values) == text
    values = tuple(drawn.draw(st.text("ab", min_size=1).map(str.encode)) for _ in values)
    assert apart(b"\r\n" + filled(pieces, values)) == (rest, values)


@pytest.mark.parametrize(
    "text",
    [b"Host: a\r\n\r\n", b"Host: a\r\nReferer: /b\r\n\r\n", b"Host: a\r\nX-Referer: /a\r\n\r\n", b"Referer: /a", b"Host: Referer: /a\r\n"],
)
def test_where_a_field_is_missing_there_is_nothing_around_it(text: bytes) -> None:
    assert around(text, ((b"Referer", b"/a"),)) is None


def test_fields_in_another_order_are_not_taken_for_each_other() -> None:
    text = b"Host: a\r\nRange: x\r\nReferer: x\r\n\r\n"
    assert around(text, ((b"Range", b"x"), (b"Referer", b"x"))) == (b"Host: a\r\nRange: ", b"\r\nReferer: ", b"\r\n\r\n")
    assert around(text, ((b"Referer", b"x"), (b"Range", b"x"))) is None


def test_no_field_of_the_hop_or_of_ours_varies() -> None:
    read = {b"host", b"cookie", b"origin", b"authorization", b"accept", b"expect", b"content-length", b"user-agent", b"accept-language"}
    assert {name.lower() for name in VARYING}.isdisjoint(HOP_BY_HOP | read)
