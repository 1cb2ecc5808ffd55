"""OpenID Connect: codes, tokens, silent answers, and a sign-out that is bound to its subject."""

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet

from gateway.dev.standin import Engine, Org, RunningOrg
from tests.dev.standin.browser import OrgBrowser
from tests.dev.standin.conftest import ALICE, BOB, Open, Serve
from tests.dev.standin.sign_ins_without_token import enter, logins

VERIFIER = "a-verifier-of-more-than-forty-three-characters-long"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASKED = "client_id=0oa1&redirect_uri=%2Fcallback&scope=openid%20profile%20email&state=s1&nonce=n1&code_challenge_method=S256"
AUTHORIZE = f"/oauth2/default/v1/authorize?{ASKED}&response_type=code&code_challenge={CHALLENGE}"


def entered(running: RunningOrg, browser: OrgBrowser, login: str = ALICE) -> None:
    browser.cookies = {"sid": running.org.sign_in(login).sid or ""}


async def code(browser: OrgBrowser) -> str:
    """Authorize with the session that is there and return the code."""
    seen = await browser.get(AUTHORIZE)
    query = parse_qs(urlsplit(seen.location).query)
    assert query["state"] == ["s1"]
    return query["code"][0]


async def exchanged(browser: OrgBrowser, **changes: str) -> Any:
    form = {"grant_type": "authorization_code", "redirect_uri": "/callback", "code_verifier": VERIFIER} | changes
    return (await browser.ask("POST", "/oauth2/default/v1/token", form=form)).json


async def test_a_code_becomes_signed_tokens_once(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    entered(running, browser)
    given = await code(browser)
    tokens = await exchanged(browser, code=given)
    keys = KeySet.import_key_set((await browser.get("/oauth2/default/v1/keys")).json)
    claims = jwt.decode(tokens["id_token"], keys).claims
    assert claims["iss"] == f"{running.url}/oauth2/default"
    assert (claims["aud"], claims["nonce"], claims["email"]) == ("0oa1", "n1", ALICE)
    assert claims["sub"] == running.org.known_user(ALICE).id
    user = await browser.ask("GET", "/oauth2/default/v1/userinfo", {"Authorization": f"Bearer {tokens['access_token']}"})
    assert user.json["preferred_username"] == ALICE
    assert (await exchanged(browser, code=given))["error"] == "invalid_grant"
    with pytest.raises(BadSignatureError):
        jwt.decode(tokens["id_token"], Org().signing_key)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"code_verifier": "another"}, "invalid_grant"),
        ({"redirect_uri": "/elsewhere"}, "invalid_grant"),
        ({"code": "made-up"}, "invalid_grant"),
        ({"grant_type": "password"}, "invalid_grant"),
        ({"grant_type": "urn:unknown"}, "unsupported_grant_type"),
    ],
)
async def test_a_code_is_bound_to_its_request(start: Serve, browse: Open, changes: dict[str, str], refusal: str) -> None:
    running = await start(Org())
    browser = browse(running)
    entered(running, browser)
    assert (await exchanged(browser, **({"code": await code(browser)} | changes)))["error"] == refusal


async def test_without_a_session_authorize_asks_to_sign_in_or_says_so(start: Serve, browse: Open) -> None:
    browser = browse(await start(Org()))
    asked = await browser.get(AUTHORIZE + "&sessionToken=dead")
    target = parse_qs(urlsplit(asked.location).query)["fromURI"][0]
    assert target.startswith("/oauth2/default/v1/authorize?client_id=0oa1") and "sessionToken" not in target
    silent = await browser.get(AUTHORIZE + "&prompt=none")
    assert "error=login_required" in silent.location and "state=s1" in silent.location


@pytest.mark.parametrize(
    ("mode", "part"),
    [("okta_post_message", "(window.opener || window.parent).postMessage({"), ("form_post", '<form method="post" action="/callback">')],
)
async def test_a_page_delivers_the_answer_where_asked(start: Serve, browse: Open, mode: str, part: str) -> None:
    running = await start(Org())
    browser = browse(running)
    entered(running, browser)
    seen = await browser.get(f"{AUTHORIZE}&response_mode={mode}")
    assert seen.status == 200 and part in seen.text


