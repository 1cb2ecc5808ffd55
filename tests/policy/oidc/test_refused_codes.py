"""A client whose codes the org refuses again and again waits; nobody else does."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.oidc.bounces import MOST_CLIENTS, MOST_REFUSED, WINDOW_SECONDS, RefusedCodes


def test_one_client_waits_until_its_minute_is_over_and_no_other_does() -> None:
    codes = RefusedCodes()
    for _ in range(MOST_REFUSED):
        assert not codes.are_too_many("192.0.2.1", 100.0)
        codes.note("192.0.2.1", 100.0)
    assert codes.are_too_many("192.0.2.1", 100.0 + WINDOW_SECONDS - 0.1)
    assert not codes.are_too_many("192.0.2.2", 100.0)
    assert not codes.are_too_many("192.0.2.1", 100.0 + WINDOW_SECONDS)


def test_a_new_minute_begins_with_nothing_refused() -> None:
    codes = RefusedCodes()
    for _ in range(MOST_REFUSED):
        codes.note("192.0.2.1", 100.0)
    codes.note("192.0.2.1", 100.0 + WINDOW_SECONDS)
    assert not codes.are_too_many("192.0.2.1", 100.0 + WINDOW_SECONDS)


def test_clients_that_no_proxy_names_are_not_counted() -> None:
    codes = RefusedCodes()
    for _ in range(MOST_REFUSED):
        codes.note("", 100.0)
    assert not codes.are_too_many("", 100.0)
    assert len(codes) == 0


def test_too_many_clients_are_not_all_remembered() -> None:
    codes = RefusedCodes()
    for number in range(MOST_CLIENTS + 10):
        codes.note(str(number), 100.0)
    assert 0 < len(codes) <= MOST_CLIENTS


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 30)), max_size=200))
def test_no_minute_holds_more_than_twice_the_bound(steps: list[tuple[str, float]]) -> None:
    """A client that stops when it is told to is refused at most so often in any minute, wherever the minute begins."""
    codes, now, refused = RefusedCodes(), 0.0, list[tuple[str, float]]()
    for client, seconds in steps:
        now += seconds
        for _ in range(20):
            if not codes.are_too_many(client, now):
                codes.note(client, now)
                refused.append((client, now))
    for client, at in refused:
        assert sum(one == client and 0 <= when - at < WINDOW_SECONDS for one, when in refused) <= 2 * MOST_REFUSED
