"""Bodies that are held share a budget: in all, and for each client."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.body_budget import ALL_BYTES, FREE_BYTES, SHARE_OF_ONE, BodyBudget, BodyRoom
from gateway.policy.http.client_limits import network_of

CLIENTS = ("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "unknown")
TOTAL = 8000


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(CLIENTS), st.integers(0, 3000)), max_size=60))
def test_neither_all_nor_one_ever_hold_more_than_their_part_and_all_comes_back(steps: list[tuple[int, str, int]]) -> None:
    budget, rooms, sizes = BodyBudget(TOTAL), dict[int, tuple[str, BodyRoom]](), dict[int, int]()
    for number, client, more in steps:
        owner, room = rooms.setdefault(number, (client, BodyRoom(budget, client)))
        size = sizes.get(number, FREE_BYTES) + more
        refused = budget.refused_count
        if room.holds(size):
            sizes[number] = size
        else:
            assert budget.refused_count == refused + 1
        counted = dict.fromkeys(map(network_of, CLIENTS), 0)
        for known, (who, _) in rooms.items():
            counted[network_of(who)] += sizes.get(known, FREE_BYTES) - FREE_BYTES
        assert sum(counted.values()) == budget.held <= TOTAL
        assert all(count <= TOTAL // SHARE_OF_ONE for network, count in counted.items() if network is not None)
        assert owner in CLIENTS
    for _, room in rooms.values():
        room.release()
        room.release()
    assert (budget.held, len(budget)) == (0, 0)


@given(st.integers(0, FREE_BYTES))
def test_a_small_body_always_finds_room(size: int) -> None:
    budget = BodyBudget(0)
    assert BodyRoom(budget, "192.0.2.1").holds(size) and budget.held == 0
    assert not BodyRoom(budget, "192.0.2.1").holds(FREE_BYTES + 1)


@pytest.mark.parametrize(("client", "alike"), [("192.0.2.1", "192.0.2.1"), ("2001:db8::1", "2001:db8::2")])
def test_one_client_has_an_eighth_whatever_its_number_of_bodies(client: str, alike: str) -> None:
    budget = BodyBudget()
    assert BodyRoom(budget, client).holds(FREE_BYTES + ALL_BYTES // SHARE_OF_ONE - 1)
    assert not BodyRoom(budget, alike).holds(FREE_BYTES + 2)
    assert BodyRoom(budget, alike).holds(FREE_BYTES + 1)
    assert BodyRoom(budget, "192.0.2.99").holds(FREE_BYTES + 2) and len(budget) == 2


def test_those_who_are_not_named_share_what_there_is_for_all() -> None:
    budget = BodyBudget(1000)
    assert BodyRoom(budget, "unknown").holds(FREE_BYTES + 600) and BodyRoom(budget, "unknown").holds(FREE_BYTES + 400)
    assert not BodyRoom(budget, "192.0.2.1").holds(FREE_BYTES + 1) and len(budget) == 0
