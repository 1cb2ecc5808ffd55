"""The upgrade guide's five calls: each passes, or is answered by `/sessions/me`, and says that Okta recommends against it. Seed 0."""

import json

import pytest

from gateway.dev.standin import Engine
from tests.harness.person import ALICE, BOB, HR, LOGIN, Person, PersonReply
from tests.harness.system import ME, System, system
from tests.seeds.engines import EACH_ENGINE

BY_ID = f"{LOGIN}/api/v1/sessions/"


def is_advised(place: System, reply: PersonReply, call: str) -> bool:
    """RFC 9745's field and link, one log event and with it one metric of its own."""
    told = [json.loads(line)["event"] for line in place.written.getvalue().splitlines()]
    return (
        reply.values("Deprecation") == ["@1689638400"]
        and 'rel="deprecation"' in reply.values("Link")[0]
        and told.count(f"legacy_{call}") == 1
    )


async def enters(place: System, id_of: str) -> tuple[Person, str]:
    """Alice, and the id that a portal holds: of the Session object, or the value of `sid`, which `POST /sessions` calls the id."""
    alice = await place.entered(ALICE)
    session = place.session(ALICE)
    return alice, (session.id if id_of == "session" else session.sid or "")


@pytest.mark.parametrize("id_of", ["session", "cookie"])
@EACH_ENGINE
async def test_s16_reading_ones_own_session_is_answered_by_me_by_raw_http(engine: Engine, id_of: str) -> None:
    async with system(engine, quirks=["by-id-ignores-idx"]) as place:
        alice, name = await enters(place, id_of)
        reply = await alice.script(BY_ID + name)
        assert reply.status == 200 and reply.json["login"] == ALICE and is_advised(place, reply, "session_read")
        assert place.org.journal.rows[-1].path == ME


@pytest.mark.parametrize("id_of", ["session", "cookie"])
@EACH_ENGINE
async def test_s17_refreshing_ones_own_session_is_answered_by_me_by_raw_http(engine: Engine, id_of: str) -> None:
    async with system(engine, quirks=["by-id-ignores-idx"]) as place:
        alice, name = await enters(place, id_of)
        reply = await alice.script(f"{BY_ID}{name}/lifecycle/refresh", "POST", "{}")
        assert reply.status == 200 and is_advised(place, reply, "session_refreshed")
        assert place.org.journal.rows[-1].path == f"{ME}/lifecycle/refresh"


@pytest.mark.parametrize("id_of", ["session", "cookie"])
@EACH_ENGINE
async def test_s18_ending_ones_own_session_ends_both_halves_by_raw_http(engine: Engine, id_of: str) -> None:
    async with system(engine, quirks=["by-id-ignores-idx"]) as place:
        alice, name = await enters(place, id_of)
        reply = await alice.script(BY_ID + name, "DELETE")
        assert reply.status == 204 and is_advised(place, reply, "session_ended")
        assert place.live() == [] and await alice.named_by_app() is None


@EACH_ENGINE
async def test_s18_a_servers_call_is_over_at_once_and_advised_by_raw_http(engine: Engine) -> None:
    async with system(engine, quirks=["by-id-ignores-idx"]) as place:
        alice, name = await enters(place, "cookie")
        key = {"Authorization": f"SSWS {place.org.api_token}"}
        reply = await place.person().ask(BY_ID + name, "DELETE", fields=key, site="")
        assert reply.status == 204 and is_advised(place, reply, "session_ended")
        assert await alice.named_by_app() is None, "at once, on Identity Engine too"


@EACH_ENGINE
async def test_s19_delete_sessions_takes_effect_at_once_and_is_advised_by_raw_http(engine: Engine) -> None:
    async with system(engine, quirks=["by-id-ignores-idx"]) as place:
        here, elsewhere = await place.entered(ALICE), await place.entered(ALICE)
        reply = await here.script(f"{LOGIN}/api/v1/users/me/lifecycle/delete_sessions", "POST", '{"keepCurrent": false}')
        assert reply.status == 204 and is_advised(place, reply, "sessions_deleted")
        assert await here.named_by_app() is None and await elsewhere.named_by_app() is None
        await place.until()


@EACH_ENGINE
async def test_s20_cookie_token_passes_and_is_advised_by_raw_http(engine: Engine) -> None:
    """On Classic Engine the token is worth the cookie, over alice's session too; Identity Engine has none to give."""
    async with system(engine) as place:
        body = json.dumps({"sessionToken": place.org.session_token(BOB)})
        create = f"{LOGIN}/api/v1/sessions?additionalFields=cookieToken"
        program = place.person()
        reply = await program.ask(create, "POST", fields={}, site="", body=body, content_type="application/json")
        assert reply.status == 200 and is_advised(place, reply, "cookie_token")
        assert ("cookieToken" in reply.json) == (engine == "classic")
        if engine == "classic":
            place.people.remove(program)
            person = await place.entered(ALICE)
            link = f"{LOGIN}/login/sessionCookieRedirect?token={reply.json['cookieToken']}&redirectUrl={HR}/"
            assert (await person.go(link)).body == f"hello {BOB}"


@pytest.mark.parametrize(("call", "path"), [("session_read", ""), ("session_refreshed", "/lifecycle/refresh"), ("session_ended", "")])
@EACH_ENGINE
async def test_s21_okta_s_refusal_keeps_its_code_and_names_me_by_raw_http(engine: Engine, call: str, path: str) -> None:
    async with system(engine) as place:
        bob = await place.entered(BOB)
        await place.entered(ALICE)
        method = {"session_read": "GET", "session_refreshed": "POST", "session_ended": "DELETE"}[call]
        reply = await bob.script(f"{BY_ID}{place.session(ALICE).id}{path}", method, "{}" if method == "POST" else "")
        assert (reply.status, reply.json["errorCode"]) == (403, "E0000006") and is_advised(place, reply, call)
        assert "/api/v1/sessions/me" in reply.json["errorCauses"][-1]["errorSummary"]
        assert sorted(place.live()) == [ALICE, BOB]


async def test_s11_a_session_of_post_sessions_becomes_idx_by_itself_by_raw_http() -> None:
    """The id that a server got is a cookie value; a browser that is given it gets an `idx` by itself."""
    async with system("identity") as place:
        body = json.dumps({"sessionToken": place.org.session_token(ALICE)})
        program = place.person()
        reply = await program.ask(f"{LOGIN}/api/v1/sessions", "POST", fields={}, site="", body=body, content_type="application/json")
        person = place.person()
        person.keeps("sid", reply.json["id"])
        answer = await person.script(f"{LOGIN}{ME}")
        assert answer.status == 200 and any(line.startswith("idx=e") for line in answer.set_cookies)
        assert (await person.go(f"{HR}/")).body == f"hello {ALICE}"
