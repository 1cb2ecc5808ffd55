"""A program signs users in with a public OAuth client library (authlib, unchanged) by plain HTTP, through the gateway.

It sends what such a library sends: no Fetch Metadata, no cookie, no Accept-Language. It gets its code in the first answer.
"""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import pytest
from authlib.integrations.requests_client import OAuth2Session

from tests.browser.visitor import ALICE, BOB, PASSWORD, redemptions
from tests.harness.demonstration import Stage, Stages

REDIRECT_URI = "http://app.example.localhost/callback"
VERIFIER = "v" * 64
_SECONDS = 10


def _client(stage: Stage) -> Any:
    """The library's client; the gateway is reached by address, since not every resolver knows `*.localhost`."""
    client = OAuth2Session(
        "0oaProgram", redirect_uri=REDIRECT_URI, scope="openid profile", token_endpoint_auth_method="none", code_challenge_method="S256"
    )
    client.headers["Host"] = urlsplit(stage.where.login).netloc
    return client


def _signed_in(stage: Stage, login: str, *, pushes: bool = False) -> tuple[str, dict[str, Any]]:
    """The session token that was redeemed, and whom the access token is about."""
    base = f"http://127.0.0.1:{urlsplit(stage.where.login).port}"
    authorize = f"{base}/oauth2/default/v1/authorize"
    with _client(stage) as client:
        primary = client.post(f"{base}/api/v1/authn", json={"username": login, "password": PASSWORD}, withhold_token=True, timeout=_SECONDS)
        token = primary.json()["sessionToken"]
        url, state = client.create_authorization_url(authorize, code_verifier=VERIFIER, sessionToken=token)
        assert "code_challenge_method=S256" in url
        if pushes:
            asked = urlsplit(url).query
            pushed = client.post(
                f"{base}/oauth2/default/v1/par",
                data=asked,
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                withhold_token=True,
                timeout=_SECONDS,
            )
            assert pushed.status_code == 201
            url = f"{authorize}?client_id=0oaProgram&request_uri={pushed.json()['request_uri']}"
        answer = client.get(url, allow_redirects=False, withhold_token=True, timeout=_SECONDS)
        assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (302, REDIRECT_URI)
        client.fetch_token(
            f"{base}/oauth2/default/v1/token",
            authorization_response=answer.headers["Location"],
            state=state,
            code_verifier=VERIFIER,
            timeout=_SECONDS,
        )
        return token, client.get(f"{base}/oauth2/default/v1/userinfo", timeout=_SECONDS).json()


@pytest.fixture(params=["classic", "identity"])
async def stage(request: pytest.FixtureRequest, start: Stages) -> Stage:
    """The usual arrangement on each engine; the org knows the program's redirect address."""
    made = await start(engine=request.param)
    made.org.trusted_origins.add(REDIRECT_URI.rpartition("/")[0])
    return made


@pytest.mark.parametrize("pushes", [False, True], ids=["by_query", "pushed"])
async def test_x13_a_library_signs_in_alice_then_bob_without_a_question_and_without_a_bounce(stage: Stage, pushes: bool) -> None:
    for login in (ALICE, BOB):
        token, about = await asyncio.to_thread(_signed_in, stage, login, pushes=pushes)
        user = stage.org.known_user(login)
        assert (about["sub"], about["name"], about["preferred_username"]) == (user.id, user.name, login)
        assert [row.path for row in redemptions(stage, token) if not row.path.endswith("/par")] == ["/oauth2/default/v1/authorize"]
    assert {line.get("verdict") for line in stage.lines if line.get("route") == "org"} <= {"redeemed", "forwarded"}


async def test_x13_many_programs_at_one_address_at_once_each_get_their_own_user(stage: Stage) -> None:
    logins = [ALICE, BOB] * 6
    async with asyncio.timeout(30):
        signed_in = await asyncio.gather(*(asyncio.to_thread(_signed_in, stage, login) for login in logins))
    assert [about["preferred_username"] for _, about in signed_in] == logins
