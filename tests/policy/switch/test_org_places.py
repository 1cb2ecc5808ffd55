"""A place is known in every spelling of its path that some server would accept, and others are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.switch.org_places import LONGEST_NESTED, LONGEST_PATH, TOKEN_NAMES, OrgPath, SignOutKind

COOKIE_REDIRECTS = {
    "plain": "/login/sessionCookieRedirect",
    "path parameter": "/login;jsessionid=1/sessionCookieRedirect;x=y",
    "encoded": "/login/session%43ookieRedirect",
    "twice encoded": "/login/session%2543ookieRedirect",
    "case": "/LOGIN/SESSIONCOOKIEREDIRECT",
    "dot segments": "/x/../login/./sessionCookieRedirect",
    "empty segments": "//login///sessionCookieRedirect/",
    "backslash": "/login%5csessionCookieRedirect",
    "control character": "/login/sessionCookieRedirect%00",
    "control character inside": "/login/session%07CookieRedirect",
    "parameter that climbs when decoded": "/login/sessionCookieRedirect;x=%2f..%2f..%2fzzz",
    "parameter with a slash": "/login;%2fx/sessionCookieRedirect",
    "climbing away, twice encoded": "/login/sessionCookieRedirect/%252e%252e/..;",
    "three times encoded": "/login/session%252543ookieRedirect",
    "encoded more often than that behind it": "/login/sessionCookieRedirect/%25252541",
    "suffix": "/login/sessionCookieRedirect.do",
    "blank": "/login/%20sessionCookieRedirect%20",
    "soft hyphen": "/login/sessionCookieRedirect/.%C2%AD./..;",
}


@pytest.mark.parametrize("path", COOKIE_REDIRECTS.values(), ids=COOKIE_REDIRECTS)
def test_the_cookie_redirect_is_known_in_every_spelling(path: str) -> None:
    place = OrgPath.of(path)
    assert place.is_cookie_redirect
    assert place.needs_token
    assert place.takes_bodies
    assert "token" in place.names


@pytest.mark.parametrize(
    "path",
    ["/login/token/redirect", "/idp/idx/login/token/redirect", "/login/step-up/redirect", "/app/UserHome", "/login/token;a=b//redirect"],
)
def test_state_redirects_are_known(path: str) -> None:
    assert OrgPath.of(path).names == TOKEN_NAMES | {"statetoken"}
    assert OrgPath.of(path).needs_token


def test_authorize_and_pushed_requests_are_known() -> None:
    for path in ("/oauth2/v1/authorize", "/oauth2/default/v1/authorize", "/oauth2/default/v1;x/authorize/"):
        assert OrgPath.of(path).is_authorize
        assert OrgPath.of(path).takes_bodies
    for path in ("/oauth2/v1/par", "/oauth2/default/v1/par;x", "/oauth2/v1/%70ar/."):
        assert OrgPath.of(path).is_pushed
    assert not OrgPath.of("/oauth2/v1/parts").is_pushed


@pytest.mark.parametrize("path", ["/app/saml/k1/sso/saml", "/home/bookmark/0oa1/2557", "/api/v1/sessions"])
def test_links_take_bodies(path: str) -> None:
    assert OrgPath.of(path).takes_bodies
    assert not OrgPath.of(path).needs_token


@pytest.mark.parametrize(
    "path", ["/", "/login/login.htm", "/api/v1/authn", "/oauth2/v1/token", "/assets/js/app.js.map/x", "/idp/idx/identify"]
)
def test_other_places_are_left_alone(path: str) -> None:
    place = OrgPath.of(path)
    assert place.names == TOKEN_NAMES
    assert not (place.needs_token or place.is_authorize or place.is_pushed or place.is_current_session)
    assert place.sign_out_kind is None


@pytest.mark.parametrize(
    "path",
    [
        "/app/my-slo/k1/sso/saml",
        "/slo/saml",
        "/home/acme-signout/0oa1",
        "/home/signout/0oa1/1",
        "/app/signout/k1/sso/saml",
        "/login/signout-help",
        "/login/my-signout",
        "/logout",
    ],
)
def test_a_word_inside_a_name_is_no_sign_out(path: str) -> None:
    assert OrgPath.of(path).sign_out_kind is None


@pytest.mark.parametrize(
    "path",
    [
        "/app/my-sessioncookie/k1",
        "/home/tokenredirect/1",
        "/home/userhome2/1",
        "/redirect/token",
        "/oauth2/v1/reauthorize",
        "/authorize/oauth2",
    ],
)
def test_a_word_inside_a_name_is_no_place_of_a_token(path: str) -> None:
    place = OrgPath.of(path)
    assert not (place.needs_token or place.is_authorize or place.is_pushed)
    assert place.names == TOKEN_NAMES


@pytest.mark.parametrize(
    "path", ["/home/../signout", "/home/%2e%2e/signout", "/app/x/..;/..;/signout", "/home/x/../../login/signout", "/signout.do"]
)
def test_a_path_that_climbs_out_of_a_link_may_be_a_sign_out(path: str) -> None:
    assert OrgPath.of(path).sign_out_kind is SignOutKind.PAGE


def test_a_path_that_is_too_long_is_not_judged() -> None:
    place = OrgPath.of("/login/signout/" + "x" * LONGEST_PATH)
    assert place.is_too_long
    assert place.takes_bodies
    assert place.sign_out_kind is None


def test_a_long_path_that_is_encoded_twice_is_not_judged() -> None:
    long = "/login/" + "x" * LONGEST_NESTED
    assert OrgPath.of(f"{long}%2541") == OrgPath((), is_too_long=True)
    assert not OrgPath.of(f"{long}%41").is_too_long
    assert not OrgPath.of("/login/%2541").is_too_long


def test_places_that_end_a_session_are_known() -> None:
    assert OrgPath.of("/login/signout").sign_out_kind is SignOutKind.PAGE
    assert OrgPath.of("/login/;/signout/x").sign_out_kind is SignOutKind.PAGE
    assert OrgPath.of("/oauth2/default/v1/logout").sign_out_kind is SignOutKind.OIDC
    assert OrgPath.of("/oauth2/default/v1/logout").takes_bodies
    assert not OrgPath.of("/oauth2/default/v1/logout").takes_tokens_in_bodies
    assert OrgPath.of("/api/v1/users/me/lifecycle/delete_sessions").takes_bodies
    assert OrgPath.of("/api/v1/sessions/me").is_current_session


@given(st.text(alphabet="/;.%2f\\ax=", max_size=20), st.text(alphabet="/;.%2f\\ax=", max_size=20))
def test_nothing_around_a_word_hides_it(before: str, after: str) -> None:
    """Whatever a server drops, resolves or decodes there."""
    assert OrgPath.of(f"/{before}/sessionCookieRedirect/{after}").is_cookie_redirect
