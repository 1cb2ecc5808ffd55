"""The Sessions API of seed 2: its answers, its objects, its scopes; and servers that call it by id through the gateway."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.dev.standin import Client, Engine
from tests.browser.visitor import ALICE, BOB
from tests.harness.demonstration import Stage
from tests.harness.person import LOGIN
from tests.harness.system import ME, system
from tests.seeds.engines import EACH_ENGINE
from tests.seeds.node import Node

FACTS = {
    "id": str,
    "userId": str,
    "login": str,
    "status": str,
    "createdAt": str,
    "expiresAt": str,
    "lastPasswordVerification": str,
    "amr": list,
    "_links": dict,
}


@EACH_ENGINE
async def test_s29_a_program_with_the_scope_acts_by_id_and_one_without_does_not_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        scopes = frozenset({"okta.sessions.read", "okta.sessions.manage"})
        place.org.clients.register(Client("0oaProgram", secret="s3cret", grant_types=frozenset({"client_credentials"}), scopes=scopes))
        alice, program = await place.entered(ALICE), place.person()
        form = "grant_type=client_credentials&client_id=0oaProgram&client_secret=s3cret&scope=okta.sessions."
        target = f"{LOGIN}/api/v1/sessions/{place.session(ALICE).id}"
        token = {}
        for right in ("read", "manage"):
            reply = await program.ask(f"{LOGIN}/oauth2/v1/token", "POST", body=form + right, fields={}, site="")
            assert reply.status == 200, reply.body
            token[right] = {"Authorization": f"Bearer {reply.json['access_token']}"}
        assert (await program.ask(target, fields=token["read"], site="")).status == 200
        assert (await program.ask(target, "DELETE", fields=token["read"], site="")).status == 403
        assert await alice.named_by_app() == ALICE
        assert (await program.ask(target, "DELETE", fields=token["manage"], site="")).status == 204
        assert await alice.named_by_app() is None and place.live() == []


@EACH_ENGINE
async def test_s30_each_documented_answer_comes_back_unchanged_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        await place.entered(ALICE)
        key, program = {"Authorization": f"SSWS {place.org.api_token}"}, place.person()
        by_id = f"{LOGIN}/api/v1/sessions/"
        assert (await program.ask(by_id + place.session(ALICE).id, fields=key, site="")).status == 200
        reply = await place.person().ask(f"{LOGIN}/api/v1/sessions", "POST", body="{", content_type="application/json", fields={}, site="")
        assert (reply.status, reply.json.get("errorCode")) == (400, "E0000003"), reply
        reply = await (await place.entered(BOB)).script(by_id + place.session(ALICE).id)
        assert (reply.status, reply.json["errorCode"]) == (403, "E0000006")
        reply = await program.ask(by_id + "102unknown", fields=key, site="")
        assert (reply.status, reply.json["errorCode"]) == (404, "E0000007") and "102unknown (AppSession)" in reply.json["errorSummary"]
        place.org.limits.per_minute = 0
        reply = await program.ask(by_id + place.session(ALICE).id, fields=key, site="")
        assert (reply.status, reply.json["errorCode"]) == (429, "E0000047") and reply.values("X-Rate-Limit-Reset")


@EACH_ENGINE
async def test_s31_the_session_object_has_the_documented_members_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        alice = await place.entered(ALICE)
        found = (await alice.script(f"{LOGIN}{ME}")).json
        assert {name: type(found[name]) for name in FACTS} == FACTS
        assert found["status"] == "ACTIVE" and found["amr"] == ["pwd"] and found["lastFactorVerification"] is None
        assert all(datetime.fromisoformat(found[name]).tzinfo for name in ("createdAt", "expiresAt"))
        assert {"self", "refresh", "user"} <= set(found["_links"])


@EACH_ENGINE
async def test_s32_the_error_object_has_five_members_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        bob = await place.entered(BOB)
        await place.entered(ALICE)
        error = (await bob.script(f"{LOGIN}/api/v1/sessions/{place.session(ALICE).id}", "DELETE")).json
        assert set(error) == {"errorCode", "errorSummary", "errorLink", "errorId", "errorCauses"}
        assert (error["errorCode"], error["errorLink"]) == ("E0000006", "E0000006")


@EACH_ENGINE
async def test_s34_a_refresh_moves_the_end_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        alice = await place.entered(ALICE)
        before = (await alice.script(f"{LOGIN}{ME}")).json["expiresAt"]
        place.later(600)
        after = (await alice.script(f"{LOGIN}{ME}/lifecycle/refresh", "POST", "{}")).json["expiresAt"]
        assert datetime.fromisoformat(after) > datetime.fromisoformat(before)


@pytest.fixture
def python_client(okta_client: Callable[[str, str], Any], stage: Stage) -> Any:
    """PyPI's client; it reaches the gateway by address, since not every resolver knows `*.localhost`."""
    where = urlsplit(stage.where.login)
    client = okta_client(f"http://127.0.0.1:{where.port}", stage.org.api_token)
    client.set_custom_headers({"Host": where.netloc})
    return client


@pytest.mark.asyncio(loop_scope="session")
@EACH_ENGINE
async def test_s33_revoking_answers_204_and_is_over_at_once_by_okta_of_pypi(stage: Stage, engine: Engine, python_client: Any) -> None:
    session = stage.org.sign_in(ALICE)
    _, answer, problem = await python_client.revoke_session(session.id)
    assert problem is None and answer.status_code == 204 and session.is_over
    *_, problem = await python_client.get_session(session.id)
    assert "E0000007" in str(problem)


@pytest.mark.asyncio(loop_scope="session")
@EACH_ENGINE
async def test_s73_a_server_reads_and_refreshes_by_id_by_okta_of_pypi(stage: Stage, engine: Engine, python_client: Any) -> None:
    session = stage.org.sign_in(ALICE)
    found, _, problem = await python_client.get_session(session.id)
    assert problem is None and found.login == ALICE
    stage.org.clock.advance(600)
    refreshed, _, problem = await python_client.refresh_session(session.id)
    assert problem is None and refreshed.expires_at > found.expires_at


@pytest.mark.asyncio(loop_scope="session")
@EACH_ENGINE
async def test_s73_a_server_reads_refreshes_and_ends_by_id_by_okta_sdk_nodejs(stage: Stage, node: Node, engine: Engine) -> None:
    session = stage.org.sign_in(ALICE)
    told = await node.ask("sessions_sdk.cjs", org=stage.where.login, token=stage.org.api_token, id=session.id)
    assert told == {"login": ALICE, "status": "ACTIVE", "refreshed": ALICE, "after": 404} and session.is_over
