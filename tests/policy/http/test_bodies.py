"""Which answers have a body, and what becomes of a connection behind one that has none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.bodies import Reuse, StatusKind, has_body, kind_of_status, reuse_behind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, StatusKind.INVALID) for status in (-1, 0, 1, 99, 600, 999)),
        *((status, StatusKind.INTERIM) for status in (100, 102, 103)),
        *((status, StatusKind.UNKNOWN_INTERIM) for status in (104, 150, 199)),
        (101, StatusKind.SWITCHING),
        *((status, StatusKind.FINAL) for status in (200, 204, 304, 404, 599)),
    ],
)
def test_what_a_status_is(status: int, kind: StatusKind) -> None:
    assert kind_of_status(status) is kind


@given(st.integers(-10, 1000))
def test_a_final_answer_has_a_status_from_200_to_599_and_no_other_has(status: int) -> None:
    assert (kind_of_status(status) is StatusKind.FINAL) == (200 <= status <= 599)


@given(st.integers(200, 599), st.booleans(), st.booleans())
def test_a_connection_is_used_at_once_only_behind_a_body(status: int, is_head: bool, announces_body: bool) -> None:
    reuse = reuse_behind(status, is_head, announces_body)
    assert (reuse is Reuse.NOW) == has_body(status, is_head)
    assert has_body(status, is_head) == (not is_head and status not in (204, 205, 304))
    assert (reuse is Reuse.NEVER) == (announces_body and not has_body(status, is_head))
