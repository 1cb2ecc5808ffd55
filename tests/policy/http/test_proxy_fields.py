"""Names that only a proxy may set: known in every spelling, and no more of them than meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.proxy_fields import folded, is_about_the_user, is_about_the_way, overrides_method

ABOUT_THE_USER = """X-SSL-Client-Cert SSL-Client-Cert SSL_CLIENT_S_DN X-SSL-Client-Verify X-Client-Cert X-Client-Cert-Dn X-ARR-SSL
X-ARR-ClientCert
Https Front-End-Https X-Auth-Request-User X-Auth-Request-Email X-Forwarded-User X-Forwarded-Email X-Forwarded-Groups
X-Forwarded-Preferred-Username X-Forwarded-Access-Token Remote-User Remote-User-Id X-Remote-User X-Remote-Group X-WEBAUTH-USER
X-Webauth-Name X-MS-Client-Principal X-MS-Client-Principal-Name X-MS-TOKEN-AAD-ID-TOKEN X-Goog-Authenticated-User-Email
Cf-Access-Jwt-Assertion X-Amzn-Oidc-Data Tailscale-User-Login X-Token-Subject X-Token-User-Email OIDC_CLAIM_sub
Shib-Identity-Provider SM_USER iv-user OAM_REMOTE_USER Client-Cert Client-Cert-Chain X-Pomerium-Jwt-Assertion
X-Consumer-Username WL-Proxy-SSL X-Authentik-Username"""
ABOUT_THE_WAY = [
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded",
    "X-Forwarded-Anything",
    "X-Real-IP",
    "CF-Connecting-IP",
    "Proxy",
    "X-Original-URL",
    "X-HTTP-Method",
]
OTHERS = """Accept Authorization Cookie Origin X-Auth-Token X-Api-Key X-CSRF-Token X-Requested-With X-User-Id Sm Iv Ssl
Upgrade-Insecure-Requests X-Request-Id X-Custom Remote-Control HttpsOnly Client Oidc"""


def spelled(name: str, how: list[str]) -> bytes:
    """The name with other separators."""
    return "".join(how[index % len(how)] if char in "-_" else char for index, char in enumerate(name)).encode()


separators = st.lists(st.sampled_from(list("-_.~!")), min_size=1, max_size=4)


@given(st.sampled_from(ABOUT_THE_USER.split()), separators, st.sampled_from([str.lower, str.upper, str.title]))
def test_who_the_user_is_is_known_in_every_spelling(name: str, how: list[str], case: object) -> None:
    assert callable(case)
    assert is_about_the_user(folded(spelled(case(name), how)))


@given(st.sampled_from(ABOUT_THE_WAY), separators)
def test_the_way_is_known_in_every_spelling(name: str, how: list[str]) -> None:
    assert is_about_the_way(folded(spelled(name, how)))


@pytest.mark.parametrize("name", OTHERS.split())
def test_what_browsers_and_scripts_send_is_neither(name: str) -> None:
    assert not is_about_the_user(folded(name.encode())) and not is_about_the_way(folded(name.encode()))


def test_a_field_asks_for_another_method_in_any_spelling() -> None:
    assert all(overrides_method(name) for name in (b"x-http-method", b"X_HTTP_METHOD", b"x.method.override", b"X-HTTP-Method-Override"))
    assert not any(overrides_method(name) for name in (b"x-original-url", b"x-http-methods", b"x-original-method"))
