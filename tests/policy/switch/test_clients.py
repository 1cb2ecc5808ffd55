"""Which requests of OpenID Connect clients are about another user than the browser's."""

from datetime import UTC, datetime

import pytest

from gateway.policy.http.messages import Authority, RequestHead
from gateway.policy.session.session import Session
from gateway.policy.switch.clients import LONGEST_QUERY, asks_for_another_user, client_of, names_another_user
from gateway.policy.switch.org_parameters import MOST_PARAMETERS

ALICE = Session("102abc", "00ualice", "alice@example.com", datetime(2030, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("target", "client"),
    [
        ("/oauth2/v1/authorize?client_id=app&prompt=none", "app"),
        ("/oauth2/default/v1/authorize?client_id=a%20b", "a b"),
        ("/oauth2/v1/authorize?client_id=app&client_id=other", ""),
        ("/oauth2/v1/authorize", ""),
        ("/oauth2/v1/authorize?client_id=app" + "&" * MOST_PARAMETERS, "app"),
        ("/oauth2/v1/authorize?client_id=app" + "&" * (MOST_PARAMETERS + 1), ""),
        ("/login/login.htm?client_id=app", ""),
        (f"/oauth2/v1/authorize?client_id=app&x={'x' * LONGEST_QUERY}", ""),
    ],
)
def test_the_client_of_an_authorize_request(target: str, client: str) -> None:
    assert client_of(RequestHead("GET", target, Authority("login.example.com", 443), (), True, "10.0.0.1", "10.0.0.1")) == client


def test_a_silent_request_is_about_the_user_who_last_used_its_client() -> None:
    assert asks_for_another_user("00ualice", "00ubob")
    assert not asks_for_another_user("00ualice", "00ualice")
    assert not asks_for_another_user(None, "00ubob")


def test_a_logout_is_about_the_subject_of_its_hint() -> None:
    assert names_another_user("00ubob", ALICE)
    assert not names_another_user("00ualice", ALICE) and not names_another_user("alice@example.com", ALICE)
    assert not names_another_user(None, ALICE)
