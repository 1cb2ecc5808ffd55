"""What a portal's server may order."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.messages import Malformed
from gateway.policy.switch.front_switch import FrontStart, order_of, sender_of

ORIGINS = ("https://app.example.com", "https://portal.example.org")
GOOD: dict[str, Any] = {"session_token": "2010xyz", "to": "https://app.example.com/slips?year=2026"}


def of(**more: Any) -> FrontStart | Malformed | None:
    return order_of(json.dumps(GOOD | more).encode(), ORIGINS)


def test_an_order_needs_a_token_and_where_to_go() -> None:
    assert of() == FrontStart("2010xyz", "https://app.example.com/slips?year=2026")
    assert "2010xyz" not in repr(of())


def test_a_portal_may_name_the_browser_and_the_user() -> None:
    found = of(address="203.0.113.7", user_agent="Firefox/140", login="Bob@Example.com")
    assert found == FrontStart("2010xyz", GOOD["to"], sender_of("203.0.113.7", b"Firefox/140"), "bob@example.com")
    assert sender_of("203.0.113.7", b"Firefox/140") != sender_of("203.0.113.7F", b"irefox/140")


def test_an_announcement_without_a_token_is_of_another_kind() -> None:
    assert order_of(b'{"address": "203.0.113.7", "user_agent": "x"}', ORIGINS) is None


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"session_token": ""}, "session_token"),
        ({"session_token": 5}, "session_token"),
        ({"session_token": "a b"}, "session_token"),
        ({"session_token": "é"}, "session_token"),
        ({"session_token": "a\n"}, "session_token"),
        ({"session_token": "a" * 1025}, "session_token"),
        ({"login": 5}, "login"),
        ({"login": "a" * 1025}, "login"),
        ({"to": None}, "to"),
        ({"to": "/slips"}, "to"),
        ({"to": "https://evil.example/"}, "to"),
        ({"to": "https://app.example.com.evil.example/"}, "to"),
        ({"address": "203.0.113.7"}, "address_and_user_agent"),
        ({"user_agent": "x"}, "address_and_user_agent"),
        ({"address": 5, "user_agent": "x"}, "address_and_user_agent"),
        ({"address": "x", "user_agent": 5}, "address_and_user_agent"),
    ],
)
def test_a_wrong_field_is_named(changed: dict[str, Any], wrong: str) -> None:
    assert of(**changed) == Malformed(400, wrong)


@pytest.mark.parametrize(("body", "wrong"), [(b"", "not_json"), (b"[" * 9000, "not_json"), (b"[]", "not_an_object"), (b"\xff", "not_json")])
def test_a_body_that_is_none_is_refused(body: bytes, wrong: str) -> None:
    assert order_of(body, ORIGINS) == Malformed(400, wrong)


@given(st.dictionaries(st.sampled_from(["session_token", "to", "login", "address", "user_agent"]), st.text(max_size=30) | st.integers()))
def test_an_order_leads_only_to_configured_origins(said: dict[str, Any]) -> None:
    found = order_of(json.dumps(said).encode(), ORIGINS)
    if isinstance(found, FrontStart):
        assert found.to.startswith(tuple(f"{origin}/" for origin in ORIGINS))
