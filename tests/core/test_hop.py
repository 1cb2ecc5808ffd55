"""Hop: what concerns one connection stays on it, and nobody names the framing away."""

import pytest

from gateway.core.hop import HOP_BY_HOP, SPOKEN_FOR, USUAL_CONNECTIONS, end_to_end
from gateway.core.messages import Fields

A: Fields = ((b"A", b"1"), (b"X-Hop", b"2"), (b"Host", b"h"), (b"Content-Length", b"3"))


@pytest.mark.parametrize("name", sorted(HOP_BY_HOP))
def test_the_hops_own_lines_stay(name: bytes) -> None:
    assert end_to_end(((name.upper(), b"x"), *A)) == A


def test_what_connection_names_stays_but_not_the_framing_and_the_host() -> None:
    assert end_to_end((*A, (b"CONNECTION", b"close, X-HOP ,\thost"), (b"Connection", b"content-length"))) == (A[0], *A[2:])


@pytest.mark.parametrize("value", sorted(USUAL_CONNECTIONS))
def test_a_usual_connection_names_nothing_else(value: bytes) -> None:
    assert {token.strip().lower() for token in value.split(b",")} <= HOP_BY_HOP | SPOKEN_FOR
    assert end_to_end(((b"Connection", value), *A)) == A
