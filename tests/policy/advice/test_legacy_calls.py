"""Which calls the upgrade guide recommends against, and what their answers say."""

import pytest

from gateway.policy.advice.legacy_calls import legacy_call, legacy_fields
from gateway.policy.http.messages import Authority, RequestHead

_ID = "/api/v1/sessions/102abc"


def head(method: str, target: str, *fields: tuple[bytes, bytes]) -> RequestHead:
    return RequestHead(method, target, Authority("login.example.com", 443), fields, True, "10.0.0.1", "192.0.2.1")


@pytest.mark.parametrize(
    ("method", "target", "call"),
    [
        ("GET", _ID, "session_read"),
        ("DELETE", _ID, "session_ended"),
        ("POST", f"{_ID}/lifecycle/refresh", "session_refreshed"),
        ("POST", "/api/v1/users/me/lifecycle/delete_sessions", "sessions_deleted"),
        ("POST", "/api/v1/sessions?additionalFields=cookieToken", "cookie_token"),
        ("POST", "/api/v1/sessions?additionalFields=cookieTokenUrl,cookieToken", "cookie_token"),
        ("GET", "/api/v1/sessions/measure", "session_read"),
        ("POST", "/api/v1/sessions", None),
        ("GET", "/api/v1/sessions?additionalFields=cookieToken", None),
        ("GET", "/api/v1/sessions/me", None),
        ("DELETE", "/api/v1/sessions/me", None),
        ("POST", "/api/v1/sessions/me/lifecycle/refresh", None),
        ("PUT", _ID, None),
        ("GET", f"{_ID}/lifecycle/refresh", None),
        ("GET", f"{_ID}/more", None),
        ("GET", "/api/v1/users/me/lifecycle/delete_sessions", None),
        ("GET", "/app/UserHome", None),
    ],
)
def test_five_calls_are_told_apart(method: str, target: str, call: str | None) -> None:
    assert legacy_call(head(method, target)) == call


def test_their_answers_carry_a_date_and_a_link_and_no_others_do() -> None:
    fields = dict(legacy_fields("session_read"))
    assert fields[b"Deprecation"] == b"@1689638400" and b'rel="deprecation"' in fields[b"Link"]
    assert legacy_fields(None) == ()
