"""Session tokens: how one is got, what it becomes, how often, and who never sees it. Seeds 0 and 2, and the thread's `/authn`."""

import json
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

import pytest

from gateway.dev.standin import Engine
from tests.harness.person import ALICE, BOB, HR, LOGIN, Person
from tests.harness.system import REDIRECT, System, system
from tests.seeds.engines import EACH_ENGINE

AUTHN, PASSWORD = f"{LOGIN}/api/v1/authn", "correct-horse"
ASKED = {"client_id": "0oaRp", "response_type": "code", "scope": "openid", "redirect_uri": f"{HR}/callback", "state": "s"}
FLOWS: Mapping[str, Callable[[str], str]] = {
    "sessionCookieRedirect": lambda token: f"{REDIRECT}?{urlencode({'token': token, 'redirectUrl': HR + '/'})}",
    "authorize": lambda token: f"/oauth2/v1/authorize?{urlencode(ASKED | {'sessionToken': token})}",
    "embed_link": lambda token: f"/home/example_saml/0oa1/1?{urlencode({'sessionToken': token})}",
}


async def tried(person: Person, **body: object) -> dict[str, object]:
    reply = await person.script(AUTHN, "POST", json.dumps(body))
    return {"status_code": reply.status, **reply.json}


@EACH_ENGINE
async def test_s10_a_token_becomes_a_session_in_each_flow_by_raw_http(engine: Engine) -> None:
    for flow in FLOWS.values():
        async with system(engine) as place:
            person = await place.entered(ALICE)
            await person.ask(LOGIN + flow(place.org.session_token(BOB)))
            assert place.live() == [BOB] and (await person.go(f"{HR}/")).body == f"hello {BOB}"
    async with system(engine) as place:
        program = place.person()
        body = json.dumps({"sessionToken": place.org.session_token(BOB)})
        reply = await program.ask(f"{LOGIN}/api/v1/sessions", "POST", body=body, content_type="application/json", fields={}, site="")
        assert reply.status == 200 and reply.json["login"] == BOB and not any("sid=1" in line for line in reply.set_cookies)


@EACH_ENGINE
async def test_s27_three_flows_exchange_a_token_for_a_cookie_by_raw_http(engine: Engine) -> None:
    for flow in FLOWS.values():
        async with system(engine) as place:
            person = place.person()
            token = place.org.session_token(ALICE)
            await person.ask(LOGIN + flow(token))
            assert person.cookie("sid") == place.session(ALICE).sid and len(place.sent(token)) == 1


@EACH_ENGINE
async def test_s24_a_token_works_once_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        alice, token = place.person(), place.org.session_token(ALICE)
        link = f"{LOGIN}{FLOWS['sessionCookieRedirect'](token)}"
        assert (await alice.go(link)).body == f"hello {ALICE}"
        assert (await alice.go(link)).body == f"hello {ALICE}", "her own reload goes on"
        other = place.person()
        other.agent = "Mozilla/5.0 (X11; Linux x86_64) other/1"
        reply = await other.go(link)
        assert reply.status == 409 and "was used already" in reply.body
        assert len(place.sent(token)) == 1


@pytest.mark.parametrize("factor", ["totp", "push"])
@EACH_ENGINE
async def test_s26_a_password_and_then_a_factor_give_a_token_by_raw_http(engine: Engine, factor: str) -> None:
    async with system(engine) as place:
        user, now = place.org.known_user(ALICE), place.org.clock.now()
        enrolled = place.org.accounts.enroll(user, "push" if factor == "push" else "totp")
        person = place.person()
        first = await tried(person, username=ALICE, password=PASSWORD)
        assert first["status"] == "MFA_REQUIRED" and "sessionToken" not in first
        verify = f"{LOGIN}/api/v1/authn/factors/{enrolled.id}/verify"
        body = {"stateToken": first["stateToken"]} | ({"passCode": enrolled.code(now)} if factor == "totp" else {})
        answer = (await person.script(verify, "POST", json.dumps(body))).json
        if factor == "push":
            assert answer["factorResult"] == "WAITING"
            place.org.accounts.answer_push(user, "SUCCESS")
            answer = (await person.script(verify, "POST", json.dumps(body))).json
        assert answer["status"] == "SUCCESS"
        assert (await person.go(f"{LOGIN}{FLOWS['sessionCookieRedirect'](answer['sessionToken'])}")).body == f"hello {ALICE}"
        assert place.session(ALICE).amr == ("pwd", "mfa")


@EACH_ENGINE
async def test_s28_no_token_stands_in_log_page_or_address_of_ours_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        person, token = await place.entered(ALICE), place.org.session_token(BOB)
        page = await person.go(f"{LOGIN}{FLOWS['sessionCookieRedirect'](token)}", site="cross-site")
        assert page.status == 200 and token not in page.body, "the question holds it sealed"
        reply = await person.confirm(page)
        assert reply.body == f"hello {BOB}" and token not in reply.url
        assert token not in place.written.getvalue() and str(place.session(BOB).sid) not in place.written.getvalue()


@EACH_ENGINE
async def test_s35_authn_takes_the_options_of_the_thread_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        options = {"multiOptionalFactorEnroll": True, "warnBeforePasswordExpired": True}
        answer = await tried(place.person(), username=ALICE, password=PASSWORD, options=options)
        assert (answer["status_code"], answer["status"]) == (200, "SUCCESS") and str(answer["sessionToken"]).startswith("20111")
        refused = await tried(place.person(), username=ALICE, password="wrong", options=options)
        assert (refused["status_code"], refused["errorCode"]) == (401, "E0000004")


async def goes_in(place: System, person: Person, login: str) -> str:
    return (await place.enter(person, login)).body


@EACH_ENGINE
async def test_s46_no_session_of_a_minute_is_needed_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        person = place.person()
        for login in (ALICE, BOB, ALICE, BOB):
            assert await goes_in(place, person, login) == f"hello {login}", "one after the other, without a pause"
        assert place.live() == [BOB]
