"""Which fields sign a user in to a connection, in every spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.connection_auth import binds_connection, is_midway, signs_in_connection

SCHEMES = st.sampled_from([b"NTLM", b"Negotiate", b"Nego2", b"Kerberos"])
SPELT = st.sampled_from([bytes.lower, bytes.upper, bytes.title, bytes.swapcase])
TOKENS = st.sampled_from([b"", b" TlRMTVNTUAAB", b"\toYG2", b"  YII="])
OTHERS = st.sampled_from([b'Basic realm="x"', b'Digest nonce="1", qop="auth"', b"Bearer"])


@given(SCHEMES, SPELT, TOKENS, SPELT)
def test_a_request_that_speaks_such_a_scheme_signs_in(scheme: bytes, spelt: object, token: bytes, named: object) -> None:
    assert callable(spelt) and callable(named)
    assert signs_in_connection(((b"Host", b"x"), (named(b"authorization"), spelt(scheme) + token)))


@given(
    SCHEMES,
    SPELT,
    TOKENS,
    st.lists(OTHERS, max_size=2),
    st.lists(OTHERS, max_size=2),
    st.sampled_from([b"WWW-Authenticate", b"Authentication-Info"]),
)
def test_an_answer_that_names_one_anywhere_binds(
    scheme: bytes, spelt: object, token: bytes, before: list[bytes], behind: list[bytes], name: bytes
) -> None:
    assert callable(spelt)
    value = b", ".join((*before, spelt(scheme) + token, *behind))
    assert binds_connection(((b"X", b"1"), (spelt(name), value)))
    assert is_midway(401, ((spelt(name), value),)) == (name == b"WWW-Authenticate" and token != b"")
    assert not is_midway(200, ((spelt(name), value),))


@pytest.mark.parametrize("value", [b"Basic eDp5", b"Bearer NTLM", b"NTLMv9 x", b"Negotiated x", b"", b"AWS4-HMAC-SHA256 NTLM"])
def test_other_schemes_of_requests_do_not(value: bytes) -> None:
    assert not signs_in_connection(((b"Authorization", value), (b"Proxy-Authorization", b"NTLM x")))


@given(st.lists(OTHERS, max_size=3))
def test_other_schemes_of_answers_do_not(values: list[bytes]) -> None:
    value = b", ".join(values)
    assert not binds_connection(((b"WWW-Authenticate", value), (b"Proxy-Authenticate", b"NTLM"), (b"X-Authenticate-1", b"NTLM")))
    assert not is_midway(401, ((b"WWW-Authenticate", value),))


def test_an_answer_that_says_that_the_user_stays_signed_in_binds() -> None:
    assert binds_connection(((b"persistent-AUTH", b"true"),))
