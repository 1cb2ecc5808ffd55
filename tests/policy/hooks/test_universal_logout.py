"""What a request of Universal Logout must say."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.hooks.universal_logout import (
    LARGEST_TOKEN,
    LONGEST_NAME,
    OLDEST_SECONDS,
    SKEW_SECONDS,
    TOKEN_TYPE,
    ExpectedLogoutToken,
    Subject,
    claims_problem,
    is_ours,
    key_asked,
    subject_of,
)
from gateway.policy.http.messages import Malformed

NOW = 1_800_000_000.0
ORG = "https://example.okta.com"
HERE = "https://login.example.com/.gateway/hooks/universal-logout"
EXPECTED = ExpectedLogoutToken(frozenset({ORG}), HERE, frozenset({"0oaportal"}))
HEADER = {"typ": TOKEN_TYPE, "alg": "RS256", "kid": "k"}
CLAIMS: dict[str, Any] = {
    "jti": "one",
    "iss": ORG,
    "sub": "0oaportal",
    "aud": HERE,
    "iat": int(NOW),
    "nbf": int(NOW) - 300,
    "exp": int(NOW) + 300,
}


def test_okta_s_claims_are_accepted() -> None:
    assert claims_problem(CLAIMS, EXPECTED, NOW) is None
    assert claims_problem(CLAIMS | {"aud": ["x", HERE]}, EXPECTED, NOW) is None
    assert claims_problem({name: value for name, value in CLAIMS.items() if name != "nbf"}, EXPECTED, NOW) is None


@pytest.mark.parametrize(
    ("changed", "status", "reason"),
    [
        ({"iss": "https://other.okta.com"}, 401, "issuer"),
        ({"iss": None}, 401, "issuer"),
        ({"aud": HERE + "?x"}, 401, "audience"),
        ({"aud": []}, 401, "audience"),
        ({"aud": None}, 401, "audience"),
        ({"exp": None}, 401, "times_missing"),
        ({"iat": True}, 401, "times_missing"),
        ({"iat": "1"}, 401, "times_missing"),
        ({"exp": float("nan")}, 401, "times_missing"),
        ({"exp": 10**400}, 401, "times_missing"),
        ({"exp": NOW - SKEW_SECONDS}, 401, "expired"),
        ({"iat": NOW - OLDEST_SECONDS - 1, "exp": NOW + 10**6}, 401, "expired"),
        ({"iat": NOW + SKEW_SECONDS + 1}, 401, "not_yet_valid"),
        ({"nbf": NOW + SKEW_SECONDS + 1}, 401, "not_yet_valid"),
        ({"jti": ""}, 401, "jti_missing"),
        ({"jti": "x" * (LONGEST_NAME + 1)}, 401, "jti_missing"),
        ({"sub": "0oaother"}, 403, "app_not_allowed"),
    ],
)
def test_other_claims_are_refused(changed: dict[str, Any], status: int, reason: str) -> None:
    assert claims_problem(CLAIMS | changed, EXPECTED, NOW) == Malformed(status, reason)


def test_keys_are_looked_for_only_for_a_token_that_may_be_okta_s() -> None:
    assert key_asked("t", EXPECTED, HEADER, CLAIMS) == "0oaportal"
    assert key_asked("t", EXPECTED, HEADER, CLAIMS | {"sub": "0oaother"}) == "0oaother"  # signed well, it is answered 403
    for header, claims in (
        (HEADER | {"typ": "JWT"}, CLAIMS),
        (HEADER | {"alg": "none"}, CLAIMS),
        (HEADER | {"alg": "HS256"}, CLAIMS),
        (HEADER, CLAIMS | {"iss": "https://other.okta.com"}),
        (HEADER, CLAIMS | {"aud": "https://elsewhere.example.com"}),
        (HEADER, CLAIMS | {"sub": 7}),
        (HEADER, CLAIMS | {"sub": ""}),
    ):
        assert key_asked("t", EXPECTED, header, claims) is None
    assert key_asked("t" * (LARGEST_TOKEN + 1), EXPECTED, HEADER, CLAIMS) is None


def test_both_forms_of_a_subject_are_read() -> None:
    assert subject_of(b'{"sub_id":{"format":"email","email":"alice@example.com"}}') == Subject("alice@example.com")
    assert subject_of(b'{"subject":{"format":"email","email":"alice@example.com"}}') == Subject("alice@example.com")
    body = json.dumps({"sub_id": {"format": "iss_sub", "iss": ORG, "sub": "00u1"}}).encode()
    assert subject_of(body) == Subject("00u1", ORG)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"[]", "not_an_object"),
        (b"{}", "no_subject"),
        (b'{"sub_id":"alice"}', "no_subject"),
        (b'{"sub_id":{"format":"opaque","id":"00u1"}}', "subject_format"),
        (b'{"sub_id":{}}', "subject_format"),
        (b'{"sub_id":{"format":"email"}}', "incomplete_subject"),
        (b'{"sub_id":{"format":"email","email":"alice"}}', "incomplete_subject"),
        (b'{"sub_id":{"format":"email","email":"@\\n"}}', "incomplete_subject"),
        (b'{"sub_id":{"format":"iss_sub","iss":"","sub":"00u1"}}', "incomplete_subject"),
        (b'{"sub_id":{"format":"iss_sub","iss":"x","sub":7}}', "incomplete_subject"),
    ],
)
def test_what_names_nobody_is_refused(body: bytes, reason: str) -> None:
    assert subject_of(body) == Malformed(400, reason)


def test_a_user_of_another_issuer_is_none_of_ours() -> None:
    assert is_ours(Subject("alice@example.com"), {ORG})
    assert is_ours(Subject("00u1", ORG + "/"), {ORG})
    assert not is_ours(Subject("00u1", "https://other.okta.com"), {ORG})


@given(st.dictionaries(st.sampled_from([*CLAIMS, "x"]), st.none() | st.integers() | st.floats() | st.text() | st.lists(st.text())))
def test_any_claims_are_judged(claims: dict[str, Any]) -> None:
    problem = claims_problem(claims, EXPECTED, NOW)
    assert isinstance(problem, Malformed)
    assert isinstance(key_asked("t", EXPECTED, claims, claims), str | None)


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_any_body_names_somebody_or_is_refused(content: object) -> None:
    assert isinstance(subject_of(json.dumps({"sub_id": content}).encode()), Subject | Malformed)
    assert isinstance(subject_of(json.dumps(content).encode()), Subject | Malformed)
