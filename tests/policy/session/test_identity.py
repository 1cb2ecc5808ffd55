"""Identity: no two users share a spelling, and nobody is told by half."""

from datetime import UTC, datetime
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.session.identity import IDENTITY_ATTRIBUTES, encoded, identity_fields
from gateway.policy.session.session import Session

UNTIL = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
ALICE = Session("s1", "00u1", "alice@example.com", UNTIL, ("pwd", "a,b"))


def test_every_attribute_is_told_in_the_order_of_the_table() -> None:
    table = tuple((b"X-%d" % number, attribute) for number, attribute in enumerate(IDENTITY_ATTRIBUTES))
    told = (b"alice@example.com", b"00u1", b"2030-01-02T03:04:05+00:00", b"pwd,a%2Cb")
    assert identity_fields(table, ALICE) == tuple((b"X-%d" % number, value) for number, value in enumerate(told))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("alice@example.com", b"alice@example.com"),
        ("Zo\u00eb", b"Zo%C3%AB"),
        ("Zo%C3%AB", b"Zo%25C3%25AB"),
        (" admin ", b"%20admin%20"),
        ("a  b", b"a  b"),
        ("a\r\nX: y", b"a%0D%0AX: y"),
        ("\U0001f600", b"%F0%9F%98%80"),
        ("\x7f\x00", b"%7F%00"),
        ("", b""),
    ],
)
def test_identity_values_are_encoded_as_documented(text: str, told: bytes) -> None:
    assert encoded(text) == told


@given(st.text())
def test_an_encoded_value_is_plain_and_decodes_to_itself(text: str) -> None:
    value = encoded(text)
    assert all(0x20 <= byte <= 0x7E for byte in value)
    assert value == value.strip()
    assert unquote_to_bytes(value) == text.encode()


def test_a_value_that_is_too_long_is_left_out_whole_and_named() -> None:
    table = ((b"A-User", "login"), (b"A-Id", "user_id"))
    assert identity_fields(table, Session("s", "u", "x" * 8192, UNTIL)) == ((b"A-User", b"x" * 8192), (b"A-Id", b"u"))
    assert identity_fields(table, Session("s", "u", "x" * 8193, UNTIL)) == ((b"A-Id", b"u"), (b"X-Gateway-Omitted", b"A-User"))


def test_an_unknown_attribute_is_a_bug() -> None:
    with pytest.raises(ValueError, match="no such attribute"):
        identity_fields(((b"A", "groups"),), ALICE)