async def test_tokens_come_in_the_fragment(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    entered(running, browser)
    seen = await browser.get(f"/oauth2/v1/authorize?{ASKED}&response_type=id_token%20token")
    values = parse_qs(urlsplit(seen.location).fragment)
    assert {"id_token", "access_token", "token_type", "state"} <= set(values)


@pytest.mark.parametrize(
    "query", ["client_id=0oa1&redirect_uri=https%3A%2F%2Fevil.example%2F", "redirect_uri=%2Fcallback", "request_uri=urn:x"]
)
async def test_an_invalid_client_gets_an_error_page_and_nothing_happens(start: Serve, browse: Open, query: str) -> None:
    running = await start(Org())
    token = running.org.session_token(BOB)
    seen = await browse(running).get(f"/oauth2/v1/authorize?{query}&sessionToken={token}")
    assert seen.status == 400
    assert running.org.session_tokens.meaning(token) is not None


async def test_sign_out_is_bound_to_its_subject(start: Serve, browse: Open) -> None:
    running = await start(Org(trusted_origins=["https://hr.example.com"]))
    browser = browse(running)
    entered(running, browser)
    hint = (await exchanged(browser, code=await code(browser)))["id_token"]
    logout = f"/oauth2/default/v1/logout?id_token_hint={hint}&state=x&post_logout_redirect_uri=https%3A%2F%2Fhr.example.com%2Fbye"
    entered(running, browser, BOB)
    refused = await browser.get(logout)
    assert refused.status == 400 and "id_token_does_not_match_session" in refused.text
    assert await browser.who() == BOB
    entered(running, browser)
    running.org.clock.advance(4000)
    done = await browser.get(logout)
    assert (done.status, done.location) == (302, "https://hr.example.com/bye?state=x")
    assert browser.cookies == {}
    assert (await browser.get(logout)).location == "https://hr.example.com/bye?state=x"
    assert (await browser.get("/oauth2/default/v1/logout?id_token_hint=forged")).status == 400
    assert (await browser.get("/oauth2/default/v1/logout")).status == 400


@pytest.mark.parametrize("engine", ["classic", "identity"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_another_subjects_hint_leaves_session_and_cookies_alone(start: Serve, browse: Open, engine: Engine, method: str) -> None:
    running = await start(Org(engine=engine))
    browser = browse(running)
    enter(running, browser, ALICE)
    hint = (await exchanged(browser, code=await code(browser)))["id_token"]
    bob = enter(running, browser, BOB)
    kept = dict(browser.cookies)
    if method == "GET":
        refused = await browser.get(f"/oauth2/default/v1/logout?id_token_hint={hint}")
    else:
        refused = await browser.ask("POST", "/oauth2/default/v1/logout", form={"id_token_hint": hint})
    assert (refused.status, browser.cookies, bob.is_over) == (400, kept, False)
    assert await browser.who() == BOB and logins(running) == [ALICE, BOB]


async def test_discovery_names_the_endpoints_of_each_issuer(start: Serve, browse: Open) -> None:
    running = await start(Org(engine="identity"))
    browser = browse(running)
    custom = (await browser.get("/oauth2/default/.well-known/openid-configuration")).json
    org = (await browser.get("/.well-known/openid-configuration")).json
    assert custom["issuer"] == f"{running.url}/oauth2/default"
    assert custom["token_endpoint"] == f"{running.url}/oauth2/default/v1/token"
    assert (org["issuer"], org["jwks_uri"]) == (running.url, f"{running.url}/oauth2/v1/keys")
    assert (await browser.get("/.well-known/okta-organization")).json["pipeline"] == "idx"


async def test_a_revoked_access_token_is_dead(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    entered(running, browser)
    access = (await exchanged(browser, code=await code(browser)))["access_token"]
    assert (await browser.ask("POST", "/oauth2/default/v1/revoke", form={"token": access})).status == 200
    assert (await browser.ask("GET", "/oauth2/default/v1/userinfo", {"Authorization": f"Bearer {access}"})).status == 401
