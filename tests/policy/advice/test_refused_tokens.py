"""Where an answer shows that a token was not taken."""

import pytest

from gateway.policy.advice.refused_tokens import leads_to_sign_in
from gateway.policy.http.messages import Fields

LOGIN = "https://login.example.com"
_HTML, _SID = (b"Content-Type", b"text/html; charset=utf-8"), (b"Set-Cookie", b"sid=102;Path=/")


def to(location: str) -> Fields:
    return ((b"Location", location.encode()),)


@pytest.mark.parametrize(
    ("status", "fields", "found"),
    [
        (302, to("/login/login.htm?fromURI=%2F"), "/login/login.htm?fromURI=%2F"),
        (302, to(f"{LOGIN}/signin"), f"{LOGIN}/signin"),
        (302, (*to("/login/login.htm"), _SID), None),
        (302, to("https://rp.example.com/callback?error=login_required"), None),
        (302, to("https://rp.example.com/login/login.htm"), None),
        (302, to("/app/UserHome"), None),
        (302, to("/login/login.htm?fromURI=%2F&stateToken=00x"), None),
        (302, (*to("/login/login.htm"), *to("/login/login.htm")), None),
        (302, to("http://[x/login/login.htm"), None),
        (302, (), None),
        (200, (_HTML,), ""),
        (200, (_HTML, _SID), None),
        (200, ((b"Content-Type", b"application/json"),), None),
        (200, (), None),
        (400, (_HTML,), None),
    ],
)
def test_a_sign_in_page_in_place_of_a_session_says_so(status: int, fields: Fields, found: str | None) -> None:
    assert leads_to_sign_in(status, fields, LOGIN) == found
