"""What a request for tokens brings, and what is issued."""

import json

import pytest

from gateway.policy.http.messages import Answer, Authority, Fields, Malformed, RequestHead
from gateway.policy.session.session import SessionToken
from gateway.policy.switch.token_grants import (
    TokenGrant,
    codes_in,
    codes_in_page,
    interaction_codes_in,
    is_identity_step,
    is_token_request,
    refresh_token_in,
    shows_code_in_page,
    token_grant,
)


@pytest.mark.parametrize(
    ("method", "target", "answer"),
    [
        ("POST", "/oauth2/v1/token", True),
        ("POST", "/oauth2/default/v1/token?x=1", True),
        ("POST", "/oauth2/v1/%74oken", True),
        ("POST", "//oauth2/./default;x=1/v1/token/", True),
        ("POST", "/x/../oauth2%2Fv1/token%2f", True),
        ("GET", "/oauth2/v1/token", False),
        ("POST", "/oauth2/v1/tokens", False),
        ("POST", "/oauth2/v1/authorize", False),
    ],
)
def test_a_request_for_tokens_is_known_by_its_path(method: str, target: str, answer: bool) -> None:
    head = RequestHead(method, target, Authority("login.example.com", 443), (), True, "10.0.0.1", "192.0.2.1")
    assert is_token_request(head) is answer


@pytest.mark.parametrize(("method", "target"), [("POST", "/idp/idx/identify"), ("GET", "/idp/idx/identify"), ("POST", "/idp/myaccount")])
def test_a_step_of_identity_engine_is_known_by_its_path(method: str, target: str) -> None:
    head = RequestHead(method, target, Authority("login.example.com", 443), (), True, "10.0.0.1", "192.0.2.1")
    assert is_identity_step(head) is (method == "POST" and "idx" in target)


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ({"successWithInteractionCode": {"value": [{"name": "grant_type"}, {"name": "interaction_code", "value": "a"}]}}, ["a"]),
        ({"successWithInteractionCode": {"value": [{"name": "interaction_code", "value": 7}, {"name": "interaction_code"}]}}, []),
        ({"successWithInteractionCode": {"value": ["interaction_code"]}}, []),
        ({"successWithInteractionCode": {"value": 7}}, []),
        ({"successWithInteractionCode": {}}, []),
        ({"success": {}}, []),
        ([], []),
    ],
)
def test_the_last_step_may_hold_an_interaction_code(body: object, codes: list[str]) -> None:
    assert [code.value for code in interaction_codes_in(json.dumps(body).encode())] == codes
    assert interaction_codes_in(b"{") == () and interaction_codes_in(b"[" * 100_000) == ()


def test_each_value_of_a_form_may_be_the_one_that_counts() -> None:
    grant = token_grant(b"grant_type=refresh_token&refresh_token=a&refresh_token=b%2Bc&code=d&interaction_code=e")
    assert isinstance(grant, TokenGrant) and token_grant(b"\xff") == TokenGrant()
    assert [token.value for token in grant.refresh_tokens] == ["a", "b+c"] and [code.value for code in grant.codes] == ["d", "e"]


def test_of_many_values_the_first_and_the_last_are_looked_at_and_too_many_fields_are_refused() -> None:
    grant = token_grant("&".join(f"code={number}" for number in range(100)).encode())
    assert isinstance(grant, TokenGrant) and [code.value for code in grant.codes] == ["0", "1", "2", "3", "96", "97", "98", "99"]
    assert token_grant(b"&".join([b"a=b"] * 101)) == Malformed(400, "too_many_parameters")


@pytest.mark.parametrize(
    ("status", "body", "token"),
    [
        (200, json.dumps({"refresh_token": "r"}).encode(), "r"),
        (200, b'{"access_token": "a"}', None),
        (200, b'{"refresh_token": ""}', None),
        (200, b'{"refresh_token": 7}', None),
        (200, b"[]", None),
        (200, b"{", None),
        (200, b"[" * 100_000, None),
        (400, json.dumps({"refresh_token": "r"}).encode(), None),
    ],
)
def test_an_answer_issues_a_refresh_token_or_none(status: int, body: bytes, token: str | None) -> None:
    assert refresh_token_in(Answer(status, (), body)) == (SessionToken(token) if token is not None else None)


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        (((b"Location", b"https://rp.example.com/cb?code=a&state=s"),), ["a"]),
        (((b"location", b"https://rp.example.com/cb#code=b"),), ["b"]),
        (((b"Location", b"https://rp.example.com/cb?code=a&code=b"),), ["a", "b"]),
        (((b"Location", b"https://rp.example.com/cb?error=login_required"),), []),
        (((b"Location", b"http://[x/?code=a"),), []),
        (((b"Location", b"/?" + b"code=a&" * 10_000),), []),
        (((b"Content-Type", b"text/html"),), []),
    ],
)
def test_codes_stand_in_the_address_that_an_answer_leads_to(fields: Fields, codes: list[str]) -> None:
    assert [code.value for code in codes_in(fields)] == codes


@pytest.mark.parametrize(
    ("page", "codes"),
    [
        (b'<script>parent.postMessage({"code": "abc-12345", "state": "s"}, "https://rp")</script>', ["abc-12345"]),
        (b"<script>data.code = 'abc\\x2D12345';data.state = 's'</script>", ["abc-12345"]),
        (b'<script>data["code"] = "abc\\u002d12345"</script>', ["abc-12345"]),
        (b'<input type="hidden" name="code" value="abc&#x2d;12345">', ["abc-12345"]),
        (b"<input name='code' value='a'>", []),
        (b'{"errorCode": "abc-12345"}', []),
        (b'{"code": "first-one-1", "x": {"code": "second-one"}}', ["first-one-1", "second-one"]),
        (b"code" * 100_000, []),
        (b"", []),
    ],
)
def test_a_page_may_show_a_code_in_several_spellings(page: bytes, codes: list[str]) -> None:
    assert [code.value for code in codes_in_page(page)] == codes


@pytest.mark.parametrize(("query", "answer"), [("response_mode=okta_post_message&x=1", True), ("response_mode=query", False), ("", False)])
def test_an_answer_in_a_page_is_asked_for_by_its_mode(query: str, answer: bool) -> None:
    head = RequestHead("GET", f"/oauth2/v1/authorize?{query}", Authority("login.example.com", 443), (), True, "10.0.0.1", "192.0.2.1")
    assert shows_code_in_page(head) is answer
