"""Refresh tokens outlive the Okta session, by design; those of a session that the gateway ended are refused. Seed 4, by raw HTTP."""

import asyncio
import json
import re
from dataclasses import replace

import pytest

from gateway.dev.standin import Client, Engine, fault
from tests.harness.person import ALICE, BOB, LOGIN, Person
from tests.harness.system import System, system
from tests.seeds.engines import EACH_ENGINE
from tests.seeds.rp import ASKED, BACK, FRAME, RP, VERIFIER, authorize, posted, refreshed, subject, tokens


def events(place: System) -> list[str]:
    return [json.loads(line)["event"] for line in place.written.getvalue().splitlines()]


@EACH_ENGINE
async def test_s63_a_refresh_token_needs_no_okta_session_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        place.org.clients.register(RP)
        person = await place.entered(ALICE)
        found = await tokens(place, person)
        place.org.sessions.end(place.session(ALICE))  # its time is over at the org; nobody signed out
        reply = await refreshed(place, found["refresh_token"])
        assert reply.status == 200 and subject(reply.json["id_token"]) == place.org.known_user(ALICE).id


@pytest.mark.parametrize("by", ["switch", "sign_out", "delete_me"])
@pytest.mark.parametrize("rotated", [False, True], ids=["first", "rotated"])
@EACH_ENGINE
async def test_s64_the_refresh_token_of_a_session_that_ended_here_is_refused_by_raw_http(engine: Engine, rotated: bool, by: str) -> None:
    async with system(engine) as place:
        place.org.clients.register(RP)
        person = await place.entered(ALICE)
        token = (await tokens(place, person))["refresh_token"]
        if rotated:
            token = (await refreshed(place, token)).json["refresh_token"]
        match by:
            case "switch":
                await place.enter(person, BOB)
            case "sign_out":
                await person.go(f"{LOGIN}/.gateway/sign-out", method="POST", site="same-origin")
            case _:
                assert (await person.script(f"{LOGIN}/api/v1/sessions/me", "DELETE")).status == 204
        place.org.journal.clear()
        reply = await refreshed(place, token)
        assert (reply.status, reply.json["error"]) == (400, "invalid_grant") and "refresh_token_refused" in events(place)
        assert not any(row.path.endswith("/token") for row in place.org.journal.rows), "it does not reach the org"
        assert token not in place.written.getvalue()
        if by == "switch":
            bobs = (await tokens(place, person))["refresh_token"]
            assert (await refreshed(place, bobs)).status == 200, "bob's own are good"


@pytest.mark.parametrize("path", ["/oauth2/default/v1/%74oken", "/oauth2//default/v1/token/", "/oauth2/default;x/v1/token"])
@EACH_ENGINE
async def test_s64_no_other_spelling_of_the_path_brings_it_to_the_org_by_raw_http(engine: Engine, path: str) -> None:
    async with system(engine) as place:
        place.org.clients.register(RP)
        person = await place.entered(ALICE)
        token = (await tokens(place, person))["refresh_token"]
        await place.enter(person, BOB)
        body = f"grant_type=refresh_token&client_id={RP.id}&refresh_token={token}"
        reply = await place.person().ask(f"{LOGIN}{path}", "POST", fields={"Accept": "application/json"}, site="", body=body)
        assert (reply.status, reply.json["error"]) == (400, "invalid_grant") and "refresh_token_refused" in events(place)


@EACH_ENGINE
async def test_s64_a_code_of_the_first_user_is_refused_after_the_switch_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        place.org.clients.register(RP)
        person = await place.entered(ALICE)
        code = (await person.ask(authorize())).location.partition("code=")[2].partition("&")[0]
        await place.enter(person, BOB)
        body = f"grant_type=authorization_code&client_id={RP.id}&code={code}&redirect_uri={BACK}"
        fields = {"Accept": "application/json", "Origin": "https://rp.example.net"}
        reply = await place.person().ask(f"{LOGIN}/oauth2/default/v1/token", "POST", fields=fields, site="", body=body)
        assert (reply.status, reply.json["error"]) == (400, "invalid_grant")
        assert reply.values("Access-Control-Allow-Origin") == ["https://rp.example.net"], "its page can read why"


@EACH_ENGINE
async def test_s64_a_token_that_was_begun_by_a_session_token_is_known_too_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        place.org.clients.register(RP)
        person = place.person()
        found = await tokens(place, person, sessionToken=place.org.session_token(ALICE))
        await place.enter(person, BOB)
        assert (await refreshed(place, found["refresh_token"])).status == 400


