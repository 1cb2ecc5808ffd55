"""One client's share, and room for all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.client_limits import ClientLimit, ConnectionLimit, place_of

ALICE, BOB = "203.0.113.7", "203.0.113.8"


def test_a_client_has_so_many_at_once_and_no_more() -> None:
    crowd = ClientLimit(2)
    assert [crowd.enter(ALICE) for _ in range(3)] == [True, True, False]
    assert crowd.enter(BOB)
    crowd.leave(ALICE)
    assert crowd.enter(ALICE)
    assert not crowd.enter(ALICE)
    assert crowd.refused == 2


def test_without_a_limit_nobody_is_counted() -> None:
    crowd = ClientLimit(0)
    assert all(crowd.enter(ALICE) for _ in range(1000))
    assert len(crowd) == 0


def test_whom_no_proxy_names_is_not_one_client() -> None:
    crowd = ClientLimit(1)
    assert all(crowd.enter("unknown") for _ in range(10))
    crowd.leave("unknown")
    assert len(crowd) == 0


def test_a_leave_too_many_lets_nobody_in() -> None:
    crowd = ClientLimit(1)
    crowd.leave(ALICE)
    assert [crowd.enter(ALICE), crowd.enter(ALICE)] == [True, False]


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
    assert (place_of(one) == place_of(other)) is same


@given(st.lists(st.tuples(st.sampled_from([ALICE, BOB, "2001:db8::1"]), st.booleans()), max_size=60), st.integers(1, 4))
def test_nobody_has_more_than_the_limit_and_nothing_is_left_behind(steps: list[tuple[str, bool]], most: int) -> None:
    crowd, inside = ClientLimit(most), list[str]()
    for client, comes in steps:
        if comes:
            expected, refused = inside.count(client) < most, crowd.refused
            assert crowd.enter(client) is expected
            assert (crowd.refused == refused) is expected
            inside += [client] if expected else []
        elif not comes and client in inside:
            inside.remove(client)
            crowd.leave(client)
        assert all(inside.count(client) <= most for client in inside)
        assert len(crowd) == len(set(inside))
    for client in inside:
        crowd.leave(client)
    assert len(crowd) == 0


def test_a_full_house_is_told_once_and_so_is_room_again() -> None:
    house = ConnectionLimit(10)
    assert [house.admits(present) for present in (0, 9, 10, 11)] == [True, True, False, False]
    assert house.refused == 2
    assert [house.turned(present) for present in (9, 10, 10, 9, 10, 9, 8, 8, 9, 10)] == [
        *(None, True, None, None, None, None, False, None, None, True)
    ]


@given(st.lists(st.integers(0, 12), max_size=40))
def test_full_and_room_again_take_turns(presents: list[int]) -> None:
    house = ConnectionLimit(10)
    told = [word for present in presents if (word := house.turned(present)) is not None]
    assert told == [index % 2 == 0 for index in range(len(told))]
