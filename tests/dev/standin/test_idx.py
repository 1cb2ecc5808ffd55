"""A script's sign-in on Identity Engine, and the state token that completes it in a browser."""

import pytest

from gateway.dev.standin import Org, RunningOrg, fingerprint
from tests.dev.standin.browser import OrgBrowser, Seen
from tests.dev.standin.conftest import ALICE, BOB, PASSWORD, Open, Serve
from tests.dev.standin.sign_ins_without_token import enter, logins, saml_response

IDENTIFY = "/idp/idx/identify"
COMPLETIONS = ["/login/token/redirect", "/idp/idx/login/token/redirect", "/app/UserHome"]


async def identified(browser: OrgBrowser, login: str = BOB, passcode: str = PASSWORD) -> Seen:
    return await browser.ask("POST", IDENTIFY, payload={"identifier": login, "credentials": {"passcode": passcode}})


def completion(running: RunningOrg, seen: Seen) -> str:
    """The path and query of `success.href`."""
    href = seen.json["success"]["href"]
    assert isinstance(href, str) and href.startswith(f"{running.url}/login/token/redirect?stateToken=02.id.")
    return href.removeprefix(running.url)


async def test_identify_sets_both_cookies_on_its_own_answer(start: Serve, browse: Open) -> None:
    running = await start(Org(engine="identity"))
    browser = browse(running)
    seen = await identified(browser)
    assert (seen.status, seen.fields["Content-Type"]) == (200, "application/ion+json; okta-version=1.0.0")
    assert seen.json["user"]["value"] == {"id": running.org.known_user(BOB).id, "identifier": BOB}
    assert {"sid", "idx"} <= set(browser.cookies)
    assert await browser.who() == BOB
    browser.cookies = {"idx": browser.cookies["idx"]}
    assert await browser.who() == BOB


async def test_identify_replaces_alices_cookies_and_her_session_lives_on(start: Serve, browse: Open) -> None:
    running = await start(Org(engine="identity"))
    browser = browse(running)
    alice = enter(running, browser, ALICE)
    old = dict(browser.cookies)
    seen = await identified(browser)
    assert await browser.who() == BOB
    assert (await browser.get(completion(running, seen))).location == "/app/UserHome"
    assert await browser.who() == BOB and logins(running) == [ALICE, BOB]
    browser.cookies = old
    assert await browser.who() == ALICE and not alice.is_over


@pytest.mark.parametrize("path", COMPLETIONS)
async def test_a_browser_without_the_cookies_completes_the_sign_in_once(start: Serve, browse: Open, path: str) -> None:
    running = await start(Org(engine="identity"))
    script, browser, another = browse(running), browse(running), browse(running)
    token = completion(running, await identified(script)).partition("stateToken=")[2]
    assert (await browser.get(f"{path}?stateToken={token}")).status in (200, 302)
    assert {"sid", "idx"} <= set(browser.cookies) and await browser.who() == BOB
    assert "login.htm" in (await another.get(f"{path}?stateToken={token}")).location
    assert await another.who() is None


@pytest.mark.parametrize("path", COMPLETIONS)
async def test_the_browser_that_has_the_cookies_spends_the_token_too(start: Serve, browse: Open, path: str) -> None:
    running = await start(Org(engine="identity"))
    browser, another = browse(running), browse(running)
    token = completion(running, await identified(browser)).partition("stateToken=")[2]
    await browser.get(f"{path}?stateToken={token}")
    assert logins(running) == [BOB]
    await another.get(f"{path}?stateToken={token}")
    assert await another.who() is None


@pytest.mark.parametrize(("seconds", "who"), [(299, BOB), (301, None)])
async def test_a_state_token_lives_for_five_minutes(start: Serve, browse: Open, seconds: int, who: str | None) -> None:
    running = await start(Org(engine="identity"))
    script, browser = browse(running), browse(running)
    link = completion(running, await identified(script))
    running.org.clock.advance(seconds)
    await browser.get(link)
    assert await browser.who() == who


async def test_an_external_provider_can_lead_to_the_completion(start: Serve, browse: Open) -> None:
    running = await start(Org(engine="identity"))
    browser, script = browse(running), browse(running)
    link = completion(running, await identified(script, ALICE))
    enter(running, browser, ALICE)
    seen = await browser.ask("POST", "/sso/saml2/0oaidp", form={"SAMLResponse": saml_response(ALICE), "RelayState": link})
    assert seen.location == link
    assert (await browser.get(seen.location)).location == "/app/UserHome"
    assert await browser.who() == ALICE


@pytest.mark.parametrize(("login", "passcode"), [(BOB, "guess"), ("nobody@example.com", PASSWORD)])
async def test_a_wrong_passcode_is_a_message_and_no_session(start: Serve, browse: Open, login: str, passcode: str) -> None:
    running = await start(Org(engine="identity"))
    browser = browse(running)
    enter(running, browser, ALICE)
    seen = await identified(browser, login, passcode)
    assert seen.status == 401 and seen.json["messages"]["value"][0]["i18n"]["key"] == "errors.E0000004"
    assert (await browser.who(), logins(running)) == (ALICE, [ALICE])


@pytest.mark.parametrize("payload", [None, [], {}, {"identifier": BOB}, {"identifier": 1, "credentials": {"passcode": "x"}}])
async def test_a_malformed_identify_is_error_3(start: Serve, browse: Open, payload: object) -> None:
    seen = await browse(await start(Org(engine="identity"))).ask("POST", IDENTIFY, payload=payload)
    assert (seen.status, seen.json["errorCode"]) == (400, "E0000003")


async def test_classic_has_no_identify_and_its_authn_sets_no_session(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    assert (await identified(browser)).json["errorCode"] == "E0000008"
    seen = await browser.ask("POST", "/api/v1/authn", payload={"username": BOB, "password": PASSWORD})
    assert seen.json["status"] == "SUCCESS" and logins(running) == []
    assert not any(line.startswith(("sid=102", "idx=")) for line in seen.set_cookies)


async def test_the_journal_names_the_token_of_the_completion_alone(start: Serve, browse: Open) -> None:
    running = await start(Org(engine="identity"))
    browser = browse(running)
    link = completion(running, await identified(browser))
    await browser.get(link)
    rows = [row.as_json() for row in running.org.journal.rows]
    assert [(row["method"], row["path"], row["status"], row["token"]) for row in rows] == [
        ("POST", IDENTIFY, 200, None),
        ("GET", "/login/token/redirect", 302, fingerprint(link.partition("stateToken=")[2])),
    ]
    assert BOB not in str(rows) and PASSWORD not in str(rows)


async def test_a_page_of_a_trusted_origin_may_read_the_answer(start: Serve, browse: Open) -> None:
    running = await start(Org(engine="identity", trusted_origins=["https://hr.example.com"]))
    payload = {"identifier": BOB, "credentials": {"passcode": PASSWORD}}
    seen = await browse(running).ask("POST", IDENTIFY, {"Origin": "https://hr.example.com"}, payload=payload)
    assert seen.fields["Access-Control-Allow-Origin"] == "https://hr.example.com"
    assert seen.fields["Access-Control-Allow-Credentials"] == "true"
