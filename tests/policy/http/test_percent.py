"""Decoding agrees with the standard library's, whatever the text is."""

from urllib.parse import quote, unquote, unquote_plus, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.percent import all_unescaped, printable, unescaped, unescaped_bytes, unescaped_form

encodable = st.text(st.characters(codec="utf-8"))


@pytest.mark.parametrize(
    ("text", "decoded"),
    [("", ""), ("a+b", "a+b"), ("%", "%"), ("%zz%4", "%zz%4"), ("%41%zz", "A%zz"), ("%2541", "%41"), ("%c3%A9é", "éé"), ("%ff", "\ufffd")],
)
def test_escapes_are_decoded_once_and_the_rest_stays(text: str, decoded: str) -> None:
    assert unescaped(text) == decoded


@given(st.text(alphabet="%0123456789abcdefABCDEFxyz+ é", max_size=40))
def test_it_reads_as_the_standard_library(text: str) -> None:
    if text.isascii():
        assert unescaped(text) == unquote(text)
        assert unescaped_form(text) == unquote_plus(text)
    assert len(unescaped(text)) <= len(text)


spellings = st.sampled_from(
    [b"%", b"%%", b"=", b"3D", b"%3d", b"25", b"%25", b"4", b"%f", b"F", b"\r", b"\n", b"%0A", b"\xf8", b"%F9", b"_"]
)
NEITHER = bytes.maketrans(b"\xf8\xf9", b"\xf7\xf7")


@given(st.lists(spellings | st.binary(max_size=3), max_size=20).map(b"".join))
def test_bytes_read_as_the_standard_library_does(raw: bytes) -> None:
    assert unescaped_bytes(raw).translate(NEITHER) == unquote_to_bytes(raw).translate(NEITHER)


@given(
    st.lists(
        st.binary(max_size=3).filter(lambda raw: b"%" not in raw) | st.binary(min_size=1, max_size=1).map(lambda raw: b"%%%02x" % raw[0])
    ).map(b"".join)
)
def test_bytes_without_broken_escapes_read_as_the_standard_library_does(raw: bytes) -> None:
    assert all_unescaped(raw) == unquote_to_bytes(raw)


@given(encodable)
def test_what_is_encoded_comes_back(text: str) -> None:
    assert unescaped(quote(text)) == text
    assert unescaped_form(quote(text, safe="").replace("%20", "+")) == text


def test_a_lone_surrogate_is_no_error() -> None:
    assert unescaped("\ud800%41").endswith("A")


@given(st.text())
def test_what_cannot_be_printed_goes_and_nothing_else(text: str) -> None:
    assert printable(text) == "".join(letter for letter in text if letter.isprintable())
