"""Identity Engine's sign-in step by step: for a client, for the org's own page, with factors. With raw HTTP, and with okta-auth-js."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.dev.standin import Client, Org, RunningOrg
from tests.dev.standin.browser import OrgBrowser, Seen
from tests.dev.standin.clients import ASKED, PAGE, SERVER, VERIFIER, posted
from tests.dev.standin.conftest import ALICE, BOB, PASSWORD, Open, Serve
from tests.dev.standin.sign_ins_without_token import enter, logins

_SCRIPT = Path(__file__).with_name("auth_js_idx.cjs")
INTERACTION = {name: value for name, value in ASKED.items() if name != "response_type"}


async def begun(browser: OrgBrowser) -> Any:
    """The first step of the page's sign-in."""
    handle = (await posted(browser, "interact", PAGE, **INTERACTION)).json["interaction_handle"]
    seen = await browser.ask("POST", "/idp/idx/introspect", payload={"interactionHandle": handle})
    assert seen.status == 200, seen.text
    return seen.json


async def step(browser: OrgBrowser, state: Any, path: str, **values: object) -> Seen:
    return await browser.ask("POST", f"/idp/idx/{path}", payload={"stateHandle": state["stateHandle"]} | values)


async def identified(browser: OrgBrowser, state: Any, login: str = BOB, passcode: str = PASSWORD) -> Seen:
    return await step(browser, state, "identify", identifier=login, credentials={"passcode": passcode})


def code_of(seen: Seen) -> str:
    fields = {field["name"]: field.get("value") for field in seen.json["successWithInteractionCode"]["value"]}
    return str(fields["interaction_code"])


async def exchanged(browser: OrgBrowser, code: str, client: Client = PAGE, verifier: str = VERIFIER) -> Seen:
    return await posted(browser, "token", client, grant_type="interaction_code", interaction_code=code, code_verifier=verifier)


def forms(seen: Seen) -> list[str]:
    return [form["name"] for form in seen.json["remediation"]["value"]]


async def test_a_client_gets_a_code_and_the_browser_its_session(start: Serve, browse: Open) -> None:
    running = await start(Org(engine="identity", clients=(PAGE, SERVER)))
    browser = browse(running)
    alice = enter(running, browser, ALICE)
    state = await begun(browser)
    assert (state["app"]["value"]["id"], state["intent"]) == (PAGE.id, "LOGIN")
    first = code_of(await identified(browser, state))
    assert await browser.who() == BOB and not alice.is_over and logins(running) == [ALICE, BOB]
    assert (await exchanged(browser, first, SERVER)).json["error"] == "invalid_grant"  # it is not this client's, and is spent
    assert (await exchanged(browser, first)).json["error"] == "invalid_grant"
    second = code_of(await identified(browser, await begun(browser)))
    assert (await exchanged(browser, second, PAGE, "x" * 43)).json["error_description"] == "PKCE verification failed."
    given = await exchanged(browser, code_of(await identified(browser, await begun(browser))))
    assert given.status == 200 and {"access_token", "id_token", "refresh_token"} <= set(given.json)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [({"code_challenge": ""}, "invalid_request"), ({"redirect_uri": "/"}, "invalid_request"), ({"scope": "x"}, "invalid_scope")],
)
async def test_a_client_that_asks_wrongly_is_told_so(start: Serve, browse: Open, changes: dict[str, str], problem: str) -> None:
    browser = browse(await start(Org(engine="identity", clients=(PAGE, SERVER))))
    refused = await posted(browser, "interact", PAGE, **INTERACTION | changes)
    assert (refused.status, refused.json["error"]) == (400, problem)
    assert (await browser.ask("POST", "/oauth2/default/v1/interact", form=INTERACTION | {"client_id": SERVER.id})).status == 401


async def test_a_wrong_password_and_a_locked_account_stay_at_the_step(start: Serve, browse: Open) -> None:
    running = await start(Org(engine="identity", clients=(PAGE,)))
    browser = browse(running)
    state = await begun(browser)
    wrong = await identified(browser, state, passcode="guess")
    assert (wrong.status, forms(wrong)) == (401, ["identify"])
    assert wrong.json["messages"]["value"][0]["i18n"]["key"] == "errors.E0000004"
    running.org.accounts.of(running.org.known_user(BOB)).status = "LOCKED_OUT"
    assert (await identified(browser, wrong.json)).status == 401
    assert await browser.who() is None


