"""A cause is added to Okta's error object, and to nothing else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.advice.error_objects import error_object, is_json, with_cause
from gateway.policy.http.messages import Fields

_JSON = (b"Content-Type", b"application/json; charset=utf-8")


def test_the_cause_stands_behind_those_of_okta() -> None:
    body = json.dumps({"errorCode": "E0000007", "errorCauses": [{"errorSummary": "first"}], "more": 1}).encode()
    found = json.loads(with_cause(body, "second") or b"")
    assert found == {"errorCode": "E0000007", "errorCauses": [{"errorSummary": "first"}, {"errorSummary": "second"}], "more": 1}
    assert json.loads(with_cause(b'{"errorCode": "E1"}', "why") or b"")["errorCauses"] == [{"errorSummary": "why"}]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"{}", b'{"errorCode": 7}', b"[" * 100_000])
def test_what_is_no_error_object_stays_as_it_is(body: bytes) -> None:
    assert with_cause(body, "why") is None


@given(st.dictionaries(st.text(), st.integers()), st.text())
def test_nothing_else_of_the_object_changes(members: dict[str, int], sentence: str) -> None:
    told = {**members, "errorCode": "E0000007", "errorSummary": "x"}
    found = json.loads(with_cause(json.dumps(told).encode(), sentence) or b"")
    assert {**found, "errorCauses": 0} == {**told, "errorCauses": 0} and found["errorCauses"][-1] == {"errorSummary": sentence}


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ((_JSON,), True),
        ((_JSON, (b"Content-Encoding", b"identity")), True),
        ((_JSON, (b"content-encoding", b"gzip")), False),
        (((b"Content-Type", b"text/html"),), False),
        ((_JSON, _JSON), False),
        ((), False),
    ],
)
def test_only_plain_json_is_read(fields: Fields, answer: bool) -> None:
    assert is_json(fields) is answer


def test_an_error_of_ours_has_oktas_five_members() -> None:
    found = error_object("E0000004", "Authentication failed", "why", "id")
    assert set(found) == {"errorCode", "errorSummary", "errorLink", "errorId", "errorCauses"} and found["errorLink"] == "E0000004"
