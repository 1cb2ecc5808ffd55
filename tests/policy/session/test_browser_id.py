"""A browser id is 128 random bits in one well-formed cookie, or none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.session.browser_id import browser_id_line, browser_id_of, browser_key, new_browser_id


@given(st.binary(min_size=16, max_size=16))
def test_an_id_comes_back_as_it_was_set(random: bytes) -> None:
    made = new_browser_id(random)
    name, line = browser_id_line(made)
    assert len(made) == 22 and name == b"Set-Cookie"
    assert line == f"__Host-gateway-browser={made}; Max-Age=34560000; Path=/; Secure; HttpOnly; SameSite=None".encode()
    assert browser_id_of(((b"Cookie", b"a=1; " + line.partition(b";")[0]),)) == made


@given(st.binary(max_size=40))
def test_an_odd_value_is_no_id(value: bytes) -> None:
    found = browser_id_of(((b"Cookie", b"__Host-gateway-browser=" + value.replace(b";", b"")),))
    assert found is None or (len(found) == 22 and found.encode() == value.replace(b";", b"").strip(b" \t"))


@pytest.mark.parametrize("value", ["A" * 21, "A" * 23, "A" * 21 + "B", "A" * 21 + "=", "A" * 20 + "+Q", ""])
def test_another_length_alphabet_or_spelling_is_no_id(value: str) -> None:
    assert browser_id_of(((b"cookie", f"__Host-gateway-browser={value}".encode()),)) is None


def test_none_and_two_are_no_id() -> None:
    one = b"__Host-gateway-browser=" + b"A" * 22
    assert browser_id_of(()) is None and browser_id_of(((b"Cookie", one + b"; " + one),)) is None
    assert browser_id_of(((b"Cookie", one),)) == "A" * 22


def test_an_id_of_other_than_sixteen_bytes_is_a_bug() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        new_browser_id(b"short")


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_the_key_of_a_browser_is_its_own_and_does_not_tell_the_id(one: bytes, other: bytes) -> None:
    first, second = new_browser_id(one), new_browser_id(other)
    assert (browser_key(first) == browser_key(second)) is (one == other)
    assert len(browser_key(first)) == 16 and browser_key(first) not in (one, first.encode())
