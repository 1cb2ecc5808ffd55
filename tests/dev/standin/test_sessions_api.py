"""The Sessions API, every answer held against Okta's own description of it where that lies beside the repository."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from gateway.dev.standin import Engine, Org, RunningOrg
from tests.dev.standin.browser import OrgBrowser, Seen
from tests.dev.standin.conftest import ALICE, BOB, Open, Serve

DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture(scope="module")
def description(shared_folder: Path) -> dict[str, Any]:
    loaded = yaml.safe_load((shared_folder / "okta-sessions-openapi.yaml").read_text())
    assert isinstance(loaded, dict)
    return loaded


def described(description: dict[str, Any], path: str, method: str, seen: Seen) -> None:
    """Fail unless the answer's status and body are what the description says of this operation."""
    responses = description["paths"][path][method]["responses"]
    assert str(seen.status) in responses
    response = responses[str(seen.status)]
    if "$ref" in response:
        response = description["components"]["responses"][response["$ref"].rpartition("/")[2]]
    content = response.get("content") or {}
    if not content:
        assert seen.text == "" or seen.json["errorCode"]
        return
    # The description forbids null; Okta's own answers have `lastFactorVerification: null` (test_recorded_answers.py).
    body = {name: value for name, value in seen.json.items() if value is not None}
    schema = content["application/json"]["schema"] | {"components": description["components"]}
    jsonschema.validate(body, schema, format_checker=jsonschema.FormatChecker())


def entered(running: RunningOrg, browser: OrgBrowser, login: str = ALICE) -> str:
    """Put a live session's cookies into the browser and return its id."""
    session = running.org.sign_in(login)
    browser.cookies |= {"sid": session.sid or ""} | ({"idx": session.idx} if session.idx else {})
    return session.id


@pytest.mark.parametrize("engine", ["classic", "identity"])
async def test_the_current_session_is_as_described(start: Serve, browse: Open, engine: Engine, description: dict[str, Any]) -> None:
    running = await start(Org(engine=engine))
    browser = browse(running)
    entered(running, browser)
    me, refresh = "/api/v1/sessions/me", "/api/v1/sessions/me/lifecycle/refresh"
    described(description, me, "get", await browser.get(me))
    described(description, refresh, "post", await browser.ask("POST", refresh, payload={}))
    described(description, me, "delete", await browser.ask("DELETE", me))
    described(description, me, "get", await browser.get(me))
    described(description, me, "delete", await browser.ask("DELETE", me))
    described(description, refresh, "post", await browser.ask("POST", refresh, payload={}))


async def test_sessions_by_id_are_as_described(start: Serve, browse: Open, description: dict[str, Any]) -> None:
    running = await start(Org())
    browser = browse(running)
    created = await browser.ask("POST", "/api/v1/sessions", payload={"sessionToken": running.org.session_token(ALICE)})
    described(description, "/api/v1/sessions", "post", created)
    key, path = {"Authorization": f"SSWS {running.org.api_token}"}, f"/api/v1/sessions/{created.json['id']}"
    operation = "/api/v1/sessions/{sessionId}"
    described(description, operation, "get", await browser.ask("GET", path, key))
    described(description, operation, "get", await browser.ask("GET", path))
    described(description, operation + "/lifecycle/refresh", "post", await browser.ask("POST", path + "/lifecycle/refresh", key))
    described(description, operation, "delete", await browser.ask("DELETE", path))
    described(description, operation, "delete", await browser.ask("DELETE", path, key))
    described(description, operation, "delete", await browser.ask("DELETE", path, key))
    running.org.limits.per_minute = 0
    described(description, operation, "get", await browser.ask("GET", path, key))


