"""Who is advised, and who is not."""

import pytest

from gateway.policy.advice.causes import BY_ID, OTHER_SITE_WITHOUT_COOKIE, SERVER_WITHOUT_COOKIE, Advice, advice_for
from gateway.policy.http.messages import Authority, RequestHead

_ME = "/api/v1/sessions/me"
_CROSS, _SAME = (b"Sec-Fetch-Site", b"cross-site"), (b"Sec-Fetch-Site", b"same-site")
_SID, _OTHER = (b"Cookie", b"sid=102"), (b"Cookie", b"JSESSIONID=1")


def head(method: str, target: str, *fields: tuple[bytes, bytes]) -> RequestHead:
    return RequestHead(method, target, Authority("login.example.com", 443), fields, True, "10.0.0.1", "192.0.2.1")


@pytest.mark.parametrize(
    ("method", "target", "fields", "advice"),
    [
        ("DELETE", _ME, (), SERVER_WITHOUT_COOKIE),
        ("GET", _ME, (_OTHER,), SERVER_WITHOUT_COOKIE),
        ("POST", f"{_ME}/lifecycle/refresh", (), SERVER_WITHOUT_COOKIE),
        ("DELETE", _ME, (_CROSS,), OTHER_SITE_WITHOUT_COOKIE),
        ("DELETE", _ME, (_SAME,), None),
        ("DELETE", _ME, (_SID,), None),
        ("DELETE", _ME, (_CROSS, _SID), None),
        ("OPTIONS", _ME, (), None),
        ("GET", "/api/v1/sessions/102abc", (_SID,), BY_ID),
        ("POST", "/api/v1/users/me/lifecycle/delete_sessions", (_SID,), None),
        ("GET", "/app/UserHome", (), None),
    ],
)
def test_a_request_is_advised_where_it_shows_why_it_must_fail(
    method: str, target: str, fields: tuple[tuple[bytes, bytes], ...], advice: Advice | None
) -> None:
    assert advice_for(head(method, target, *fields)) is advice
