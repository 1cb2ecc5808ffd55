"""Standing: what puts a server out, what takes it down, and how it returns."""

import pytest

from gateway.policy.routing.balancing import Balancer
from gateway.policy.routing.server_health import Server, Tolerance, is_healthy
from tests.policy.routing.balanced_requests import chosen, fail, sent, succeed

A, B = Server("http://a:1"), Server("http://b:1")


# failures


def test_three_failures_in_a_row_put_a_server_out_and_say_so_once() -> None:
    balancer = Balancer([A, B])
    assert fail(balancer, A, 0.0, times=2) is False
    assert fail(balancer, A, 0.0, times=1) is True
    assert set(chosen(balancer, 4.9, 4)) == {B}


def test_failures_of_requests_from_before_change_nothing_more() -> None:
    balancer = Balancer([A, B])
    for _ in range(12):
        balancer.request_started(A)
    assert [balancer.request_ended(A, True, now) for now in range(12)] == [False, False, True, *[False] * 9]
    assert balancer.servers[0].until == 7.0


def test_a_failure_between_answers_is_forgiven() -> None:
    balancer = Balancer([A, B])
    for _ in range(9):
        fail(balancer, A, 0.0, times=2)
        assert succeed(balancer, A, 0.0) is False
    assert not balancer.servers[0].is_out


def test_a_head_counts_as_soon_as_it_arrives() -> None:
    balancer = Balancer([A, B])
    fail(balancer, A, 0.0, times=2)
    assert balancer.answered(A) is False
    assert fail(balancer, A, 0.0, times=2) is False


def test_a_trial_that_never_says_how_it_went_is_followed_by_another() -> None:
    balancer = Balancer([A, B])
    fail(balancer, A, 0.0)
    balancer.request_started(B)
    assert [sent(balancer, now) for now in (5.0, 9.9, 10.0, 14.9, 15.0)] == [A, B, A, B, A]


def test_a_server_that_fails_its_trial_is_out_for_twice_as_long_up_to_a_minute() -> None:
    balancer, now, out = Balancer([A, B]), 0.0, []
    balancer.request_started(B)
    fail(balancer, A, now)
    for _ in range(6):
        out.append(balancer.servers[0].until - now)
        now += out[-1]
        assert balancer.choose(now - 0.1) == B
        assert balancer.choose(now) == A
        assert fail(balancer, A, now, times=1) is False
    assert out == [5, 10, 20, 40, 60, 60]


@pytest.mark.parametrize(("pause", "term"), [(1.0, 10.0), (59.0, 10.0), (60.0, 5.0)])
def test_only_a_server_that_served_for_a_while_begins_anew(pause: float, term: float) -> None:
    balancer = Balancer([A, B])
    balancer.request_started(B)
    fail(balancer, A, 0.0)
    assert balancer.choose(5.0) == A
    succeed(balancer, A, 5.0)
    again = balancer.servers[0].until + pause
    fail(balancer, A, again)
    assert balancer.servers[0].until - again == term


def test_an_answer_to_a_request_from_before_brings_nobody_back() -> None:
    balancer = Balancer([A, B])
    balancer.request_started(A)
    fail(balancer, A, 0.0)
    assert balancer.request_ended(A, False, 1.0) is False
    assert balancer.servers[0].is_out


# active checks


def test_the_first_check_alone_can_find_a_server_down() -> None:
    balancer = Balancer([A, B])
    assert balancer.checked(A, False) is True
    assert set(chosen(balancer, 0.0, 4)) == {B}


def test_three_bad_checks_in_a_row_take_a_server_down_and_two_good_ones_bring_it_up() -> None:
    balancer = Balancer([A, B])
    results = [True, False, False, True, False, False, False, True, False, True, True, True]
    changes = [balancer.checked(A, result) for result in results]
    assert [number for number, changed in enumerate(changes) if changed] == [6, 10]
    assert balancer.servers[0].is_up


def test_a_server_that_checks_bring_up_is_in_again_at_once() -> None:
    balancer = Balancer([A, B], tolerance=Tolerance(rise=1))
    fail(balancer, A, 0.0)
    balancer.checked(A, False)
    balancer.checked(A, True)
    assert set(chosen(balancer, 0.1, 2)) == {A, B}
    fail(balancer, A, 1.0)
    assert balancer.servers[0].until == 6.0


@pytest.mark.parametrize(
    ("status", "healthy"), [(200, True), (204, True), (302, True), (399, True), (199, False), (400, False), (503, False)]
)
def test_a_check_is_good_below_400(status: int, healthy: bool) -> None:
    assert is_healthy(status) is healthy
