"""One client's share, and room for all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.client_limits import ClientLimit, ConnectionLimit, network_of

ALICE, BOB = "203.0.113.7", "203.0.113.8"


def test_a_client_has_so_many_at_once_and_no_more() -> None:
    limit = ClientLimit(2)
    assert [limit.enter(ALICE) for _ in range(3)] == [True, True, False]
    assert limit.enter(BOB)
    limit.leave(ALICE)
    assert limit.enter(ALICE)
    assert not limit.enter(ALICE)
    assert limit.refused_count == 2


def test_without_a_limit_nobody_is_counted() -> None:
    limit = ClientLimit(0)
    assert all(limit.enter(ALICE) for _ in range(1000))
    assert len(limit) == 0


def test_whom_no_proxy_names_is_not_one_client() -> None:
    limit = ClientLimit(1)
    assert all(limit.enter("unknown") for _ in range(10))
    limit.leave("unknown")
    assert len(limit) == 0


def test_a_leave_too_many_lets_nobody_in() -> None:
    limit = ClientLimit(1)
    limit.leave(ALICE)
    assert [limit.enter(ALICE), limit.enter(ALICE)] == [True, False]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8:0:1::1", "2001:db8::1", False),
        ("::ffff:203.0.113.7", ALICE, True),
        (ALICE, BOB, False),
    ],
)
def test_one_customer_is_one_client(one: str, other: str, same: bool) -> None:
    assert (network_of(one) == network_of(other)) is same


@given(st.lists(st.tuples(st.sampled_from([ALICE, BOB, "2001:db8::1"]), st.booleans()), max_size=60), st.integers(1, 4))
def test_nobody_has_more_than_the_limit_and_nothing_is_left_behind(steps: list[tuple[str, bool]], most: int) -> None:
    limit, inside = ClientLimit(most), list[str]()
    for client, comes in steps:
        if comes:
            expected, refused = inside.count(client) < most, limit.refused_count
            assert limit.enter(client) is expected
            assert (limit.refused_count == refused) is expected
            inside += [client] if expected else []
        elif not comes and client in inside:
            inside.remove(client)
            limit.leave(client)
        assert all(inside.count(client) <= most for client in inside)
        assert len(limit) == len(set(inside))
    for client in inside:
        limit.leave(client)
    assert len(limit) == 0


def test_a_full_house_is_told_once_and_so_is_room_again() -> None:
    limit = ConnectionLimit(10)
    assert [limit.admits(present) for present in (0, 9, 10, 11)] == [True, True, False, False]
    assert limit.refused_count == 2
    assert [limit.turned(present) for present in (9, 10, 10, 9, 10, 9, 8, 8, 9, 10)] == [
        *(None, True, None, None, None, None, False, None, None, True)
    ]


@given(st.lists(st.integers(0, 12), max_size=40))
def test_full_and_room_again_take_turns(presents: list[int]) -> None:
    limit = ConnectionLimit(10)
    told = [word for present in presents if (word := limit.turned(present)) is not None]
    assert told == [index % 2 == 0 for index in range(len(told))]
