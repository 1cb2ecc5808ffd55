"""A bounce asks one question, and only a clear answer of the right kind is believed."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.oidc.bounces import AuthorizeRequest, Bounce, Code, Nobody, Unclear, address_of, challenge_of, is_of, returned

BOUNCE = Bounce("handoff", "start", "none", "nonce-1", "verifier-1", "browser", 1000.0)
ISSUER = "https://o.example"


def test_the_question_has_everything_that_the_org_needs_and_not_the_verifier() -> None:
    question = AuthorizeRequest("0oaGateway", "https://gate.example.com/.gateway/oidc")
    url = address_of("https://o.example/oauth2/v1/authorize", question, BOUNCE, "sealed")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked == {
        "client_id": "0oaGateway",
        "response_type": "code",
        "response_mode": "query",
        "scope": "openid profile",
        "redirect_uri": "https://gate.example.com/.gateway/oidc",
        "state": "sealed",
        "nonce": "nonce-1",
        "code_challenge": challenge_of("verifier-1"),
        "code_challenge_method": "S256",
        "prompt": "none",
    }
    assert "verifier-1" not in url


def test_a_question_that_may_ask_the_user_has_no_prompt() -> None:
    bounce = Bounce("handoff", "start", "", "n", "v", "browser", 1000.0)
    url = address_of("https://o.example/authorize?tenant=1", AuthorizeRequest("c", "https://g.example/r"), bounce, "s")
    assert url.startswith("https://o.example/authorize?tenant=1&client_id=c&")
    assert "prompt" not in url


def test_the_challenge_is_that_of_the_standard() -> None:
    # RFC 7636, appendix B
    assert challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize(
    ("given_", "prompt", "answer"),
    [
        ({"code": "c"}, "none", Code("c")),
        ({"code": "c", "iss": ISSUER}, "none", Code("c")),
        ({"code": "c", "iss": "https://evil.example"}, "none", Unclear("other_issuer")),
        ({"code": "c" * 2049}, "none", Unclear("no_code")),
        ({}, "none", Unclear("no_code")),
        ({"error": "login_required"}, "none", Nobody()),
        ({"error": "login_required", "iss": "https://evil.example"}, "none", Unclear("other_issuer")),
        ({"error": "login_required", "code": "c"}, "none", Unclear("login_required")),
        ({"error": "login_required"}, "", Unclear("login_required")),
        ({"error": "interaction_required"}, "none", Unclear("interaction_required")),
        ({"error": "access_denied"}, "none", Unclear("access_denied")),
        ({"error": "<b>"}, "none", Unclear("strange_error")),
        ({"error": "alice_was_here"}, "none", Unclear("strange_error")),
    ],
)
def test_only_login_required_to_a_silent_question_means_nobody(given_: dict[str, str], prompt: str, answer: object) -> None:
    bounce = Bounce("handoff", "start", prompt, "n", "v", "browser", 1000.0)
    assert returned(given_, bounce, ISSUER) == answer


@given(st.dictionaries(st.sampled_from(["code", "error", "iss", "error_description"]), st.text(max_size=30)))
def test_whatever_comes_back_nobody_is_found_only_by_the_one_error(given_: dict[str, str]) -> None:
    if returned(given_, BOUNCE, ISSUER) == Nobody():
        assert given_["error"] == "login_required"


def test_an_answer_counts_in_its_own_browser_and_for_ten_minutes() -> None:
    assert is_of(BOUNCE, "browser", 1600.0)
    assert not is_of(BOUNCE, "browser", 1600.1)
    assert not is_of(BOUNCE, "another", 1001.0)
    assert not is_of(BOUNCE, "ñ", 1001.0)
    assert Bounce.unpacked(BOUNCE.packed()) == BOUNCE
