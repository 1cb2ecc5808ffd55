"""Refresh tokens, introspection and revocation; `max_age` and `login_hint`; the claims about a user."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt

from gateway.dev.standin import Client, Org, RunningOrg
from tests.dev.standin.browser import OrgBrowser, Seen
from tests.dev.standin.clients import PAGE, SERVER, answered, asked, posted, tokens
from tests.dev.standin.conftest import ALICE, BOB, PASSWORD, Open, Serve
from tests.dev.standin.sign_ins_without_token import enter


async def refreshed(browser: OrgBrowser, value: str, client: Client = PAGE, **form: str) -> Seen:
    return await posted(browser, "token", client, grant_type="refresh_token", refresh_token=value, **form)


async def entered(start: Serve, browse: Open) -> tuple[RunningOrg, OrgBrowser]:
    running = await start(Org(clients=(PAGE, SERVER)))
    browser = browse(running)
    enter(running, browser, ALICE)
    return running, browser


async def is_alive(browser: OrgBrowser, token: str, client: Client = PAGE) -> bool:
    return bool((await posted(browser, "introspect", client, token=token)).json["active"])


def subject(running: RunningOrg, given: Any) -> str:
    found = running.org.user(str(jwt.decode(given["id_token"], running.org.signing_key).claims["sub"]))
    assert found is not None
    return found.login


async def test_it_outlives_the_session_and_stays_its_users(start: Serve, browse: Open) -> None:
    running, browser = await entered(start, browse)
    given = await tokens(browser)
    assert (await browser.ask("DELETE", "/api/v1/sessions/me")).status == 204
    enter(running, browser, BOB)
    again = await refreshed(browser, given["refresh_token"])
    assert (again.status, subject(running, again.json)) == (200, ALICE)
    assert "nonce" not in jwt.decode(again.json["id_token"], running.org.signing_key).claims


async def test_none_is_given_without_offline_access(start: Serve, browse: Open) -> None:
    _, browser = await entered(start, browse)
    code = answered(await asked(browser, scope="openid", client_id=SERVER.id))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": "https://rp.example.com/callback"}
    seen = await posted(browser, "token", SERVER, **form, code_verifier="a-verifier-of-more-than-forty-three-characters-long")
    assert seen.status == 200 and "refresh_token" not in seen.json


async def test_a_public_clients_is_rotated_and_a_second_use_ends_the_family(start: Serve, browse: Open) -> None:
    running, browser = await entered(start, browse)
    first = (await tokens(browser))["refresh_token"]
    second = (await refreshed(browser, first)).json
    assert second["refresh_token"] != first
    assert (await refreshed(browser, first)).status == 200  # within the 30 seconds
    running.org.clock.advance(31)
    stolen = await refreshed(browser, first)
    assert (stolen.status, stolen.json["error"]) == (400, "invalid_grant")
    assert (await refreshed(browser, second["refresh_token"])).status == 400
    assert not await is_alive(browser, second["access_token"])


async def test_a_servers_stays_and_ends_when_it_is_not_used_for_a_week(start: Serve, browse: Open) -> None:
    running, browser = await entered(start, browse)
    value = (await tokens(browser, SERVER))["refresh_token"]
    for _ in range(2):
        running.org.clock.advance(6 * 86_400)
        assert (await refreshed(browser, value, SERVER)).json["refresh_token"] == value
    running.org.clock.advance(7 * 86_400 + 1)
    assert (await refreshed(browser, value, SERVER)).status == 400


async def test_scopes_may_become_fewer_and_never_more(start: Serve, browse: Open) -> None:
    _, browser = await entered(start, browse)
    value = (await tokens(browser, SERVER))["refresh_token"]
    assert (await refreshed(browser, value, SERVER, scope="openid")).json["scope"] == "openid"
    assert (await refreshed(browser, value, SERVER, scope="openid groups")).json["error"] == "invalid_scope"
    assert (await refreshed(browser, value, PAGE)).json["error"] == "invalid_grant"  # another client's


@pytest.mark.parametrize(("kind", "lives"), [("access_token", True), ("refresh_token", False)])
async def test_what_a_revocation_ends(start: Serve, browse: Open, kind: str, lives: bool) -> None:
    _, browser = await entered(start, browse)
    given = await tokens(browser)
    assert (await posted(browser, "revoke", SERVER, token=given[kind])).status == 200
    assert await is_alive(browser, given[kind])  # it was another client that asked
    assert (await posted(browser, "revoke", token=given[kind])).status == 200
    assert not await is_alive(browser, given[kind])
    assert await is_alive(browser, given["refresh_token"]) is lives
    assert not await is_alive(browser, given["access_token"])


async def test_the_end_of_a_users_sessions_ends_her_tokens_when_asked(start: Serve, browse: Open) -> None:
    running, browser = await entered(start, browse)
    given = await tokens(browser)
    key, path = {"Authorization": f"SSWS {running.org.api_token}"}, f"/api/v1/users/{running.org.known_user(ALICE).id}/sessions"
    assert (await browser.ask("DELETE", path, key)).status == 204
    assert await is_alive(browser, given["refresh_token"])
    assert (await browser.ask("DELETE", f"{path}?oauthTokens=true", key)).status == 204
    assert not await is_alive(browser, given["refresh_token"]) and not await is_alive(browser, given["access_token"])


async def test_introspection_says_what_a_token_is_to_its_own_client_alone(start: Serve, browse: Open) -> None:
    running, browser = await entered(start, browse)
    given = await tokens(browser)
    told = (await posted(browser, "introspect", token=given["access_token"])).json
    assert (told["active"], told["username"], told["client_id"], told["exp"] - told["iat"]) == (True, ALICE, PAGE.id, 3600)
    assert not await is_alive(browser, given["access_token"], SERVER)
    assert (await posted(browser, "introspect", Client("0oaNobody"), token="x")).status == 401
    assert (await posted(browser, "introspect")).json["error"] == "invalid_request"
    running.org.clock.advance(3601)
    assert not await is_alive(browser, given["access_token"])


async def test_the_claims_about_a_user_follow_the_scopes(start: Serve, browse: Open) -> None:
    running, browser = await entered(start, browse)
    given = await tokens(browser)
    claims = jwt.decode(given["id_token"], running.org.signing_key).claims
    assert (claims["given_name"], claims["locale"], claims["email_verified"]) == ("Alice", "en_US", True)
    access = jwt.decode(given["access_token"], running.org.signing_key).claims
    assert (access["aud"], access["cid"], access["sub"]) == ("api://default", PAGE.id, ALICE)
    user = await browser.ask("GET", "/oauth2/default/v1/userinfo", {"Authorization": f"Bearer {given['access_token']}"})
    assert user.json["zoneinfo"] == "America/Los_Angeles" and "amr" not in user.json
    refused = await browser.ask("GET", "/oauth2/default/v1/userinfo", {"Authorization": "Bearer x"})
    assert refused.status == 401 and 'error="invalid_token"' in refused.fields["WWW-Authenticate"]


async def test_what_may_be_kept_says_so(start: Serve, browse: Open) -> None:
    browser = browse(await start(Org()))
    for path in ("/oauth2/v1/keys", "/oauth2/default/.well-known/openid-configuration"):
        assert (await browser.get(path)).fields["Cache-Control"].startswith("max-age=")
    told = (await browser.get("/.well-known/openid-configuration")).json
    assert {"introspection_endpoint", "registration_endpoint", "claims_supported", "request_parameter_supported"} <= set(told)


async def test_max_age_asks_again_over_an_older_sign_in(start: Serve, browse: Open) -> None:
    running, browser = await entered(start, browse)
    assert "code" in answered(await asked(browser, max_age="60"))
    running.org.clock.advance(61)
    assert answered(await asked(browser, max_age="60", prompt="none"))["error"] == "login_required"
    waits = await asked(browser, max_age="60")
    assert waits.location.startswith("/login/login.htm?fromURI=%2Foauth2%2Fdefault%2Fv1%2Fauthorize%2Fredirect")
    form = {"username": BOB, "password": PASSWORD, "fromURI": parse_qs(urlsplit(waits.location).query)["fromURI"][0]}
    signed = await browser.ask("POST", "/login/login.htm", form=form)
    assert "code" in answered(await browser.get(signed.location))
    assert await browser.who() == BOB


@pytest.mark.parametrize("prompt", [None, "login"])
async def test_a_login_hint_fills_in_the_name(start: Serve, browse: Open, prompt: str | None) -> None:
    browser = browse(await start(Org(clients=(PAGE,))))
    page = await browser.get((await asked(browser, login_hint=BOB, prompt=prompt)).location)
    assert f'value="{BOB}"' in page.text
