"""What needs no question, and how long an answer stays good."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.known_names import (
    FOUND_SECONDS,
    LOOPBACK,
    MISSED_SECONDS,
    MOST_ADDRESSES,
    MOST_NAMES,
    KnownNames,
    NoSuchName,
    ResolvedName,
    TooSlow,
    addresses_without_question,
    found,
    name_on_the_wire,
)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "localhost.", "a.localhost", "a.b.Localhost."])
def test_localhost_and_what_is_below_it_is_this_machine(host: str) -> None:
    assert addresses_without_question(host) == LOOPBACK


@pytest.mark.parametrize(
    "host", ["", "example.com", "localhost.example.com", "notlocalhost", "127.1", "2130706433", "[::1]", "a..localhost.."]
)
def test_every_other_name_is_a_question(host: str) -> None:
    assert addresses_without_question(host) is None


@given(st.ip_addresses())
def test_a_literal_address_is_its_own_answer(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert addresses_without_question(str(address)) == (str(address),)


@pytest.mark.parametrize(
    ("host", "wire"), [("app.example.com", "app.example.com"), ("bücher.example", "xn--bcher-kva.example"), ("ü" * 70, None)]
)
def test_a_name_goes_out_in_ascii(host: str, wire: str | None) -> None:
    assert name_on_the_wire(host) == wire


@given(st.lists(st.ip_addresses().map(str), max_size=40))
def test_of_the_addresses_each_is_kept_once_and_in_order_and_not_too_many(addresses: list[str]) -> None:
    answer = found(tuple(addresses))
    if not addresses:
        assert answer == NoSuchName()
        return
    assert isinstance(answer, ResolvedName) and 0 < len(answer.addresses) <= MOST_ADDRESSES
    assert answer.addresses == tuple(dict.fromkeys(addresses))[:MOST_ADDRESSES]


ANSWERS = st.sampled_from([ResolvedName(("192.0.2.1",)), NoSuchName(), TooSlow()])


@given(ANSWERS, st.floats(0, 1e6), st.floats(0, 20))
def test_an_answer_is_good_for_its_seconds_and_not_longer(answer: ResolvedName | NoSuchName | TooSlow, now: float, later: float) -> None:
    known = KnownNames()
    assert known.cached("app", now) is None
    known.remember("app", answer, now)
    until = now + (FOUND_SECONDS if isinstance(answer, ResolvedName) else MISSED_SECONDS)
    assert known.cached("app", now + later) == (answer if now + later < until else None)
    assert known.cached("other", now) is None


def test_the_last_answer_counts() -> None:
    known = KnownNames()
    known.remember("app", TooSlow(), 0.0)
    known.remember("app", ResolvedName(("192.0.2.1",)), 0.5)
    assert known.cached("app", 1.5) == ResolvedName(("192.0.2.1",)) and len(known) == 1


def test_a_full_cache_forgets_the_names_that_were_not_used() -> None:
    known = KnownNames()
    for number in range(2 * MOST_NAMES):
        known.remember(f"app{number}", NoSuchName(), 0.0)
        assert known.cached("app0", 0.0) == NoSuchName() and len(known) <= MOST_NAMES
    assert known.cached("app1", 0.0) is None
