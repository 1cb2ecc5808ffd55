"""The form of Okta's cookie values, and what stands around a value."""

import base64

import pytest

from gateway.policy.http.cookie_scopes import Scope
from gateway.policy.http.cookie_stamps import MARK, Stamps
from gateway.policy.session.okta_values import bare, has_form

HEADER = base64.urlsafe_b64encode(b'{"alg":"dir","enc":"A256GCM","xsid":"102abc"}').rstrip(b"=")


@pytest.mark.parametrize(
    "value",
    [b"102LPHfhAn-QyqPkbk8pCHz0A", b"102_-" + b"a" * 20, HEADER + b"..iv.text.tag", b"DI0UWBGiylZSJaM0zW8J9kJfA", b"DI1" + b"x" * 32],
)
def test_what_looks_like_oktas_is_taken_for_it(value: bytes) -> None:
    assert has_form(value)


@pytest.mark.parametrize(
    "value",
    [
        *(b"", b"102", b"102" + b"a" * 21, b"102" + b"a" * 23, b"102" + b"0123456789abcdef" * 3 + b"01234", b"103LPHfhAn-QyqPkbk8pCHz0A"),
        *(
            b"s%3Aabc.def",
            b"Fe26.2**0a1b2c3d",
            b"eyJhbGciOiJIUzI1NiJ9.e30.x",
            b"ey.x",
            b"DI",
            b"DIARY",
            b"DI2" + b"x" * 32,
            b"102LPHfhAn-QyqPkbk8pCHz0A ",
        ),
    ],
)
def test_what_apps_have_is_not(value: bytes) -> None:
    assert not has_form(value)


def test_a_value_is_looked_at_without_quotes_and_without_a_stamp() -> None:
    stamp = Stamps([b"k" * 32], b"hr.example.com").of("00u").stamp(b"sid", b"own", Scope(1))
    assert stamp.startswith(MARK)
    assert [bare(value) for value in (b"own", b' "own"\t', stamp + b"own", stamp + b'"own"', b"")] == [b"own"] * 4 + [b""]
