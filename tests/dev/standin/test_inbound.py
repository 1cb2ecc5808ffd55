"""Sign-ins by an external identity provider: they begin a session whatever session the browser has."""

import base64
import time
from collections.abc import Awaitable, Callable

import pytest

from gateway.dev.standin import Engine, Org
from gateway.dev.standin.inbound import asserted_login
from tests.dev.standin.browser import OrgBrowser, Seen
from tests.dev.standin.conftest import ALICE, BOB, Open, Serve
from tests.dev.standin.sign_ins_without_token import enter, logins, saml_response

ENGINES = ["classic", "identity"]
Answer = Callable[[OrgBrowser, str, str], Awaitable[Seen]]


async def by_saml(browser: OrgBrowser, login: str, target: str) -> Seen:
    return await browser.ask("POST", "/sso/saml2/0oaidp", form={"SAMLResponse": saml_response(login), "RelayState": target})


async def by_oidc(browser: OrgBrowser, login: str, target: str) -> Seen:
    return await browser.get(f"/oauth2/v1/authorize/callback?code={login}&state={target}")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("answer", [by_saml, by_oidc])
async def test_the_answer_for_bob_replaces_alices_cookies_and_leaves_her_session_alive(
    start: Serve, browse: Open, engine: Engine, answer: Answer
) -> None:
    running = await start(Org(engine=engine))
    browser = browse(running)
    alice = enter(running, browser, ALICE)
    old = dict(browser.cookies)
    seen = await answer(browser, BOB, "/app/hr/0oa1/sso/saml")
    assert (seen.status, seen.location) == (302, "/app/hr/0oa1/sso/saml")
    names = {line.partition("=")[0] for line in seen.set_cookies if "Max-Age=0" not in line}
    assert names >= ({"sid", "idx"} if engine == "identity" else {"sid"})
    assert await browser.who() == BOB
    assert not alice.is_over and logins(running) == [ALICE, BOB]
    browser.cookies = old
    assert await browser.who() == ALICE


@pytest.mark.parametrize("engine", ENGINES)
async def test_the_answer_signs_in_a_browser_without_cookies(start: Serve, browse: Open, engine: Engine) -> None:
    running = await start(Org(engine=engine))
    browser = browse(running)
    seen = await browser.ask("POST", "/sso/saml2/0oaidp", form={"SAMLResponse": saml_response(BOB)})
    assert seen.location == "/app/UserHome"
    me = (await browser.get("/api/v1/sessions/me")).json
    assert me["login"] == BOB
    assert me.get("idp") == ({"id": "0oaidp", "type": "FEDERATION"} if engine == "classic" else None)


@pytest.mark.parametrize(
    ("relay_state", "place"),
    [
        ("/app/a/b/c?x=1", "/app/a/b/c?x=1"),
        ("{org}/app/a/b/c", "{org}/app/a/b/c"),
        ("https://evil.example/", "/app/UserHome"),
        ("//evil.example", "/app/UserHome"),
        ("opaque-state", "/app/UserHome"),
        ("", "/app/UserHome"),
    ],
)
async def test_a_relay_state_leads_to_the_org_alone(start: Serve, browse: Open, relay_state: str, place: str) -> None:
    running = await start(Org())
    seen = await by_saml(browse(running), BOB, relay_state.format(org=running.url))
    assert seen.location == place.format(org=running.url)


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"SAMLResponse": saml_response("nobody@example.com")}, 403),
        ({"SAMLResponse": "%%%"}, 400),
        ({"SAMLResponse": base64.b64encode(b"<Response/>").decode()}, 400),
        ({"SAMLResponse": base64.b64encode(b"\xff\xfe").decode()}, 400),
        ({}, 400),
    ],
)
async def test_an_answer_about_nobody_signs_in_nobody(start: Serve, browse: Open, form: dict[str, str], status: int) -> None:
    running = await start(Org())
    browser = browse(running)
    enter(running, browser, ALICE)
    seen = await browser.ask("POST", "/sso/saml2/0oaidp", form=form)
    assert (seen.status, await browser.who(), logins(running)) == (status, ALICE, [ALICE])


@pytest.mark.parametrize("query", ["error=access_denied&state=s", "state=s", f"code={BOB}", "code=nobody@example.com&state=s"])
async def test_a_callback_without_a_user_or_a_state_signs_in_nobody(start: Serve, browse: Open, query: str) -> None:
    running = await start(Org(engine="identity"))
    browser = browse(running)
    assert (await browser.get(f"/oauth2/v1/authorize/callback?{query}")).status in (400, 403)
    assert await browser.who() is None and logins(running) == []


async def test_an_opaque_state_leads_home(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    assert (await by_oidc(browser, BOB, "opaque")).location == "/app/UserHome"
    assert await browser.who() == BOB


async def test_the_journal_names_the_place_and_no_secret(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    await by_saml(browser, BOB, "/")
    await by_oidc(browser, ALICE, "/")
    rows = [row.as_json() for row in running.org.journal.rows]
    assert [(row["method"], row["path"], row["status"], row["token"]) for row in rows] == [
        ("POST", "/sso/saml2/0oaidp", 302, None),
        ("GET", "/oauth2/v1/authorize/callback", 302, None),
    ]
    assert rows[1]["query_names"] == ["code", "state"]


@pytest.mark.parametrize(
    "text",
    [
        "<Response><NameID>bob@example.com</NameID></Response>",
        "<a:Response><a:NameID\n Format='x'> bob@example.com\n</a:NameID></a:Response>",
        "<NameID>bob&#64;example.com</NameID>",
    ],
)
def test_a_name_id_is_found_under_any_prefix(text: str) -> None:
    assert asserted_login(base64.encodebytes(text.encode()).decode()) == BOB


@pytest.mark.parametrize("piece", ["<NameID ", "<NameID>", "<a:NameID>x", "<" * 8])
def test_reading_an_answer_is_linear(piece: str) -> None:
    encoded = base64.b64encode((piece * 100_000).encode()).decode()
    started_at = time.process_time()
    asserted_login(encoded)
    assert time.process_time() - started_at < 1.0