async def test_a_cancelled_sign_in_begins_again_and_its_handle_is_dead(start: Serve, browse: Open) -> None:
    browser = browse(await start(Org(engine="identity", clients=(PAGE,))))
    state = await begun(browser)
    again = await step(browser, state, "cancel")
    assert forms(again) == ["identify"] and again.json["app"]["value"]["id"] == PAGE.id
    for path in ("cancel", "introspect", "challenge/answer", "challenge", "authenticators/poll"):
        dead = await step(browser, state, path)
        assert (dead.status, dead.json["messages"]["value"][0]["i18n"]["key"]) == (401, "idx.session.expired")
    assert "successWithInteractionCode" in (await identified(browser, again.json)).json


async def test_a_factor_is_chosen_and_shown(start: Serve, browse: Open) -> None:
    running = await start(Org(engine="identity", clients=(PAGE,)))
    browser, bob = browse(running), running.org.known_user(BOB)
    code, _ = running.org.accounts.enroll(bob, "totp"), running.org.accounts.enroll(bob, "push")
    state = await identified(browser, await begun(browser))
    assert forms(state) == ["select-authenticator-authenticate"] and await browser.who() is None
    options = state.json["remediation"]["value"][0]["value"][0]["options"]
    ids = {option["label"]: option["value"]["form"]["value"][0]["value"] for option in options}
    pushed = await step(browser, state.json, "challenge", authenticator={"id": ids["Okta Verify"]})
    assert forms(pushed) == ["challenge-poll"]
    assert forms(await step(browser, pushed.json, "authenticators/poll")) == ["challenge-poll"]
    running.org.accounts.answer_push(bob, "REJECTED")
    rejected = await step(browser, pushed.json, "authenticators/poll")
    assert (rejected.status, forms(rejected)) == (401, ["select-authenticator-authenticate"])
    chosen = await step(browser, rejected.json, "challenge", authenticator={"id": ids["Google Authenticator"]})
    assert forms(chosen) == ["challenge-authenticator"]
    wrong = await step(browser, chosen.json, "challenge/answer", credentials={"passcode": "000"})
    assert (wrong.status, forms(wrong)) == (401, ["challenge-authenticator"])
    right = {"passcode": code.code(running.org.clock.now())}
    assert "successWithInteractionCode" in (await step(browser, wrong.json, "challenge/answer", credentials=right)).json
    assert (await browser.get("/api/v1/sessions/me")).json["amr"] == ["pwd", "mfa"]


async def test_a_factor_at_the_orgs_own_page_ends_in_a_redirect(start: Serve, browse: Open) -> None:
    running = await start(Org(engine="identity"))
    script, browser = browse(running), browse(running)
    factor = running.org.accounts.enroll(running.org.known_user(BOB), "totp")
    state = await script.ask("POST", "/idp/idx/identify", payload={"identifier": BOB, "credentials": {"passcode": PASSWORD}})
    assert forms(state) == ["challenge-authenticator"]
    done = await step(script, state.json, "challenge/answer", credentials={"passcode": factor.code(running.org.clock.now())})
    await browser.get(done.json["success"]["href"].removeprefix(running.url))
    me = (await browser.get("/api/v1/sessions/me")).json
    assert (me["login"], me["amr"]) == (BOB, ["pwd", "mfa"])


@pytest.mark.parametrize("path", ["/oauth2/default/v1/interact", "/idp/idx/introspect", "/idp/idx/challenge", "/idp/idx/cancel"])
async def test_classic_engine_has_none_of_it(start: Serve, browse: Open, path: str) -> None:
    seen = await browse(await start(Org())).ask("POST", path, payload={})
    assert (seen.status, seen.json["errorCode"]) == (404, "E0000008")


async def test_auth_js_signs_in_by_its_own_flow(start: Serve, auth_js: Path, node: str) -> None:
    running: RunningOrg = await start(Org(engine="identity", clients=(PAGE,)))
    alice = running.org.known_user(ALICE)
    code, _ = running.org.accounts.enroll(alice, "totp"), running.org.accounts.enroll(alice, "push")
    arguments = (str(_SCRIPT), str(auth_js), running.url, code.secret.hex())
    process = await asyncio.create_subprocess_exec(node, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    out, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, errors.decode()
    assert json.loads(out) == {
        "wrong": ["PENDING", ["errors.E0000004"]],
        "right": ["SUCCESS", BOB, True],
        "asked": ["PENDING", "select-authenticator-authenticate", ["Google Authenticator", "Okta Verify"]],
        "chosen": ["PENDING", "challenge-authenticator", "google_otp"],
        "proven": ["SUCCESS", ALICE],
        "pushed": ["PENDING", "challenge-poll", 4000],
        "waiting": "PENDING",
        "approved": ["SUCCESS", ALICE],
        "cancelled": "CANCELED",
    }
