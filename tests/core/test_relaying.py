"""A relayed request is judged as it came; nobody but a worker can say where it came from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.hop import HOP_BY_HOP, end_to_end
from gateway.core.messages import Authority, Fields, Received, RequestHead
from gateway.core.relaying import ADDED_BYTES, ADDED_BYTES_EACH, CAME_NAME, HOP_PREFIX, as_it_came, relayed

ORDINARY = [b"Host", b"Cookie", b"Content-Length", b"Origin", b"X-Forwarded-For", b"Accept", b"expect", b"Expect"]
HOPS = sorted(name.title() for name in HOP_BY_HOP) + sorted(HOP_BY_HOP)
OURS = [CAME_NAME, CAME_NAME.lower(), HOP_PREFIX + b"Connection", HOP_PREFIX.upper() + b"TE", HOP_PREFIX]
VALUES = st.sampled_from([b"", b"close", b"origin, cookie", b"chunked", b"10.0.0.1 10.0.0.1", b"evil"])
FIELDS = st.lists(st.tuples(st.sampled_from(ORDINARY + HOPS), VALUES), max_size=8).map(tuple)
WITH_OURS = st.lists(st.tuples(st.sampled_from(ORDINARY + HOPS + OURS), VALUES), max_size=8).map(tuple)


def head(fields: Fields, peer: str = "10.0.0.9", client: str = "192.0.2.7") -> RequestHead:
    return RequestHead("GET", "/", Authority("hr.example.com", 443), fields, True, peer, client)


def received(fields: Fields) -> Received:
    return Received("GET", "/", (1, 1), fields, True, "unknown", "unknown")


@given(FIELDS)
def test_the_other_worker_reads_the_fields_as_they_came(fields: Fields) -> None:
    found = as_it_came(received(relayed(head(fields))))
    assert (found.fields, found.peer, found.client) == (fields, "10.0.0.9", "192.0.2.7")


@given(FIELDS)
def test_a_relayed_head_is_larger_by_no_more_than_the_other_worker_allows(fields: Fields) -> None:
    sent = relayed(head(fields, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8:ffff:ffff:ffff:ffff:ffff:fffe"))
    size = sum(len(name) + len(value) + 4 for name, value in sent) - sum(len(name) + len(value) + 4 for name, value in fields)
    assert size <= ADDED_BYTES + ADDED_BYTES_EACH * len(fields) and len(sent) == len(fields) + 1


@given(WITH_OURS)
def test_every_field_crosses_the_hop_between_workers(fields: Fields) -> None:
    sent = relayed(head(fields))
    assert end_to_end(sent) == sent


@given(WITH_OURS)
def test_what_the_way_between_workers_adds_is_not_taken_for_the_clients(fields: Fields) -> None:
    sent = relayed(head(fields))
    added = ((b"Connection", b"keep-alive"), *sent, (b"Transfer-Encoding", b"chunked"))
    assert as_it_came(received(added)) == as_it_came(received(sent))


@given(WITH_OURS)
def test_a_client_cannot_say_where_it_came_from(fields: Fields) -> None:
    found = as_it_came(received(relayed(head(fields))))
    ours = tuple(line for line in fields if not line[0].lower().startswith((CAME_NAME.lower(), HOP_PREFIX.lower())))
    assert (found.fields, found.peer, found.client) == (ours, "10.0.0.9", "192.0.2.7")


@pytest.mark.parametrize(
    "fields",
    [
        (),
        ((CAME_NAME, b""),),
        ((CAME_NAME, b"10.0.0.1"),),
        ((CAME_NAME, b"10.0.0.1 10.0.0.1 10.0.0.1"),),
        ((CAME_NAME, b"10.0.0.1 10.0.0.1"), (CAME_NAME.lower(), b"10.0.0.1 10.0.0.1")),
        ((CAME_NAME, b"10.0.0.1 \xff"),),
    ],
)
def test_what_no_worker_relayed_is_not_believed(fields: Fields) -> None:
    with pytest.raises(ValueError, match=r"worker|ascii"):
        as_it_came(received(fields))
