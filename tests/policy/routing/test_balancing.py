"""Balancing: work spread by weight, sessions that stay where they are, and somebody to ask while anybody may answer."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.routing.balancing import Balancer
from gateway.policy.routing.server_health import Server
from tests.policy.routing.balanced_requests import chosen, fail, sent, succeed

A, B, C = Server("http://a:1"), Server("http://b:1"), Server("http://c:1", weight=2)
SECRET = b"s" * 32

servers = st.lists(st.integers(1, 9), min_size=2, max_size=6).map(
    lambda weights: [Server(f"http://s{n}:1", weight) for n, weight in enumerate(weights)]
)
keys = st.binary(min_size=1, max_size=40)


@given(servers)
def test_idle_servers_get_turns_exactly_by_their_weights(some: Sequence[Server]) -> None:
    turns = Counter(chosen(Balancer(some), 0.0, sum(server.weight for server in some)))
    assert turns == {server: server.weight for server in some}


def test_turns_are_spread_and_not_given_in_a_row() -> None:
    heavy = Server("http://a:1", weight=3)
    assert chosen(Balancer([heavy, B]), 0.0, 4) == [heavy, heavy, B, heavy]


@given(servers, st.integers(0, 60))
def test_running_requests_stay_in_proportion_to_the_weights(some: Sequence[Server], requests: int) -> None:
    balancer = Balancer(some)
    for _ in range(requests):
        server = balancer.choose(0.0)
        assert server is not None
        balancer.request_started(server)
    loads = [health.running / health.server.weight for health in balancer.servers]
    assert max(loads) - min(loads) <= 1
    assert sum(health.running for health in balancer.servers) == requests


def test_a_sole_server_may_be_asked_unless_its_checks_say_no() -> None:
    balancer = Balancer([A])
    assert balancer.is_open
    balancer.checked(A, False)
    assert not balancer.is_open and balancer.choose(0.0) is None
    assert Balancer([A, B]).is_open


def test_the_server_with_the_fewest_requests_for_its_weight_is_chosen() -> None:
    balancer = Balancer([A, B, C])
    for server in (A, A, B, C):
        balancer.request_started(server)
    assert balancer.choose(0.0) == C
    balancer.request_ended(B, False, 0.0)
    assert balancer.choose(0.0) == B


def test_servers_that_a_request_tried_in_vain_are_left_out() -> None:
    balancer = Balancer([A, B])
    assert balancer.choose(0.0, avoid={A}) == B
    assert balancer.choose(0.0, avoid={A, B}) is None


def test_no_servers_or_two_of_one_name_are_refused() -> None:
    for wrong in ([], [A, Server(A.name, 3)]):
        with pytest.raises(ValueError, match="name of its own"):
            Balancer(wrong)


# one server


def test_an_only_server_is_never_put_out_by_failures() -> None:
    balancer = Balancer([A])
    assert fail(balancer, A, 0.0, times=50) is False
    assert balancer.choose(0.0) == A
    assert balancer.choose(0.0, avoid={A}) is None
    assert balancer.servers[0].running == 0


def test_an_only_server_that_checks_found_down_gets_nothing() -> None:
    balancer = Balancer([A])
    balancer.checked(A, False)
    assert balancer.choose(0.0) is None


# sticky


@given(servers, keys)
def test_a_session_stays_on_its_server(some: Sequence[Server], key: bytes) -> None:
    balancer, other_worker = Balancer(some, SECRET), Balancer(some[::-1], SECRET)
    first = balancer.choose(0.0, key)
    assert first is not None
    for _ in range(3):
        balancer.request_started(first)
    assert balancer.choose(1.0, key) == first == other_worker.choose(0.0, key)


@given(servers, keys)
def test_a_server_that_goes_moves_its_own_sessions_alone_and_gets_them_back(some: Sequence[Server], key: bytes) -> None:
    balancer = Balancer(some, SECRET)
    home = balancer.choose(0.0, key)
    for server in some:
        fail(balancer, server, 0.0)
        moved = balancer.choose(0.0, key)
        assert (moved != home) == (server == home)
        assert balancer.choose(5.0, key) == home
        balancer.checked(server, False)
        balancer.checked(server, True)
        balancer.checked(server, True)


def test_sessions_are_spread_by_weight() -> None:
    balancer = Balancer([A, B, C], SECRET)
    shares = Counter(balancer.choose(0.0, b"session %d" % number) for number in range(4000))
    assert 1800 < shares[C] < 2200
    assert 850 < shares[A] < 1150


def test_another_secret_spreads_sessions_in_another_way() -> None:
    sessions = [b"session %d" % number for number in range(64)]
    one, other = ([Balancer([A, B], secret).choose(0.0, key) for key in sessions] for secret in (SECRET, b"t" * 32))
    assert one != other


def test_who_has_no_session_goes_where_least_is_to_do() -> None:
    balancer = Balancer([A, B], SECRET)
    balancer.request_started(A)
    assert balancer.choose(0.0, None) == B


def test_an_app_that_is_not_sticky_takes_no_notice_of_sessions() -> None:
    assert {Balancer([A, B]).choose(0.0, b"session %d" % number) for number in range(9)} == {A}


# servers that are out or down


def test_a_client_that_left_says_nothing_about_the_server() -> None:
    balancer = Balancer([A, B])
    fail(balancer, A, 0.0, times=2)
    for _ in range(9):
        balancer.request_started(A)
        assert balancer.request_ended(A, None, 0.0) is False
    assert not balancer.servers[0].is_out
    assert fail(balancer, A, 0.0, times=1) is True


def test_one_request_tries_a_server_whose_time_is_over() -> None:
    balancer = Balancer([A, B])
    fail(balancer, A, 0.0)
    balancer.request_started(B)
    assert chosen(balancer, 5.0, 2) == [A, A]
    assert [sent(balancer, now) for now in (5.0, 5.0, 5.1)] == [A, B, B]
    assert succeed(balancer, A, 5.1) is True
    assert chosen(balancer, 5.2, 2) == [A, A]


def test_a_choice_that_nobody_acts_on_takes_no_trial_away() -> None:
    balancer = Balancer([A, B], SECRET)
    for server in (A, B):
        fail(balancer, server, 0.0)
    assert chosen(balancer, 1.0, 2) == [A, A]
    home = balancer.choose(5.0, b"key")
    assert [balancer.choose(5.0, b"key") for _ in range(3)] == [home] * 3


def test_while_all_are_out_one_request_a_second_looks_for_a_server() -> None:
    balancer = Balancer([A, B])
    fail(balancer, A, 0.0)
    fail(balancer, B, 0.5)
    assert [sent(balancer, now) for now in (1.0, 1.5, 1.9, 2.0, 2.9)] == [A, None, None, B, None]
    assert succeed(balancer, B, 2.9) is True
    assert chosen(balancer, 2.9, 3) == [B, B, B]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["began", "ended", "failed", "unknown", "answered", "good", "bad", "later", "choose"]), st.integers(0, 2)
        ),
        max_size=60,
    )
)
def test_whatever_happens_a_chosen_server_is_up_and_some_server_is_found_within_a_second(steps: list[tuple[str, int]]) -> None:
    some, now = [A, B, C], 0.0
    balancer = Balancer(some)
    open_requests = Counter[Server]()
    outcomes = {"ended": False, "failed": True, "unknown": None}
    for what, number in steps:
        server = some[number]
        match what:
            case "began":
                balancer.request_started(server)
                open_requests[server] += 1
            case "ended" | "failed" | "unknown" if open_requests[server]:
                balancer.request_ended(server, outcomes[what], now)
                open_requests[server] -= 1
            case "answered":
                balancer.answered(server)
            case "good" | "bad":
                balancer.checked(server, what == "good")
            case "later":
                now += number
            case _:
                found = balancer.choose(now)
                assert found is None or next(one for one in balancer.servers if one.server == found).is_up
    assert [health.running for health in balancer.servers] == [open_requests[server] for server in some]
    assert (balancer.choose(now + 1) is not None) == any(health.is_up for health in balancer.servers)


def test_servers_that_are_down_are_not_probed_by_requests() -> None:
    balancer = Balancer([A, B])
    for server in (A, B):
        fail(balancer, server, 0.0)
        balancer.checked(server, False)
    assert chosen(balancer, 100.0, 3) == [None, None, None]
