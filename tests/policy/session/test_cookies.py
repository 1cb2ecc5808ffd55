"""Only a cookie value of RFC 6265 can be Okta's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.session.cookies import could_be_oktas, split
from gateway.policy.session.session import SessionCookie

OCTETS = bytes(byte for byte in range(0x21, 0x7F) if byte not in b'",;\\')


@given(st.lists(st.sampled_from(OCTETS), min_size=1).map(bytes))
def test_cookie_octets_can_be_oktas_with_or_without_quotes(value: bytes) -> None:
    assert could_be_oktas(value) and could_be_oktas(b'"' + value + b'"')


@given(st.binary(), st.sampled_from([byte for byte in range(256) if byte not in OCTETS and byte != 0x22]), st.binary())
def test_one_other_byte_and_it_is_not(before: bytes, odd: int, after: bytes) -> None:
    assert not could_be_oktas(before + bytes([odd]) + after)


@pytest.mark.parametrize("value", [b"", b'""', b'"a', b'a"', b'a"b', b"a\n", b"\xff\xfe", b"a b"])
def test_these_are_not(value: bytes) -> None:
    assert not could_be_oktas(value)


@given(st.lists(st.builds(SessionCookie, st.sampled_from([b"sid", b"idx"]), st.sampled_from([b"102a", b"\xff", b'"x"', b"a b"]))))
def test_split_loses_nothing_and_keeps_the_order(cookies: list[SessionCookie]) -> None:
    possible, impossible = split(cookies)
    assert [cookie for cookie in cookies if could_be_oktas(cookie.value)] == list(possible)
    assert [cookie for cookie in cookies if not could_be_oktas(cookie.value)] == list(impossible)
