"""What ends sessions at Okta is known, and whose they are; what only looks like it is not."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.switch.org_endings import LARGEST_HINT, EndsSessions, hint_subject
from gateway.policy.switch.org_places import LONGEST_PATH, SignOutKind
from gateway.policy.switch.org_requests import OrgRequest, Plain, Redemption, SignOut, has_readable_body, read
from tests.policy.switch.sent_to_org import FORM, JSON, head, post


def token_of(claims: object) -> str:
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b'=').decode()}.signature"


ALICE = token_of({"iss": "https://login.example.com", "sub": "00ualice"})
LOGOUT = "/oauth2/default/v1/logout"


@pytest.mark.parametrize("size", [0, 9_000, 18_000])
def test_the_subject_of_a_hint_is_read_from_query_and_form(size: int) -> None:
    hint = token_of({"sub": "00ualice", "groups": ["g" * 90] * (size // 100)})
    assert len(hint) > size
    assert read(head(f"{LOGOUT}?id_token_hint={hint}")) == SignOut(SignOutKind.OIDC, "00ualice")
    assert read(head(f"{LOGOUT}?state=x;id_token_hint={hint}")) == SignOut(SignOutKind.OIDC, "00ualice")
    assert has_readable_body(head(LOGOUT, "POST"))
    assert post(LOGOUT, f"id_token_hint={hint}&state=x".encode()) == SignOut(SignOutKind.OIDC, "00ualice")


@pytest.mark.parametrize(
    "hint",
    ["", "null", "a.b", "e30.e30.x.y.z", "e30.%25.x", "e30.é.x", token_of([1]), token_of({}), token_of({"sub": 1}), token_of({"sub": ""})],
)
def test_a_hint_that_says_nothing_names_nobody(hint: str) -> None:
    assert read(head(f"{LOGOUT}?id_token_hint={hint}")) == SignOut(SignOutKind.OIDC)


def test_a_hint_is_read_up_to_32_kib() -> None:
    filler = LARGEST_HINT * 3 // 4 - len(ALICE)
    assert hint_subject([token_of({"sub": "a", "x": "y" * filler})]) == "a"
    assert hint_subject([token_of({"sub": "a", "x": "y" * (filler + 200)})]) is None
    assert hint_subject(["e30." + base64.urlsafe_b64encode(b"[" * 20_000).decode() + ".x"]) is None


def test_two_hints_name_one_user_or_nobody() -> None:
    bob = token_of({"sub": "00ubob"})
    assert read(head(f"{LOGOUT}?id_token_hint={ALICE}&id_token_hint={ALICE}")) == SignOut(SignOutKind.OIDC, "00ualice")
    assert read(head(f"{LOGOUT}?id_token_hint={ALICE}&id_token_hint={bob}")) == SignOut(SignOutKind.OIDC)
    assert read(head(f"{LOGOUT}?id_token_hint={ALICE}&id_token_hint=x")) == SignOut(SignOutKind.OIDC)


@given(st.text(max_size=40), st.text("abcXYZ019-_.", max_size=60))
def test_the_subject_comes_back_whatever_it_is_and_noise_is_nobody(subject: str, noise: str) -> None:
    assert hint_subject([token_of({"sub": subject})]) == (subject or None)
    assert hint_subject([noise]) is None


def test_only_an_oidc_logout_has_a_subject() -> None:
    assert read(head(f"/login/signout?id_token_hint={ALICE}")) == SignOut(SignOutKind.PAGE)
    assert read(head(f"/api/v1/sessions/me?id_token_hint={ALICE}", "DELETE")) == SignOut(SignOutKind.API)
    assert read(head(f"{LOGOUT}?id_token_hint={ALICE}", "PUT")) == Plain()


def test_a_logout_with_a_token_is_a_redemption_too() -> None:
    assert isinstance(post(LOGOUT, f"id_token_hint={ALICE}&sessionToken=x".encode()), Redemption)


ENDS: dict[str, OrgRequest] = {
    "/api/v1/sessions/102abc/": EndsSessions("102abc", None),
    "/api/v1//sessions/102%61bc": EndsSessions("102abc", None),
    "/API/v1/sessions;x/102Abc;y=z": EndsSessions("102Abc", None),
    "/api/v1/users/00uBob/sessions": EndsSessions(None, "00uBob"),
    "/api/v1/users/bob%40example.com/sessions?oauthTokens=true": EndsSessions(None, "bob@example.com"),
    "/api/v1/x/../users/00ubob/./sessions": EndsSessions(None, "00ubob"),
    "/api/v1/users/me/sessions": EndsSessions(None, "me"),
    "/idp/myaccount/sessions": EndsSessions(None, "me"),
    "/idp/myaccount/sessions?excludeCurrentAuthorizationContext=true": EndsSessions(None, "me", keeps_current=True),
    "/api/v1/sessions/102abc/lifecycle/refresh/x": Plain(),
    "/api/v1/users/00ubob": Plain(),
    "/api/v1/users/00ubob/sessions/x": Plain(),
    "/api/v1/users/00ubob/lifecycle/delete_sessions": Plain(),
    "/": Plain(),
}


@pytest.mark.parametrize(("target", "found"), ENDS.items())
def test_calls_that_end_sessions_name_whose(target: str, found: OrgRequest) -> None:
    assert read(head(target, "DELETE")) == found
    assert read(head(target, "PUT")) == Plain()


def test_deleting_ones_own_sessions_keeps_the_current_one_unless_it_says_so() -> None:
    own = "/api/v1/users/me/lifecycle/delete_sessions"
    assert has_readable_body(head(own, "POST"))
    for body in (b"", b"{}", b"[]", b"{", b'{"keepCurrent": true}', b'{"keepCurrent": null}'):
        assert post(own, body, JSON) == EndsSessions(None, "me", keeps_current=True)
    assert post(own, b'{"keepCurrent": false}', JSON) == EndsSessions(None, "me")
    assert post("/api/v1/users/00ubob/lifecycle/delete_sessions", b"", FORM) == Plain()
    assert post("/api/v1/users/me/lifecycle/deactivate", b"", FORM) == Plain()


@given(st.text("ab/.;%2e", max_size=30))
def test_nothing_but_these_calls_ends_sessions(around: str) -> None:
    found = read(head(f"/{around}", "DELETE"))
    assert found == Plain()


def test_the_session_in_another_spelling_of_me_is_the_browsers() -> None:
    assert read(head("/api/v1/sessions/%6de/", "DELETE")) == SignOut(SignOutKind.API)
    assert read(head("/api/v1/sessions/" + "x" * LONGEST_PATH, "DELETE")) == Redemption((), "path_too_long")
