"""Single logout that an app begins: who is signed out, and what the apps are told. The SAML service provider is python3-saml."""

import base64
import html
import json
import re
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from gateway.dev.standin import Client, Engine, Org, SsoApp
from tests.dev.standin.clients import BACK, BYE, PAGE, tokens
from tests.dev.standin.conftest import ALICE, BOB, Open, Serve
from tests.dev.standin.service_provider import ACS, ENTITY, FAILED, SLS, SUCCESS, SigningProvider, posted_to
from tests.dev.standin.sign_ins_without_token import enter

APP = "0oaPayroll"
PLACE = f"/app/payroll/{APP}"


def claims(token: str) -> Any:
    text = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def target(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


@pytest.mark.parametrize("engine", ["classic", "identity"])
async def test_a_signed_request_of_the_user_ends_the_session(start: Serve, browse: Open, saml: Any, engine: Engine) -> None:
    running = await start(Org(engine=engine))
    provider, browser = SigningProvider(saml, running.org, running.url + PLACE, APP), browse(running)
    enter(running, browser, ALICE)
    url, request_id = provider.signs_out(ALICE, "/bye?a=1&b=2")
    seen = await browser.get(target(url))
    assert seen.status == 200 and provider.told(seen.text, request_id) == SUCCESS
    assert posted_to(SLS, seen.text)["RelayState"] == "/bye?a=1&b=2"
    assert running.org.sessions.active() == [] and (await browser.get("/api/v1/sessions/me")).status == 404


@pytest.mark.parametrize("wrong", ["another user", "unsigned", "changed", "another key", "no session", "another issuer", "sha1"])
async def test_any_other_request_signs_nobody_out_and_is_told_so(start: Serve, browse: Open, saml: Any, wrong: str) -> None:
    running = await start(Org())
    provider, browser = SigningProvider(saml, running.org, running.url + PLACE, APP), browse(running)
    if wrong == "another key":
        SigningProvider(saml, running.org, running.url + PLACE, APP)  # registered in the place of the first
    if wrong == "another issuer":
        provider.settings["sp"]["entityId"] = "https://sp.example.com/other"
    if wrong == "sha1":
        provider.settings["security"]["signatureAlgorithm"] = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
    if wrong != "no session":
        enter(running, browser, ALICE)
    url, request_id = provider.signs_out(BOB if wrong == "another user" else ALICE)
    if wrong == "unsigned":
        url = url.partition("&Signature=")[0]
    if wrong == "changed":
        url = url.replace("RelayState=%2Fbye", "RelayState=%2Felsewhere")
    seen = await browser.get(target(url))
    assert seen.status == 403 and provider.told(seen.text, request_id) == FAILED
    assert len(running.org.sessions.active()) == (wrong != "no session")


async def test_an_app_without_an_address_and_a_certificate_cannot_ask(start: Serve, browse: Open, saml: Any) -> None:
    running = await start(Org())
    provider, browser = SigningProvider(saml, running.org, running.url + PLACE, APP), browse(running)
    assert "SingleLogoutService" in (await browser.get(f"{PLACE}/sso/saml/metadata")).text
    enter(running, browser, ALICE)
    assert (await browser.get(f"{PLACE}/slo/saml?SAMLRequest=AAAA")).status == 400
    running.org.apps.register(SsoApp(APP, ACS, ENTITY))
    assert (await browser.get(target(provider.signs_out(ALICE)[0]))).status == 403
    assert "SingleLogoutService" not in (await browser.get(f"{PLACE}/sso/saml/metadata")).text
    assert len(running.org.sessions.active()) == 1


WIKI = Client(
    "0oaWiki",
    (BACK,),
    frontchannel_logout_uri="https://wiki.example.org/out?x=1",
    frontchannel_logout_session_required=True,
)


@pytest.mark.parametrize("by", ["oidc", "saml"])
@pytest.mark.parametrize("engine", ["classic", "identity"])
async def test_the_other_apps_of_the_session_are_told_in_hidden_frames(
    start: Serve, browse: Open, saml: Any, engine: Engine, by: str
) -> None:
    running = await start(Org(engine=engine, clients=[PAGE, WIKI]))
    provider, browser = SigningProvider(saml, running.org, running.url + PLACE, APP), browse(running)
    enter(running, browser, ALICE)
    wikis, pages = [await tokens(browser, client) for client in (WIKI, PAGE)]
    sid = claims(wikis["id_token"]).get("sid")
    if by == "oidc":
        hint = pages["id_token"]
        seen = await browser.get(f"/oauth2/default/v1/logout?{urlencode({'id_token_hint': hint, 'post_logout_redirect_uri': BYE})}")
    else:
        seen = await browser.get(target(provider.signs_out(ALICE)[0]))
    framed = re.findall(r'<iframe src="([^"]+)" hidden>', seen.text)
    issuer = f"{running.url}/oauth2/default"
    expected = f"https://wiki.example.org/out?x=1&{urlencode({'iss': issuer, 'sid': sid})}"
    assert [html.unescape(address) for address in framed] == ([expected] if engine == "identity" else [])
    assert (BYE if by == "oidc" else SLS) in (seen.text or seen.location) and running.org.sessions.active() == []
    policy = seen.fields["Content-Security-Policy"] if framed else " https://wiki.example.org"
    assert " https://wiki.example.org" in policy
