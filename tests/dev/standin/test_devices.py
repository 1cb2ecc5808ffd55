"""The device grant: what a device is told while it waits, and whose tokens it gets."""

import asyncio
import re
from functools import partial
from typing import Any

import pytest
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from gateway.dev.standin import Client, Engine, Org, RunningOrg
from gateway.dev.standin.devices import GRANT_TYPE
from tests.dev.standin.browser import OrgBrowser, Seen
from tests.dev.standin.clients import PAGE, posted
from tests.dev.standin.conftest import ALICE, BOB, Open, Serve
from tests.dev.standin.sign_ins_without_token import enter

TELEVISION = Client("0oaTelevision", grant_types=frozenset({GRANT_TYPE, "refresh_token"}), only_for=frozenset({ALICE}))


async def org(start: Serve, engine: Engine = "classic") -> RunningOrg:
    return await start(Org(engine=engine, clients=[TELEVISION, PAGE]))


async def asks(browser: OrgBrowser, scope: str = "openid profile offline_access") -> Any:
    seen = await posted(browser, "device/authorize", TELEVISION, scope=scope)
    assert seen.status == 200, seen.text
    return seen.json


async def polls(browser: OrgBrowser, code: str) -> Seen:
    return await posted(browser, "token", TELEVISION, grant_type=GRANT_TYPE, device_code=code)


async def error(browser: OrgBrowser, code: str) -> str:
    seen = await polls(browser, code)
    assert seen.status == 400 and seen.json["error_description"]
    return str(seen.json["error"])


def handle(seen: Seen) -> str:
    found = re.search(r'name="stateHandle" value="([^"]+)"', seen.text)
    assert found is not None, seen.text
    return found[1]


@pytest.mark.parametrize("engine", ["classic", "identity"])
async def test_a_device_waits_until_a_signed_in_user_confirms_its_code(start: Serve, browse: Open, engine: Engine) -> None:
    running = await org(start, engine)
    device, browser = browse(running), browse(running)
    told = await asks(device)
    assert re.fullmatch(r"[0-9a-f-]{36}", told["device_code"]) and re.fullmatch(r"[A-Z]{8}", told["user_code"])
    assert told["verification_uri_complete"] == f"{running.url}/activate?user_code={told['user_code']}"
    assert (told["verification_uri"], told["expires_in"], told["interval"]) == (f"{running.url}/activate", 600, 5)
    assert await error(device, told["device_code"]) == "authorization_pending"
    asked = await browser.get(f"/activate?user_code={told['user_code']}")
    assert asked.status == 302 and "user_code" in asked.location, "the sign-in page first, and back"
    enter(running, browser, ALICE)
    shown = await browser.get(f"/activate?user_code={told['user_code']}")
    assert ALICE in shown.text and told["user_code"] in shown.text
    typed = f"{told['user_code'][:4]}-{told['user_code'][4:]}".lower()
    done = await browser.ask("POST", "/activate", form={"stateHandle": handle(shown), "user_code": typed})
    assert "Device activated" in done.text
    tokens = (await polls(device, told["device_code"])).json
    assert {"access_token", "id_token", "refresh_token"} <= set(tokens)
    assert running.org.refresh_tokens.meaning(tokens["refresh_token"]).user.login == ALICE  # type: ignore[union-attr]  # it has just been issued
    assert await error(device, told["device_code"]) == "invalid_grant", "once"


async def test_a_device_that_asks_too_often_has_to_wait_longer_each_time(start: Serve, browse: Open) -> None:
    running = await org(start)
    device = browse(running)
    code, clock = (await asks(device))["device_code"], running.org.clock
    assert await error(device, code) == "authorization_pending"
    assert await error(device, code) == "slow_down"
    clock.advance(6)
    assert await error(device, code) == "slow_down", "ten seconds by now"
    clock.advance(16)
    assert await error(device, code) == "authorization_pending"


