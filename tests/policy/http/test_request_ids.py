"""The id of a request: a client's word is never taken for it, and a proxy's only where nothing of it has to be escaped."""

import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.request_ids import RequestIds, id_in, id_line, with_id

PROXY = (ipaddress.ip_network("10.0.0.0/8"),)
OWN = re.compile(r"abcdef012345[0-9a-f]{8}\Z")


def ids(*, listed: bool) -> RequestIds:
    return RequestIds("abcdef012345", PROXY if listed else ())


def test_ids_differ_and_those_of_two_processes_too() -> None:
    one, other = RequestIds("0" * 12), RequestIds("1" * 12)
    made = [each.new() for each in (one, other) for _ in range(9000)]
    assert len(set(made)) == 18000 and made[8999] == "0" * 12 + f"{9000:08x}"
    assert all(re.fullmatch(r"[0-9a-f]{20}", each) for each in made)


@pytest.mark.parametrize(("listed", "peer"), [(False, "10.1.2.3"), (True, "192.0.2.1"), (True, ""), (True, "unix")])
def test_a_client_does_not_name_its_request(listed: bool, peer: str) -> None:
    assert OWN.match(ids(listed=listed).of(peer, {b"x-request-id": b"chosen"}))


@pytest.mark.parametrize("claimed", [b"7f3a-91c2", b"1-5759e988-bd862e3fe1be46a994272793", b"a" * 64, b"A.b_c:d"])
def test_a_listed_proxy_does(claimed: bytes) -> None:
    assert ids(listed=True).of("10.1.2.3", {b"x-request-id": claimed}) == claimed.decode()


@pytest.mark.parametrize("claimed", [b"", b"a" * 65, b"a b", b"a\n", b"<b>", b"sid=x", b"\xe9", (b"a", b"a")])
def test_but_not_by_what_is_no_word_and_not_twice(claimed: bytes | tuple[bytes, ...]) -> None:
    assert OWN.match(ids(listed=True).of("10.1.2.3", {b"x-request-id": claimed}))


def test_a_listed_proxy_that_names_none_gets_one() -> None:
    assert OWN.match(ids(listed=True).of("10.1.2.3", {}))


@given(st.from_regex(r"[0-9A-Za-z._:-]{1,64}", fullmatch=True))
def test_the_line_takes_the_place_of_the_empty_line_at_the_end(name: str) -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    assert with_id(head, id_line(name)) == b"GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: %b\r\n\r\n" % name.encode()
    assert id_in(id_line(name)) == name.encode()


def test_without_a_line_nothing_changes() -> None:
    assert with_id(b"x\r\n\r\n", b"") == b"x\r\n\r\n"
    assert id_in(b"") == b"none"
