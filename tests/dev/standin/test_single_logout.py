"""SAML single logout that a service provider begins: who is signed out, and what the provider is told. The provider is python3-saml."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.dev.standin import Engine, Org, SsoApp
from tests.dev.standin.beginnings import enter
from tests.dev.standin.conftest import ALICE, BOB, Open, Serve
from tests.dev.standin.service_provider import ACS, ENTITY, FAILED, SLS, SUCCESS, SigningProvider, posted_to

APP = "0oaPayroll"
PLACE = f"/app/payroll/{APP}"


@pytest.fixture(scope="module")
def saml() -> Any:
    return pytest.importorskip("onelogin.saml2.auth", reason="needs PyPI's python3-saml")


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
    assert running.org.sessions.live() == [] and (await browser.get("/api/v1/sessions/me")).status == 404


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
    assert len(running.org.sessions.live()) == (wrong != "no session")


async def test_an_app_without_an_address_and_a_certificate_cannot_ask(start: Serve, browse: Open, saml: Any) -> None:
    running = await start(Org())
    provider, browser = SigningProvider(saml, running.org, running.url + PLACE, APP), browse(running)
    assert "SingleLogoutService" in (await browser.get(f"{PLACE}/sso/saml/metadata")).text
    enter(running, browser, ALICE)
    assert (await browser.get(f"{PLACE}/slo/saml?SAMLRequest=AAAA")).status == 400
    running.org.apps.register(SsoApp(APP, ACS, ENTITY))
    assert (await browser.get(target(provider.signs_out(ALICE)[0]))).status == 403
    assert "SingleLogoutService" not in (await browser.get(f"{PLACE}/sso/saml/metadata")).text
    assert len(running.org.sessions.live()) == 1
