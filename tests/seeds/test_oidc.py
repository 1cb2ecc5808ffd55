"""OpenID Connect row by row: the app's tokens, the Okta session, and how each ends. Seed 4, by raw HTTP and authlib."""

import asyncio
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
from authlib.integrations.requests_client import OAuth2Session

from gateway.dev.standin import Client, Engine
from tests.harness.demonstration import Stage
from tests.harness.person import ALICE, BOB, HR, LOGIN, Person
from tests.harness.system import System, system
from tests.seeds.engines import EACH_ENGINE
from tests.seeds.rp import BYE, RP, SERVER, VERIFIER, answered, authorize, posted, refreshed, silently, subject, tokens


async def entered(place: System) -> Person:
    place.org.clients.register(RP)
    return await place.entered(ALICE)


@EACH_ENGINE
async def test_s56_nobody_gets_a_code_before_the_sign_in_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        place.org.clients.register(RP)
        person = place.person()
        reply = await person.ask(authorize())
        assert reply.status == 302 and "/login/login.htm" in reply.location
        page = await person.go(LOGIN + reply.location)
        assert 'id="password"' in page.body and place.live() == []


@EACH_ENGINE
async def test_s57_only_assigned_users_reach_an_app_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        place.org.clients.register(Client(RP.id, RP.redirect_uris, only_for=frozenset({BOB})))
        person = await place.entered(ALICE)
        assert answered(await person.ask(authorize(scope="openid")))["error"] == "access_denied"
        await place.enter(person, BOB)
        assert answered(await person.ask(authorize(scope="openid")))["code"]


@EACH_ENGINE
async def test_s58_the_app_receives_the_tokens_of_its_user_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        person = await entered(place)
        found = await tokens(place, person)
        user = place.org.known_user(ALICE)
        assert subject(found["id_token"]) == user.id and {"access_token", "refresh_token", "expires_in"} <= set(found)
        bearer = {"Authorization": f"Bearer {found['access_token']}"}
        reply = await place.person().ask(f"{LOGIN}{SERVER}/userinfo", fields=bearer, site="")
        assert (reply.status, reply.json["sub"], reply.json["email"]) == (200, user.id, ALICE)


@EACH_ENGINE
async def test_s61_offline_access_gives_a_refresh_token_that_rotates_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        person = await entered(place)
        first = await tokens(place, person)
        second = (await refreshed(place, first["refresh_token"])).json
        assert second["refresh_token"] != first["refresh_token"], "of a client without a secret"
        assert "refresh_token" not in await tokens(place, person, scope="openid")


@EACH_ENGINE
async def test_s62_implicit_hybrid_and_password_grant_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        person = await entered(place)
        implicit = answered(await person.ask(authorize(response_type="id_token token")))
        assert {"id_token", "access_token"} <= set(implicit) and "code" not in implicit
        hybrid = answered(await person.ask(authorize(response_type="code id_token")))
        assert {"id_token", "code"} <= set(hybrid)
        reply = await posted(place, "token", grant_type="password", username=BOB, password="correct-horse", scope="openid")
        assert reply.status == 200 and subject(reply.json["id_token"]) == place.org.known_user(BOB).id
        assert place.live() == [ALICE], "no session comes of a password grant"


@EACH_ENGINE
async def test_s64_a_refresh_token_works_until_it_is_revoked_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        person = await entered(place)
        token = (await tokens(place, person))["refresh_token"]
        token = (await refreshed(place, token)).json["refresh_token"]
        assert (await posted(place, "revoke", token=token, token_type_hint="refresh_token")).status == 200
        reply = await refreshed(place, token)
        assert (reply.status, reply.json["error"]) == (400, "invalid_grant")


@EACH_ENGINE
async def test_s66_renewal_by_redirect_asks_nothing_of_a_living_session_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        person = await entered(place)
        for _ in range(2):
            assert subject((await tokens(place, person))["id_token"]) == place.org.known_user(ALICE).id


@EACH_ENGINE
async def test_s67_without_a_session_there_is_a_prompt_or_login_required_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        place.org.clients.register(RP)
        person = place.person()
        assert (await silently(person))["error"] == "login_required"
        assert "login.htm" in (await person.ask(authorize())).location


@EACH_ENGINE
async def test_s68_after_a_switch_alices_silent_renewal_fails_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        person = await entered(place)
        await tokens(place, person)
        assert "code" in await silently(person)
        await place.enter(person, BOB)
        assert (await silently(person))["error"] == "login_required"
        assert (await person.go(f"{HR}/")).body == f"hello {BOB}" and place.live() == [BOB]


@EACH_ENGINE
async def test_s69_a_sign_out_revokes_both_tokens_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        person = await entered(place)
        found = await tokens(place, person)
        for kind in ("access_token", "refresh_token"):
            assert (await posted(place, "revoke", token=found[kind], token_type_hint=kind)).status == 200
        bearer = {"Authorization": f"Bearer {found['access_token']}"}
        assert (await place.person().ask(f"{LOGIN}{SERVER}/userinfo", fields=bearer, site="")).status == 401
        assert (await refreshed(place, found["refresh_token"])).status == 400
        assert await person.named_by_app() == ALICE, "the Okta session is another thing"


@EACH_ENGINE
async def test_s70_the_end_session_endpoint_ends_ones_own_session_alone_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        person = await entered(place)
        alices = (await tokens(place, person))["id_token"]
        await place.enter(person, BOB)
        out = f"{LOGIN}{SERVER}/logout?post_logout_redirect_uri={BYE}&id_token_hint="
        assert (await person.ask(out + alices)).location == BYE and place.live() == [BOB], "bob stays"
        bobs = (await tokens(place, person))["id_token"]
        assert (await person.ask(out + bobs)).location == BYE
        await place.until()
        assert await person.named_by_app() is None


@pytest.mark.asyncio(loop_scope="session")
@EACH_ENGINE
async def test_s72_authorize_redeems_a_token_by_authlib(stage: Stage, engine: Engine) -> None:
    base = f"http://127.0.0.1:{urlsplit(stage.where.login).port}"
    back = f"{stage.where.app}/callback"
    made: Any = OAuth2Session("0oaProgram", redirect_uri=back, scope="openid", code_challenge_method="S256")
    with made as client:
        client.headers["Host"] = urlsplit(stage.where.login).netloc
        token = stage.org.session_token(ALICE)
        url, _ = client.create_authorization_url(f"{base}{SERVER}/authorize", code_verifier=VERIFIER, sessionToken=token)
        # The library blocks; the gateway answers from this very loop.
        answer = await asyncio.to_thread(partial(client.get, url, allow_redirects=False, withhold_token=True, timeout=10))
    assert answer.status_code == 302 and answer.headers["Location"].startswith(f"{back}?code=")
    assert [session.user.login for session in stage.org.sessions.active()] == [ALICE]
