"""An ID token is a proof when every claim says so, and nothing makes the reading fail."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.oidc.id_tokens import ExpectedIdToken, Proof, login_of, proof_of

WALL = 1_800_000_000.0
EXPECTED = ExpectedIdToken("https://o.example", "0oaGateway", "nonce-1")
GOOD: dict[str, Any] = {
    "iss": "https://o.example",
    "aud": "0oaGateway",
    "sub": "00u1",
    "nonce": "nonce-1",
    "iat": int(WALL),
    "exp": int(WALL) + 3600,
    "auth_time": int(WALL) - 60,
    "preferred_username": "alice@example.com",
    "amr": ["pwd", 5, "mfa"],
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def test_a_whole_token_names_its_user() -> None:
    assert proof_of(GOOD, EXPECTED, WALL) == Proof("00u1", "alice@example.com", 60.0, ("pwd", "mfa"))
    assert proof_of(GOOD | {"aud": ["0oaGateway"], "azp": "0oaGateway"}, EXPECTED, WALL) == proof_of(GOOD, EXPECTED, WALL)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"iss": "https://evil.example"}, "issuer"),
        ({"iss": None}, "issuer"),
        ({"aud": "another"}, "audience"),
        ({"aud": ["0oaGateway", "another"]}, "audience"),
        ({"azp": "another"}, "audience"),
        ({"nonce": "nonce-2"}, "nonce"),
        ({"nonce": "ñ"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"iat": None}, "times"),
        ({"exp": None}, "times"),
        ({"exp": True}, "times"),
        ({"exp": int(WALL) - 120}, "times"),
        ({"iat": int(WALL) - 601}, "times"),
        ({"iat": int(WALL) + 121}, "times"),
        ({"sub": ""}, "subject"),
        ({"sub": 5}, "subject"),
        ({"sub": "a\nb"}, "subject"),
        ({"sub": "a" * 257}, "subject"),
        ({"auth_time": None}, "auth_time"),
        ({"auth_time": 1e300}, "auth_time"),
    ],
)
def test_a_token_with_a_wrong_claim_is_no_proof(changed: dict[str, Any], problem: str) -> None:
    assert proof_of(GOOD | changed, EXPECTED, WALL) == problem


@pytest.mark.parametrize("login", [None, "", 5, "a\x00b"])
def test_a_token_without_a_login_leaves_it_to_userinfo(login: object) -> None:
    found = proof_of(GOOD | {"preferred_username": login, "amr": "pwd"}, EXPECTED, WALL)
    assert found == Proof("00u1", "", 60.0)


@given(st.dictionaries(st.sampled_from(sorted(GOOD)), JSON))
def test_no_content_makes_the_reading_fail(changed: dict[str, Any]) -> None:
    found = proof_of(GOOD | changed, EXPECTED, WALL)
    assert isinstance(found, str | Proof)


def test_userinfo_counts_for_its_own_subject_alone() -> None:
    assert login_of({"sub": "00u1", "preferred_username": "alice@example.com"}, "00u1") == "alice@example.com"
    assert login_of({"sub": "00u2", "preferred_username": "bob@example.com"}, "00u1") == ""
    assert login_of({"sub": "00u1"}, "00u1") == ""
