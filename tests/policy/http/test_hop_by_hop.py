"""Hop: what concerns one connection stays on it, and nobody names the framing away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.hop_by_hop import (
    HOP_BY_HOP,
    MOST_NAMES,
    SPOKEN_FOR,
    USUAL_CONNECTIONS,
    end_to_end,
    is_end_to_end,
    names_end_to_end,
    nominated,
)
from gateway.policy.http.messages import Fields

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


MEANT_FOR_THE_SERVER = """Cookie Authorization Content-Type Content-Length Host Range If-Match If-Range Origin X-CSRF-Token X-CSRFToken
X-XSRF-TOKEN
Accept Accept-Encoding Sec-Fetch-Site Referer Via Forwarded X-Forwarded-For X-Real-IP Expect DPoP X-Requested-With
X_Forwarded_Host Remote-User remote_user X-SSL-Client-Cert cookie COOKIE X-HTTP-Method-Override Traceparent
Referer If-None-Match If-Modified-Since If-Range Range Last-Event-ID X-Request-Id X-Correlation-ID"""


@pytest.mark.parametrize("name", [name.encode() for name in MEANT_FOR_THE_SERVER.split()])
def test_what_is_meant_for_the_server_may_not_be_named(name: bytes) -> None:
    assert is_end_to_end(name)
    assert names_end_to_end(name) and names_end_to_end(b"close, " + name) and names_end_to_end(name + b"\t, keep-alive")


@pytest.mark.parametrize("name", [*sorted(HOP_BY_HOP), b"close", b"x-hop", b"x-own", b"foo", b"acceptance", b""])
def test_what_is_the_hops_or_unknown_may_be_named(name: bytes) -> None:
    assert not is_end_to_end(name) and not is_end_to_end(name.upper())
    assert not names_end_to_end(b"Keep-Alive, " + name)


@given(st.lists(st.sampled_from([b"close", b"x-hop", b"Cookie", b"TE", b"Upgrade", b"", b" range\t"]), max_size=5))
def test_one_name_among_many_decides(names: list[bytes]) -> None:
    value = b",".join(names)
    assert names_end_to_end(value) == any(map(is_end_to_end, nominated(value))) == bool({b"Cookie", b" range\t"} & {*names})


def test_more_names_than_anybody_means_are_refused() -> None:
    names = [b"x-%d" % number for number in range(MOST_NAMES + 1)]
    assert names_end_to_end(b", ".join(names)) and not names_end_to_end(b", ".join(names[1:]))


def test_nothing_is_both_the_hops_and_the_servers() -> None:
    assert not any(map(is_end_to_end, HOP_BY_HOP | SPOKEN_FOR))