async def test_the_session_object_names_its_user_and_links_to_me(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    session_id = entered(running, browser)
    seen = (await browser.get("/api/v1/sessions/me")).json
    user = running.org.known_user(ALICE)
    assert (seen["id"], seen["userId"], seen["login"], seen["status"]) == (session_id, user.id, ALICE, "ACTIVE")
    assert all(DATE_TIME.fullmatch(seen[name]) for name in ("createdAt", "expiresAt", "lastPasswordVerification"))
    assert seen["idp"] == {"id": running.org.id, "type": "OKTA"}
    assert seen["_links"]["self"]["href"] == f"{running.url}/api/v1/sessions/me"
    assert seen["_links"]["user"]["name"] == "Alice Example"


async def test_no_session_is_error_7(start: Serve, browse: Open) -> None:
    running = await start(Org())
    for method in ("GET", "DELETE"):
        seen = await browse(running).ask(method, "/api/v1/sessions/me")
        assert (seen.status, seen.json["errorCode"], seen.json["errorLink"]) == (404, "E0000007", "E0000007")
        assert seen.json["errorSummary"] == "Not found: Resource not found: me (Session)"
        assert seen.set_cookies[0] == 'sid="";Version=1;Path=/;Max-Age=0'


async def test_closing_ends_the_session_and_blanks_the_cookies(start: Serve, browse: Open) -> None:
    running = await start(Org(engine="identity"))
    browser = browse(running)
    entered(running, browser)
    kept = dict(browser.cookies)
    seen = await browser.ask("DELETE", "/api/v1/sessions/me")
    assert (seen.status, seen.text, browser.cookies) == (204, "", {})
    browser.cookies = kept
    assert await browser.who() is None
    assert running.org.sessions.active() == []


async def test_a_refresh_prolongs_and_can_be_silent(start: Serve, browse: Open) -> None:
    running = await start(Org(session_lifetime_seconds=600))
    browser = browse(running)
    entered(running, browser)
    before = (await browser.get("/api/v1/sessions/me")).json["expiresAt"]
    running.org.clock.advance(300)
    assert (await browser.get("/api/v1/sessions/me")).json["expiresAt"] == before
    silent = await browser.ask("POST", "/api/v1/sessions/me/lifecycle/refresh", {"Prefer": "return=minimal"})
    assert (silent.status, silent.fields["Preference-Applied"]) == (204, "return=minimal")
    assert (await browser.get("/api/v1/sessions/me")).json["expiresAt"] > before
    running.org.clock.advance(601)
    assert await browser.who() is None


async def test_a_created_session_burns_the_token_and_sets_no_cookie(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser, token = browse(running), running.org.session_token(BOB)
    created = await browser.ask("POST", "/api/v1/sessions", payload={"sessionToken": token})
    assert (created.status, created.json["login"]) == (200, BOB)
    assert not any(line.startswith("sid=102") for line in created.set_cookies)
    again = await browser.ask("POST", "/api/v1/sessions", payload={"sessionToken": token})
    assert (again.status, again.json["errorCode"]) == (401, "E0000004")
    wrong = await browser.ask("POST", "/api/v1/sessions", {"Content-Type": "application/json"}, form={"a": "b"})
    assert (wrong.status, wrong.json["errorCode"]) == (400, "E0000003")


@pytest.mark.parametrize(
    ("authorization", "status", "code"),
    [(None, 403, "E0000005"), ("SSWS wrong", 401, "E0000011"), ("Bearer x", 401, "E0000011")],
)
async def test_a_session_by_id_needs_the_api_token(start: Serve, browse: Open, authorization: str | None, status: int, code: str) -> None:
    running = await start(Org())
    session = running.org.sign_in(ALICE)
    seen = await browse(running).ask("GET", f"/api/v1/sessions/{session.id}", {"Authorization": authorization} if authorization else {})
    assert (seen.status, seen.json["errorCode"]) == (status, code)


async def test_a_users_own_cookie_does_not_open_a_session_by_id(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    seen = await browser.get(f"/api/v1/sessions/{entered(running, browser)}")
    assert (seen.status, seen.json["errorCode"]) == (403, "E0000006")


@pytest.mark.parametrize("name", ["id", "sid", "xids"])
async def test_by_id_the_whole_session_is_shown_and_ends(start: Serve, browse: Open, name: str) -> None:
    running = await start(Org(engine="identity"))
    browser, key = browse(running), {"Authorization": f"SSWS {running.org.api_token}"}
    session = running.org.sign_in(ALICE)
    browser.cookies = {"idx": session.idx or ""}
    path = f"/api/v1/sessions/{getattr(session, name)}"
    shown = await browse(running).ask("GET", path, key)
    assert shown.json["_links"]["self"]["href"].endswith(f"/api/v1/sessions/{session.xids}")
    assert shown.json["_links"]["user"]["href"].endswith(f"/api/v1/users/{session.user.id}")
    assert (await browse(running).ask("DELETE", path, key)).status == 204
    assert (await browse(running).ask("GET", path, key)).json["errorSummary"].endswith("(AppSession)")
    assert await browser.who() is None


async def test_the_id_of_a_created_session_is_its_cookie(start: Serve, browse: Open) -> None:
    running = await start(Org(engine="identity"))
    browser = browse(running)
    created = await browser.ask("POST", "/api/v1/sessions", payload={"sessionToken": running.org.session_token(BOB)})
    browser.cookies = {"sid": created.json["id"]}
    assert await browser.who() == BOB
    assert "idx" in browser.cookies  # made by the way


async def test_before_2025_10_only_the_sid_half_ends_by_id(start: Serve, browse: Open) -> None:
    running = await start(Org(engine="identity", quirks={"by-id-ignores-idx"}))
    browser, key = browse(running), {"Authorization": f"SSWS {running.org.api_token}"}
    session_id = entered(running, browser)
    assert (await browser.ask("DELETE", f"/api/v1/sessions/{session_id}", key)).status == 204
    assert (await browser.ask("GET", f"/api/v1/sessions/{session_id}", key)).status == 404
    assert await browser.who() == ALICE


async def test_all_sessions_of_a_user_end_at_once(start: Serve, browse: Open) -> None:
    running = await start(Org(engine="identity", quirks={"by-id-ignores-idx"}))
    one, two, key = browse(running), browse(running), {"Authorization": f"SSWS {running.org.api_token}"}
    entered(running, one)
    entered(running, two)
    entered(running, three := browse(running), BOB)
    assert (await one.ask("POST", "/api/v1/users/me/lifecycle/delete_sessions", payload={"keepCurrent": False})).status == 204
    assert (await one.who(), await two.who()) == (ALICE, ALICE)  # the idx halves live on
    one.cookies.pop("idx")
    assert await one.who() is None
    user = (await two.get("/api/v1/users/me")).json
    assert user["profile"]["login"] == ALICE
    assert (await one.ask("GET", f"/api/v1/users/{user['id']}", key)).json["id"] == user["id"]
    assert (await one.ask("DELETE", f"/api/v1/users/{user['id']}/sessions", key)).status == 204
    assert (await one.who(), await two.who(), await three.who()) == (None, None, BOB)
    dead = await two.get("/api/v1/users/me")
    assert (dead.status, dead.json["errorCode"]) == (403, "E0000005")


@pytest.mark.parametrize(("payload", "who"), [(None, ALICE), ({}, ALICE), ({"keepCurrent": True}, ALICE), ({"keepCurrent": False}, None)])
async def test_delete_sessions_keeps_the_current_one_unless_told_otherwise(
    start: Serve, browse: Open, payload: object, who: str | None
) -> None:
    running = await start(Org())
    one, two, three = browse(running), browse(running), browse(running)
    for browser, login in ((one, ALICE), (two, ALICE), (three, BOB)):
        entered(running, browser, login)
    assert (await one.ask("POST", "/api/v1/users/me/lifecycle/delete_sessions", payload=payload)).status == 204
    assert (await one.who(), await two.who(), await three.who()) == (who, None, BOB)


async def test_delete_sessions_takes_no_api_token(start: Serve, browse: Open) -> None:
    running = await start(Org())
    running.org.sign_in(ALICE)
    key = {"Authorization": f"SSWS {running.org.api_token}"}
    seen = await browse(running).ask("POST", "/api/v1/users/me/lifecycle/delete_sessions", key)
    assert (seen.status, seen.json["errorCode"], len(running.org.sessions.active())) == (403, "E0000005", 1)


@pytest.mark.parametrize("path", ["/api/v1/sessions/{session}", "/api/v1/users/{user}/sessions"])
async def test_an_administrators_own_session_ends_those_of_others(start: Serve, browse: Open, path: str) -> None:
    running = await start(Org())
    browser, other = browse(running), browse(running)
    entered(running, browser)
    target = path.format(session=entered(running, other, BOB), user=running.org.known_user(BOB).id)
    refused = await browser.ask("DELETE", target)
    assert (refused.status, refused.json["errorCode"], await other.who()) == (403, "E0000006", BOB)
    assert (await browser.ask("POST", "/.standin/administrators", payload={"login": ALICE})).status == 204
    assert (await browser.ask("DELETE", target)).status == 204
    assert (await other.who(), await browser.who()) == (None, ALICE)
    assert (await other.ask("DELETE", target)).json["errorCode"] == "E0000005"


async def test_wrong_credentials_wrong_paths_and_wrong_methods_have_their_codes(start: Serve, browse: Open) -> None:
    browser = browse(await start(Org()))
    wrong = await browser.ask("POST", "/api/v1/authn", payload={"username": ALICE, "password": "guess"})
    assert (wrong.status, wrong.json["errorCode"]) == (401, "E0000004")
    assert (await browser.get("/api/v1/nowhere")).json["errorCode"] == "E0000008"
    method = await browser.ask("PUT", "/api/v1/sessions/me", payload={})
    assert (method.status, method.json["errorCode"]) == (405, "E0000022")
