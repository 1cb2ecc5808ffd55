"""Sign-ins that need more than a password: codes, pushes, expired passwords, locks. With raw HTTP, and with okta-auth-js in Node."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.dev.standin import Engine, Org, RunningOrg
from gateway.dev.standin.accounts import MOST_WRONG, Factor
from tests.dev.standin.browser import OrgBrowser, Seen
from tests.dev.standin.conftest import ALICE, BOB, PASSWORD, Open, Serve
from tests.dev.standin.sign_ins_without_token import enter

_SCRIPT = Path(__file__).with_name("auth_js_factors.cjs")
AUTHN = "/api/v1/authn"


async def signed(browser: OrgBrowser, password: str = PASSWORD, **more: object) -> Seen:
    return await browser.ask("POST", AUTHN, payload={"username": ALICE, "password": password} | more)


async def verified(browser: OrgBrowser, state: Any, factor: Factor, **more: object) -> Seen:
    return await browser.ask("POST", f"{AUTHN}/factors/{factor.id}/verify", payload={"stateToken": state["stateToken"]} | more)


def with_factor(running: RunningOrg, kind: str = "totp") -> Factor:
    return running.org.accounts.enroll(running.org.known_user(ALICE), "push" if kind == "push" else "totp")


@pytest.mark.parametrize("engine", ["classic", "identity"])
async def test_a_code_after_the_password_gives_a_token_whose_session_knows_the_factor(start: Serve, browse: Open, engine: Engine) -> None:
    running = await start(Org(engine=engine))
    browser, factor = browse(running), with_factor(running)
    state = (await signed(browser)).json
    assert (state["status"], state["_embedded"]["factors"][0]["factorType"]) == ("MFA_REQUIRED", "token:software:totp")
    assert "sessionToken" not in state and running.org.sessions.active() == []
    done = (await verified(browser, state, factor, passCode=factor.code(running.org.clock.now()))).json
    assert done["status"] == "SUCCESS"
    await browser.get(f"/login/sessionCookieRedirect?token={done['sessionToken']}&redirectUrl=%2Fapp%2FUserHome")
    me = (await browser.get("/api/v1/sessions/me")).json
    assert (me["login"], me["amr"]) == (ALICE, ["pwd", "mfa"]) and me["lastFactorVerification"] is not None
    assert (await verified(browser, state, factor, passCode="000000")).json["errorCode"] == "E0000011"  # the transaction is over


async def test_a_code_is_good_once_and_for_a_minute_and_a_half(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser, factor = browse(running), with_factor(running)
    code = factor.code(running.org.clock.now())
    running.org.clock.advance(30)
    assert (await verified(browser, (await signed(browser)).json, factor, passCode=code)).json["status"] == "SUCCESS"
    again = await verified(browser, (await signed(browser)).json, factor, passCode=code)
    assert (again.status, again.json["errorCode"]) == (403, "E0000068") and again.json["errorCauses"][0]["errorSummary"]
    late = factor.code(running.org.clock.now() + 30)
    running.org.clock.advance(120)
    assert (await verified(browser, (await signed(browser)).json, factor, passCode=late)).status == 403


async def test_ten_wrong_passwords_lock_the_account(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    for _ in range(MOST_WRONG):
        assert (await signed(browser, "guess")).json["errorCode"] == "E0000004"
    locked = await signed(browser)
    assert (locked.status, locked.json["status"]) == (200, "LOCKED_OUT") and "stateToken" not in locked.json
    form = await browser.ask("POST", "/login/login.htm", form={"username": ALICE, "password": PASSWORD})
    assert "Unable to sign in" in form.text and await browser.who() is None
    assert (await browser.ask("POST", "/.standin/accounts", payload={"login": ALICE, "status": "ACTIVE"})).status == 204
    assert (await signed(browser)).json["status"] == "SUCCESS"


async def test_wrong_codes_count_too_and_lock(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser, factor = browse(running), with_factor(running)
    state = (await signed(browser)).json
    codes = [(await verified(browser, state, factor, passCode="x")).json["errorCode"] for _ in range(MOST_WRONG)]
    assert codes == ["E0000068"] * (MOST_WRONG - 1) + ["E0000069"]
    right = await verified(browser, state, factor, passCode=factor.code(running.org.clock.now()))
    assert right.json["errorCode"] == "E0000069"


async def test_a_push_waits_is_sent_again_and_times_out(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser, factor = browse(running), with_factor(running, "push")
    state = (await signed(browser)).json
    asked = (await verified(browser, state, factor)).json
    assert (asked["status"], asked["factorResult"], asked["_links"]["next"]["name"]) == ("MFA_CHALLENGE", "WAITING", "poll")
    assert (await verified(browser, state, factor)).json["factorResult"] == "WAITING"
    assert (await browser.ask("POST", "/.standin/pushes", payload={"login": ALICE, "result": "TIMEOUT"})).status == 204
    assert (await verified(browser, state, factor)).json["factorResult"] == "TIMEOUT"
    again = await browser.ask("POST", f"{AUTHN}/factors/{factor.id}/verify/resend", payload={"stateToken": state["stateToken"]})
    assert again.json["factorResult"] == "WAITING"
    assert (await browser.ask("POST", "/.standin/pushes", payload={"login": ALICE, "result": "SUCCESS"})).status == 204
    assert (await verified(browser, state, factor)).json["status"] == "SUCCESS"


async def test_the_states_can_be_asked_for_left_and_cancelled(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser, factor = browse(running), with_factor(running, "push")
    state = (await signed(browser)).json
    token = {"stateToken": state["stateToken"]}
    assert (await browser.ask("POST", AUTHN, payload=token)).json["status"] == "MFA_REQUIRED"
    await verified(browser, state, factor)
    assert (await browser.ask("POST", AUTHN, payload=token)).json["status"] == "MFA_CHALLENGE"
    assert (await browser.ask("POST", f"{AUTHN}/previous", payload=token)).json["status"] == "MFA_REQUIRED"
    assert (await browser.ask("POST", f"{AUTHN}/cancel", payload=token)).status == 200
    for path in ("", "/previous", "/cancel", f"/factors/{factor.id}/verify", "/credentials/change_password"):
        assert (await browser.ask("POST", AUTHN + path, payload=token)).json["errorCode"] == "E0000011"
    assert (await signed(browser)).json["stateToken"] != state["stateToken"]


async def test_an_expired_password_is_changed_first(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    await browser.ask("POST", "/.standin/accounts", payload={"login": ALICE, "status": "PASSWORD_EXPIRED"})
    state = (await signed(browser)).json
    assert (state["status"], state["_links"]["next"]["name"]) == ("PASSWORD_EXPIRED", "changePassword")
    change, token = f"{AUTHN}/credentials/change_password", state["stateToken"]
    for old, new in (("guess", "battery-staple"), (PASSWORD, "short"), (PASSWORD, PASSWORD)):
        refused = await browser.ask("POST", change, payload={"stateToken": token, "oldPassword": old, "newPassword": new})
        assert (refused.status, refused.json["errorCode"]) == (403, "E0000014")
    done = await browser.ask("POST", change, payload={"stateToken": token, "oldPassword": PASSWORD, "newPassword": "battery-staple"})
    assert done.json["status"] == "SUCCESS"
    assert (await signed(browser)).status == 401
    assert (await signed(browser, "battery-staple")).json["status"] == "SUCCESS"


async def test_a_step_up_asks_for_the_factor_after_the_password(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser, link = browse(running), "/app/payroll/0oa1/sso/saml"
    session = enter(running, browser, ALICE)
    factor = with_factor(running)
    running.org.app_links.require_step_up(link)
    token = (await browser.get(link)).location.rpartition("stateToken=")[2]
    state = (await browser.ask("POST", AUTHN, payload={"stateToken": token, "password": PASSWORD})).json
    assert (state["status"], state["stateToken"]) == ("MFA_REQUIRED", token)
    assert "login.htm" in (await browser.get(f"/login/step-up/redirect?stateToken={token}")).location
    done = (await verified(browser, state, factor, passCode=factor.code(running.org.clock.now()))).json
    assert (done["status"], done["type"]) == ("SUCCESS", "SESSION_STEP_UP")
    assert (await browser.get(f"/login/step-up/redirect?stateToken={token}")).location == link
    assert session.amr == ("pwd", "mfa")


@pytest.mark.parametrize(
    "order", [{"login": ALICE, "status": "GONE"}, {"login": "nobody@example.com", "status": "ACTIVE"}, {"status": "ACTIVE"}]
)
async def test_an_order_that_cannot_be_obeyed_says_so(start: Serve, browse: Open, order: dict[str, str]) -> None:
    seen = await browse(await start(Org())).ask("POST", "/.standin/accounts", payload=order)
    assert seen.status in (400, 404) and seen.json["error"]


async def test_auth_js_goes_through_every_state(start: Serve, auth_js: Path, node: str) -> None:
    running = await start(Org())
    code = with_factor(running)
    with_factor(running, "push")
    running.org.accounts.of(running.org.known_user(BOB)).status = "PASSWORD_EXPIRED"
    arguments = (str(_SCRIPT), str(auth_js), running.url, code.secret.hex())
    process = await asyncio.create_subprocess_exec(node, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    out, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, errors.decode()
    assert json.loads(out) == {
        "asked": ["MFA_REQUIRED", ["token:software:totp", "push"]],
        "wrong": ["E0000068", "Your token doesn't match our records. Please try again."],
        "proven": ["SUCCESS", "20111"],
        "waiting": ["MFA_CHALLENGE", "WAITING"],
        "pushed": "SUCCESS",
        "rejected": ["MFA_CHALLENGE", "REJECTED"],
        "back": "MFA_REQUIRED",
        "expired": ["PASSWORD_EXPIRED", BOB],
        "changed": "SUCCESS",
        "old": "E0000004",
        "fresh": "SUCCESS",
        "locked": "LOCKED_OUT",
    }
