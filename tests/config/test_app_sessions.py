"""The keys about an app's own sessions: what they become, and the error message for each wrong value."""

import pytest

from tests.harness.configuration import LOGIN, OKTA, SMALLEST, problems, settings

FRONTED = (
    OKTA
    + LOGIN
    + '[listen]\ntrusted_proxies = ["10.0.0.0/8"]\n[admin]\naddress = "127.0.0.1:9091"\n[[app]]\nname = "hr"\nurl = "https://hr.example.com"\n'
)

CASES = [
    (
        'session_cookies = ["a b"]',
        "gateway.toml:9: app[0].session_cookies[0]: 'a b' is not allowed here; write the name of a cookie, for example \"JSESS",
    ),
    ('session_cookies = ["JSESSIONID", "a*b*c"]', "app[0].session_cookies[1]: 'a*b*c' is not allowed here"),
    ('session_cookies = ["a;b"]', "app[0].session_cookies[0]: 'a;b' is not allowed here"),
    ('session_cookies = [""]', 'app[0].session_cookies[0]: "" names no cookie; leave it out'),
    ('session_cookies = ["!"]', 'app[0].session_cookies[0]: "!" names no cookie; leave it out'),
    ('session_cookies = ["*"]', 'app[0].session_cookies[0]: "*" would take in other cookies too; name 4 characters beside the *'),
    ('session_cookies = ["!ab*"]', 'app[0].session_cookies[0]: "!ab*" would take in other cookies too'),
    ('session_cookies = ["__Host-gateway"]', 'app[0].session_cookies[0]: "__Host-gateway" is a cookie of the gateway'),
    ('session_cookies = "JSESSIONID"', "app[0].session_cookies: a list in square brackets is needed"),
    (
        'sign_out_path = "logout"',
        "app[0].sign_out_path: 'logout' is not allowed here; write the path where the app itself signs out, for example \"/l",
    ),
    ('sign_out_path = "/.gateway/sign-out"', 'app[0].sign_out_path: "/.gateway/sign-out" is a path of the gateway; name the one'),
    (
        'strip_prefix = "/hr"\nsign_out_path = "/logout"',
        '"/logout" is outside of strip_prefix; write it as browsers ask for it, such as "/hr/l',
    ),
    (
        'session_cookies = []\nsign_out_path = "/logout"',
        "app[0].sign_out_path: is called with the app's session cookies, but",
    ),
]


@pytest.mark.parametrize(("keys", "sentence"), CASES, ids=[keys for keys, _ in CASES])
def test_a_problem_names_its_place_and_what_to_do(keys: str, sentence: str) -> None:
    found = problems(f"{SMALLEST}{keys}\n")
    assert len(found) == 1 and sentence in found[0], found


def test_no_sign_out_path_is_called_where_a_front_proxy_carries_the_app() -> None:
    (found,) = problems(FRONTED + 'sign_out_path = "/logout"\n')
    assert "app[0].sign_out_path: is about the way to the app, but a front proxy carries this one" in found


@pytest.mark.parametrize(
    "keys", ["session_cookies = []", 'session_cookies = ["MYSESSION", "ASPSESSIONID*", "!JSESSIONID"]\nsign_out_path = "/logout?all=1"']
)
def test_they_are_taken_as_they_stand(keys: str) -> None:
    assert problems(f"{SMALLEST}{keys}\n") == ()
    assert problems(f"{FRONTED}{keys.partition(chr(10))[0]}\n") == ()


def test_the_well_known_names_are_bound_where_nothing_is_said() -> None:
    (app,) = settings(SMALLEST).config.apps
    assert {"JSESSIONID", "PHPSESSID", "sessionid", "connect.sid", "ASP.NET_SessionId"} <= set(app.session_cookies)
    assert app.sign_out_path == ""
