"""Which requests may be sent once more."""

import pytest

from gateway.policy.http.methods import may_repeat


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PROPFIND", "REPORT"])
def test_what_may_be_done_twice_goes_again_where_it_has_no_body(method: str) -> None:
    assert may_repeat(method, has_body=False)
    assert not may_repeat(method, has_body=True)


@pytest.mark.parametrize("method", ["POST", "PATCH", "LOCK", "MOVE", "COPY", "MKCOL", "get", "Get", ""])
def test_nothing_else_does(method: str) -> None:
    assert not may_repeat(method, has_body=False)