@pytest.mark.parametrize("mode", ["form_post", "okta_post_message"])
@pytest.mark.parametrize("by", ["session", "token"])
@EACH_ENGINE
async def test_s64_a_code_that_a_page_shows_is_known_too_by_raw_http(engine: Engine, by: str, mode: str) -> None:
    async with system(engine) as place:
        place.org.clients.register(RP)
        person = place.person() if by == "token" else await place.entered(ALICE)
        more = {"sessionToken": place.org.session_token(ALICE)} if by == "token" else {}
        page = await person.ask(authorize(response_mode=mode, **more), fields={**FRAME, "Accept-Encoding": "gzip"})
        assert page.status == 200 and page.values("Content-Security-Policy") and not page.values("Content-Encoding")
        assert page.values("Content-Length") == [str(len(page.body.encode()))] and "</html>" in page.body, "whole, as Okta sent it"
        [code] = re.findall(r"""code(?:": |" value=)"([^"]+)\"""", page.body)
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
        token = (await posted(place, "token", **form)).json["refresh_token"]
        await place.enter(person, BOB)
        assert (await refreshed(place, token)).json["error"] == "invalid_grant"


@EACH_ENGINE
async def test_s64_a_code_that_was_on_its_way_during_a_sign_out_is_refused_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        place.org.clients.register(RP)
        person = await place.entered(ALICE)
        held = fault({"path": "/oauth2/default/v1/authorize", "after": True, "hold": True})
        place.org.faults.add(held)
        asked = asyncio.create_task(person.ask(authorize(), shown=dict(person.jar)))
        async with asyncio.timeout(20):
            while not place.rows("GET", "/oauth2/default/v1/authorize"):  # noqa: ASYNC110 - the org tells nobody what it holds
                await asyncio.sleep(0)
        assert (await person.script(f"{LOGIN}/api/v1/sessions/me", "DELETE")).status == 204
        assert held.release is not None
        held.release.set()
        reply = await asked
        if "code=" in reply.location:
            code = reply.location.partition("code=")[2].partition("&")[0]
            form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
            assert (await posted(place, "token", **form)).json["error"] == "invalid_grant"
            assert "refresh_token_refused" in events(place)
        assert place.live() == []


async def signs_in_by_steps(place: System, person: Person, login: str) -> str:
    """Identity Engine's own sign-in, as the widget's page makes it; the refresh token that its client gets."""
    asked = {name: value for name, value in ASKED.items() if name != "response_type"}
    interact = (await posted(place, "interact", **asked)).json["interaction_handle"]
    state = (await person.script(f"{LOGIN}/idp/idx/introspect", "POST", json.dumps({"interactionHandle": interact}))).json
    told = {"stateHandle": state["stateHandle"], "identifier": login, "credentials": {"passcode": "correct-horse"}}
    done = (await person.script(f"{LOGIN}/idp/idx/identify", "POST", json.dumps(told))).json
    [code] = [field["value"] for field in done["successWithInteractionCode"]["value"] if field["name"] == "interaction_code"]
    reply = await posted(place, "token", grant_type="interaction_code", interaction_code=code, code_verifier=VERIFIER)
    assert reply.status == 200, reply
    return str(reply.json["refresh_token"])


async def test_s64_the_widgets_refresh_token_is_refused_after_the_switch_by_raw_http() -> None:
    async with system("identity") as place:
        place.org.clients.register(replace(RP, grant_types=RP.grant_types | {"interaction_code"}))
        person = place.person()
        alices = await signs_in_by_steps(place, person, ALICE)
        assert (await refreshed(place, alices)).status == 200
        alices = await signs_in_by_steps(place, person, ALICE)
        bobs = await signs_in_by_steps(place, person, BOB)
        assert (await refreshed(place, alices)).json["error"] == "invalid_grant" and (await refreshed(place, bobs)).status == 200


async def test_s64_a_refused_token_stays_refused_after_a_restart_by_raw_http(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with system() as place:
        place.text += f'\n[state]\ndirectory = "{tmp_path_factory.mktemp("state")}"\n'
        await place.restart()
        place.org.clients.register(RP)
        person = await place.entered(ALICE)
        token = (await tokens(place, person))["refresh_token"]
        await place.enter(person, BOB)
        await place.restart()
        for hours in (0, 13):
            place.later(hours * 3600)
            assert (await refreshed(place, token)).status == 400, "longer than revocations are remembered"


@EACH_ENGINE
async def test_s61_a_server_keeps_its_refresh_token_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        secret = Client(RP.id, RP.redirect_uris, secret="s3cret", grant_types=RP.grant_types)
        place.org.clients.register(RP)
        person = await place.entered(ALICE)
        first = (await tokens(place, person))["refresh_token"]
        place.org.clients.register(secret)
        body = f"grant_type=refresh_token&client_id={RP.id}&client_secret=s3cret&refresh_token={first}"
        fields = {"Accept": "application/json"}
        reply = await place.person().ask(f"{LOGIN}/oauth2/default/v1/token", "POST", fields=fields, site="", body=body)
        assert reply.status == 200 and reply.json["refresh_token"] == first
