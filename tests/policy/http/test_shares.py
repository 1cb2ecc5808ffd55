"""How connections that run short are shared out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.shares import LEAST_SHARE, Shares


@pytest.mark.parametrize(("most", "ample", "each"), [(1, 1, 8), (8, 8, 8), (9, 7, 8), (20, 15, 8), (100, 75, 25), (1000, 750, 250)])
def test_the_shares_of_a_pool(most: int, ample: int, each: int) -> None:
    assert Shares.of(most) == Shares(most, ample, each)


@given(st.integers(1, 200), st.integers(1, 400))
def test_one_client_leaves_a_quarter_to_others_and_is_alone_bound_by_nothing_else(most: int, asked: int) -> None:
    shares, held = Shares.of(most), 0
    for _ in range(asked):
        held += shares.may_take(held, held)
    assert held == min(asked, most if most <= LEAST_SHARE else max(shares.ample, shares.each))


@given(st.integers(1, 200), st.integers(0, 300), st.integers(0, 300))
def test_who_holds_less_than_a_share_is_served_while_there_is_any(most: int, held: int, in_use: int) -> None:
    shares = Shares.of(most)
    if held < shares.each:
        assert shares.may_take(held, in_use) == (in_use < most)