async def test_codes_are_good_for_ten_minutes(start: Serve, browse: Open) -> None:
    running = await org(start)
    device, browser = browse(running), browse(running)
    told = await asks(device)
    enter(running, browser, ALICE)
    running.org.clock.advance(601)
    shown = await browser.get("/activate")
    wrong = await browser.ask("POST", "/activate", form={"stateHandle": handle(shown), "user_code": told["user_code"]})
    assert "Invalid code" in wrong.text
    assert await error(device, told["device_code"]) == "expired_token"
    assert await error(device, "made-up") == "invalid_grant"


@pytest.mark.parametrize(("login", "more"), [(ALICE, {"deny": "true"}), (BOB, {})], ids=["refused", "not assigned"])
async def test_a_user_who_refuses_or_may_not_use_the_app_gives_the_device_nothing(
    start: Serve, browse: Open, login: str, more: dict[str, str]
) -> None:
    running = await org(start)
    device, browser = browse(running), browse(running)
    told = await asks(device)
    enter(running, browser, login)
    form = {"stateHandle": handle(await browser.get("/activate")), "user_code": told["user_code"]}
    assert "not activated" in (await browser.ask("POST", "/activate", form=form | more)).text
    assert await error(device, told["device_code"]) == "access_denied"
    again = await browser.ask("POST", "/activate", form={**form, "stateHandle": handle(await browser.get("/activate"))})
    assert "Invalid code" in again.text


async def test_the_page_of_one_session_confirms_nothing_in_another(start: Serve, browse: Open) -> None:
    running = await org(start)
    device, browser = browse(running), browse(running)
    told = await asks(device)
    enter(running, browser, ALICE)
    alices = handle(await browser.get("/activate"))
    enter(running, browser, BOB)
    for given in ({"stateHandle": alices}, {}):
        seen = await browser.ask("POST", "/activate", form={"user_code": told["user_code"]} | given)
        assert (seen.status, seen.location) == (302, "/activate")
    assert await error(device, told["device_code"]) == "authorization_pending"


async def test_only_a_client_with_this_grant_and_known_scopes_may_ask(start: Serve, browse: Open) -> None:
    running = await org(start)
    browser = browse(running)
    for client, scope, problem in ((PAGE, "openid", "unauthorized_client"), (TELEVISION, "payroll", "invalid_scope"), (TELEVISION, "", "")):
        seen = await posted(browser, "device/authorize", client, scope=scope)
        assert seen.status == 400 and problem in seen.json["error"]
    assert (await posted(browser, "device/authorize", Client("0oaNobody"), scope="openid")).status == 401
    told = (await browser.get("/oauth2/default/.well-known/openid-configuration")).json
    assert told["device_authorization_endpoint"] == f"{running.url}/oauth2/default/v1/device/authorize"
    assert GRANT_TYPE in told["grant_types_supported"]


async def test_a_library_that_knows_the_grant_gets_its_tokens(start: Serve, browse: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library is authlib, unchanged."""
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    running = await org(start)
    browser = browse(running)
    told = await asks(browser)
    made: Any = OAuth2Session(TELEVISION.id, token_endpoint_auth_method="none")
    ask = partial(made.fetch_token, f"{running.url}/oauth2/default/v1/token", grant_type=GRANT_TYPE, device_code=told["device_code"])
    with made:
        # The library blocks; the org answers from this very loop.
        with pytest.raises(OAuthError, match="authorization_pending"):
            await asyncio.to_thread(ask, timeout=10)
        enter(running, browser, ALICE)
        shown = await browser.get(f"/activate?user_code={told['user_code']}")
        await browser.ask("POST", "/activate", form={"stateHandle": handle(shown), "user_code": told["user_code"]})
        tokens = await asyncio.to_thread(ask, timeout=10)
    assert running.org.access_tokens.meaning(tokens["access_token"]).user.login == ALICE  # type: ignore[union-attr]  # it has just been issued
