"""What is wrong ends at a page or an answer that says so: users, addresses, tokens, an org that answers in HTML. Seeds 2 to 4."""

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from gateway.dev.standin import Engine
from gateway.dev.standin.accounts import Factor
from tests.harness.person import ALICE, BOB, HR, LOGIN, Person
from tests.harness.system import ME, REDIRECT, system
from tests.seeds.engines import EACH_ENGINE

AUTHN, PASSWORD = f"{LOGIN}/api/v1/authn", "correct-horse"
LINK = "/home/acme_payroll/0oaPayroll/aln1"
OUTSIDE = "https://phisher.example.org/x"


async def authn(person: Person, login: str = ALICE, password: str = PASSWORD) -> dict[str, object]:
    reply = await person.script(AUTHN, "POST", json.dumps({"username": login, "password": password}))
    return {"code": reply.status, **reply.json}


@EACH_ENGINE
async def test_s26_a_locked_user_and_a_wrong_password_are_okta_s_own_answers_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        account = place.org.accounts.of(place.org.known_user(ALICE))
        account.status = "LOCKED_OUT"
        locked = await authn(place.person())
        assert (locked["code"], locked.get("errorCode")) == (401, "E0000004") or locked["status"] == "LOCKED_OUT"
        assert "sessionToken" not in locked
        wrong = await authn(place.person(), BOB, "wrong")
        assert (wrong["code"], wrong["errorCode"]) == (401, "E0000004")


@EACH_ENGINE
async def test_s26_an_expired_password_gives_no_token_before_it_is_changed_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        place.org.accounts.of(place.org.known_user(ALICE)).status = "PASSWORD_EXPIRED"
        told = await authn(place.person())
        assert told["status"] == "PASSWORD_EXPIRED" and "sessionToken" not in told


@EACH_ENGINE
async def test_s26_a_first_factor_is_set_up_before_there_is_a_token_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        place.org.accounts.of(place.org.known_user(ALICE)).must_enroll = True
        person = place.person()
        told: Any = await authn(person)
        assert told["status"] == "MFA_ENROLL" and "sessionToken" not in told
        order = {"stateToken": told["stateToken"], "factorType": "token:software:totp", "provider": "GOOGLE"}
        shown = (await person.script(f"{AUTHN}/factors", "POST", json.dumps(order))).json
        assert shown["status"] == "MFA_ENROLL_ACTIVATE"
        secret = shown["_embedded"]["factor"]["_embedded"]["activation"]["sharedSecret"]
        code = Factor("totp", secret=base64.b32decode(secret + "=" * (-len(secret) % 8))).code(place.org.clock.now())
        activate = shown["_links"]["next"]["href"]
        wrong = await person.script(activate, "POST", json.dumps({"stateToken": told["stateToken"], "passCode": "x"}))
        assert (wrong.status, wrong.json["errorCode"]) == (403, "E0000068")
        done = (await person.script(activate, "POST", json.dumps({"stateToken": told["stateToken"], "passCode": code}))).json
        assert done["status"] == "SUCCESS"
        link = f"{LOGIN}{REDIRECT}?token={done['sessionToken']}&redirectUrl={HR}/"
        assert (await person.go(link)).body == f"hello {ALICE}" and place.session(ALICE).amr == ("pwd", "mfa")
        assert (await authn(place.person()))["status"] == "MFA_REQUIRED"


@pytest.mark.parametrize("where", ["redirectUrl", "fromURI"])
@EACH_ENGINE
async def test_s27_an_address_outside_is_refused_and_leads_nowhere_by_raw_http(engine: Engine, where: str) -> None:
    async with system(engine) as place:
        person = place.person()
        token = place.org.session_token(ALICE)
        if where == "redirectUrl":
            reply = await person.ask(f"{LOGIN}{REDIRECT}?token={token}&redirectUrl={quote(OUTSIDE, safe='')}")
            assert reply.status == 400 and "not a trusted origin" in reply.body
            assert place.org.session_tokens.meaning(token) is not None, "the org refused before it looked at the token"
        else:
            page = await person.ask(f"{LOGIN}/login/login.htm?fromURI={quote(OUTSIDE, safe='')}")
            assert OUTSIDE not in page.body and page.status == 200, "Okta leads home instead"


@EACH_ENGINE
async def test_s50_a_sign_out_never_leads_outside_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        person = await place.entered(ALICE)
        page = await person.go(f"{LOGIN}/login/signout?fromURI={quote(OUTSIDE, safe='')}", site="cross-site")
        assert page.status == 200 and OUTSIDE not in page.body and place.live() == [ALICE]
        ended = await person.go(f"{LOGIN}/.gateway/sign-out", method="POST", site="same-origin", body=f"to={quote(OUTSIDE, safe='')}")
        assert OUTSIDE not in ended.body and place.live() == []


@pytest.mark.parametrize("body", ["<html><h1>We are down for maintenance</h1></html>", ""])
@EACH_ENGINE
async def test_s30_an_org_that_answers_in_html_is_unknown_and_nobody_is_signed_out_by_raw_http(engine: Engine, body: str) -> None:
    async with system(engine) as place:
        alice = await place.entered(ALICE)
        place.later(11)
        place.fails(ME, status=200, times=None, body=body, headers={"Content-Type": "text/html"})
        page = await alice.ask(f"{HR}/")
        assert page.status == 503 and page.values("Retry-After") and "not signed you out" in page.body
        token = place.org.session_token(BOB)
        refused = await alice.ask(f"{LOGIN}{REDIRECT}?token={token}&redirectUrl={HR}/")
        assert refused.status == 503 and place.sent(token) == [], "no proof, no switch; the token is unspent"
        place.org.faults.clear()
        assert place.org.session_tokens.meaning(token) is not None


@EACH_ENGINE
async def test_s30_an_error_in_html_at_a_call_of_a_server_is_passed_on_as_it_is_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        place.fails(ME, method="DELETE", status=404, body="<h1>Not here</h1>", headers={"Content-Type": "text/html"})
        reply = await place.person().ask(f"{LOGIN}{ME}", "DELETE", fields={}, site="")
        assert (reply.status, reply.body) == (404, "<h1>Not here</h1>")


@pytest.mark.parametrize("token", ["undefined", "null", "", "%00", "a" * 5000, "20111%0d%0aSet-Cookie:x"])
@EACH_ENGINE
async def test_s25_a_token_that_is_none_signs_nobody_in_by_raw_http(engine: Engine, token: str) -> None:
    async with system(engine) as place:
        person = await place.entered(ALICE)
        place.journal.unwatched.add(LINK)  # a value that is no token may travel with the session
        reply = await person.ask(f"{LOGIN}{LINK}?sessionToken={token}")
        assert reply.status in (200, 302, 403) and place.live() in ([ALICE], [])
        assert not any(line.startswith("x ") or line == "x" for line in reply.set_cookies), "no line of its own making"
        if token in ("undefined", "null", ""):
            assert place.live() == [ALICE], "scripts send such values for nothing"
