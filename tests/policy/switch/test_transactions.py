"""Which transactions an answer of Okta hands out, and which forms may name a stranger's."""

import pytest

from gateway.policy.http.messages import Authority, RequestHead
from gateway.policy.session.session import SessionToken
from gateway.policy.switch.transactions import is_foreign_form, transactions_in

LOGIN = "https://login.example.com"


def head(method: str = "GET", *fields: tuple[bytes, bytes]) -> RequestHead:
    return RequestHead(method, "/", Authority("login.example.com", 443), fields, True, "192.0.2.1", "")


@pytest.mark.parametrize(
    ("location", "tokens"),
    [
        ("/login/login.htm?stateToken=00a", ["00a"]),
        (f"{LOGIN}/login/step-up/redirect?stateToken=00a&x=1#stateToken=00b", ["00a"]),
        (f"{LOGIN.upper()}/login/login.htm?stateToken=00a", ["00a"]),
        ("/app", []),
        ("/login/sessionCookieRedirect?token=20111&stateToken=00a", []),
        ("https://evil.example/login/login.htm?stateToken=00a", []),
        ("//evil.example/?stateToken=00a", []),
        ("/\\evil.example/?stateToken=00a", []),
    ],
)
def test_only_an_address_of_the_login_host_hands_out_a_transaction(location: str, tokens: list[str]) -> None:
    assert transactions_in(location, head(), LOGIN) == tuple(map(SessionToken, tokens))


def test_a_form_is_foreign_unless_a_page_of_the_login_host_posted_it() -> None:
    assert not is_foreign_form(head())
    assert not is_foreign_form(head("POST", (b"Sec-Fetch-Site", b"same-origin")))
    assert is_foreign_form(head("POST", (b"Sec-Fetch-Site", b"same-site")))
    assert is_foreign_form(head("POST"))
