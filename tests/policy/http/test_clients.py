"""One client is one IPv4 address, or one /64 of IPv6."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.clients import client_key


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_every_address_of_a_64_is_the_same_client(address: ipaddress.IPv6Address, low: int) -> None:
    first = ipaddress.IPv6Address(0x20010DB8 << 96 | int(address) & ((1 << 96) - 1))
    neighbour = ipaddress.IPv6Address((int(first) >> 64 << 64) | low)
    assert client_key(str(first)) == client_key(str(neighbour)) == client_key(first.exploded)
    other = ipaddress.IPv6Address(int(first) ^ 1 << 64)
    assert client_key(str(other)) != client_key(str(first))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_one_client_however_it_is_written(address: ipaddress.IPv4Address) -> None:
    assert client_key(str(address)) == client_key(f"::ffff:{address}") == str(address)


@pytest.mark.parametrize("text", ["", "unknown", "unix:", "203.0.113.7:80", "2001:db8::1/64", "1.2.3"])
def test_what_is_no_address_is_no_client(text: str) -> None:
    assert client_key(text) == ""


@given(st.text())
def test_no_text_is_an_error(text: str) -> None:
    assert isinstance(client_key(text), str)
