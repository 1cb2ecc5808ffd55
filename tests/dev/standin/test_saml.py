"""Signed SAML responses, as a strict service provider takes them; WS-Fed; bookmarks; who is assigned to an app.

The service provider is python3-saml, unchanged.
"""

import base64
import textwrap
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from gateway.dev.standin import Engine, Org, RunningOrg, SsoApp
from tests.dev.standin.browser import Seen
from tests.dev.standin.conftest import ALICE, BOB, PASSWORD, Open, Serve
from tests.dev.standin.service_provider import ACS, ENTITY, ServiceProvider, posted_to
from tests.dev.standin.sign_ins_without_token import enter

APP = SsoApp("0oaPayroll", ACS, ENTITY)
LINK = f"/app/payroll/{APP.id}/sso/saml"
ENGINES = ["classic", "identity"]


async def org(start: Serve, engine: Engine = "classic", **changes: object) -> RunningOrg:
    running = await start(Org(engine=engine))
    fields = {"id": APP.id, "address": ACS, "audience": ENTITY} | changes
    running.org.apps.register(SsoApp(**fields))  # type: ignore[arg-type]  # whatever SsoApp takes
    return running


def posted(seen: Seen, address: str = ACS) -> dict[str, str]:
    """What the page of an answer posts, and where."""
    assert seen.status == 200
    return posted_to(address, seen.text)


@pytest.mark.parametrize("engine", ENGINES)
async def test_an_embed_link_with_a_token_signs_in_at_a_strict_provider(start: Serve, browse: Open, saml: Any, engine: Engine) -> None:
    running = await org(start, engine, relay_state="/start")
    provider, browser = ServiceProvider(saml, running.org, running.url + LINK, APP.id), browse(running)
    seen = await browser.get(f"{LINK}?sessionToken={running.org.session_token(ALICE)}")
    assert provider.signs_in(posted(seen)) == ALICE and posted(seen)["RelayState"] == "/start"
    second = await browser.get(f"{LINK}?RelayState=x%26y&sessionToken={running.org.session_token(BOB)}")
    assert provider.signs_in(posted(second)) == ALICE  # the bug: the token is ignored
    assert posted(second)["RelayState"] == "x&y"


async def test_a_response_is_good_for_its_provider_and_time_alone(start: Serve, browse: Open, saml: Any) -> None:
    running = await org(start)
    browser, provider = browse(running), ServiceProvider(saml, running.org, running.url + LINK, APP.id)
    enter(running, browser, ALICE)
    values = posted(await browser.get(LINK))
    text = base64.b64decode(values["SAMLResponse"]).decode()
    spaced = text.replace("</saml2p:Response>", " </saml2p:Response>")
    for wrong in (text.replace(ALICE, BOB), text.replace(ACS, "https://other.example/acs"), spaced):
        auth = provider.at({"SAMLResponse": base64.b64encode(wrong.encode()).decode()})
        auth.process_response()
        assert not auth.is_authenticated()
    old = await org(start)
    old.org.clock.advance(3600)
    enter(old, late := browse(old), ALICE)
    auth = ServiceProvider(saml, old.org, old.url + LINK, APP.id).at(posted(await late.get(LINK)))
    auth.process_response()
    assert not auth.is_authenticated()


@pytest.mark.parametrize("binding", ["redirect", "post"])
async def test_a_provider_asks_and_is_answered_after_the_sign_in(start: Serve, browse: Open, saml: Any, binding: str) -> None:
    running = await org(start)
    provider, browser = ServiceProvider(saml, running.org, running.url + LINK, APP.id), browse(running)
    auth = provider.at({})
    address = auth.login(return_to="/deep?a=1")
    asked = parse_qs(urlsplit(address).query)
    if binding == "redirect":
        first = await browser.get(address.removeprefix(running.url))
    else:
        form = {"SAMLRequest": base64.b64encode(auth.get_last_request_xml().encode()).decode(), "RelayState": asked["RelayState"][0]}
        first = await browser.ask("POST", LINK, form=form)
    target = parse_qs(urlsplit(first.location).query)["fromURI"][0]
    signed = await browser.ask("POST", "/login/login.htm", form={"username": BOB, "password": PASSWORD, "fromURI": target})
    seen = await browser.get(signed.location)
    assert provider.signs_in(posted(seen), auth.get_last_request_id()) == BOB
    assert posted(seen)["RelayState"] == "/deep?a=1"


async def test_a_forced_request_asks_again_over_a_living_session(start: Serve, browse: Open, saml: Any) -> None:
    running = await org(start)
    provider, browser = ServiceProvider(saml, running.org, running.url + LINK, APP.id), browse(running)
    enter(running, browser, ALICE)
    auth = provider.at({})
    first = await browser.get(auth.login(force_authn=True).removeprefix(running.url))
    form = await browser.get(first.location)
    assert form.status == 200 and 'id="password"' in form.text
    target = parse_qs(urlsplit(first.location).query)["fromURI"][0]
    assert (await browser.get(target)).location.startswith("/login/login.htm")  # alice did not sign in again
    signed = await browser.ask("POST", "/login/login.htm", form={"username": BOB, "password": PASSWORD, "fromURI": target})
    assert provider.signs_in(posted(await browser.get(signed.location)), auth.get_last_request_id()) == BOB


def request_of(issuer: str = ENTITY, address: str = ACS) -> str:
    text = (
        f'<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="id1" AssertionConsumerServiceURL="{address}">'
        f'<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">{issuer}</saml:Issuer></samlp:AuthnRequest>'
    )
    return quote(base64.b64encode(text.encode()).decode(), safe="")


@pytest.mark.parametrize(
    "encoded", ["", "!", "bm90aGluZw==", request_of("https://evil.example/"), request_of(address="https://evil.example/acs")]
)
async def test_a_wrong_request_is_answered_with_a_page_and_nothing_happens(start: Serve, browse: Open, encoded: str) -> None:
    running = await org(start)
    browser, token = browse(running), running.org.session_token(BOB)
    seen = await browser.get(f"{LINK}?SAMLRequest={encoded or '%20'}&sessionToken={token}")
    assert (seen.status, "SAMLResponse" in seen.text) == (400, False)
    assert running.org.session_tokens.meaning(token) is not None


@pytest.mark.parametrize("kind", ["saml", "wsfed", "bookmark"])
async def test_a_user_who_is_not_assigned_reads_so(start: Serve, browse: Open, kind: str) -> None:
    running = await org(start, kind=kind, only_for=frozenset({BOB}))
    browser = browse(running)
    enter(running, browser, ALICE)
    refused = await browser.get(LINK)
    assert refused.status == 403 and "not allowed" in refused.text
    enter(running, browser, BOB)
    assert (await browser.get(LINK)).status in (200, 302)


async def test_a_bookmark_leads_to_its_address(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    order = {"id": "0oaMail", "address": "https://mail.example/inbox", "kind": "bookmark"}
    assert (await browser.ask("POST", "/.standin/apps", payload=order)).status == 204
    seen = await browser.get(f"/home/bookmark/0oaMail/2557?sessionToken={running.org.session_token(BOB)}")
    assert (seen.status, seen.location, await browser.who()) == (302, "https://mail.example/inbox", BOB)
    assert (await browser.ask("POST", "/.standin/apps", payload=order | {"kind": "ftp"})).status == 400


async def test_ws_federation_posts_a_signed_token_and_its_context(start: Serve, browse: Open, saml: Any) -> None:
    running = await org(start, kind="wsfed", audience="urn:app")
    browser = browse(running)
    enter(running, browser, ALICE)
    path = f"/app/template_wsfed/{APP.id}/sso/wsfed/passive"
    values = posted(await browser.get(f"{path}?wa=wsignin1.0&wtrealm=urn%3Aapp&wctx=rm%3D0"))
    assert (values["wa"], values["wctx"]) == ("wsignin1.0", "rm=0") and "urn:app" in values["wresult"]
    assertion = values["wresult"].partition("<t:RequestedSecurityToken>")[2].partition("</t:RequestedSecurityToken>")[0]
    assert 'MajorVersion="1" MinorVersion="1"' in assertion and f">{ALICE}</saml:NameIdentifier>" in assertion
    assert is_signed(running, assertion) and not is_signed(running, assertion.replace(ALICE, BOB))
    assert (await browser.get(f"{path}?wa=wsignout1.0")).status == 400
    assert (await browser.get(f"{path}?wtrealm=urn%3Aother")).status == 400


def is_signed(running: RunningOrg, assertion: str) -> bool:
    """Whether xmlsec takes the signature of a SAML 1.1 assertion for one of this org's."""
    xmlsec, etree = pytest.importorskip("xmlsec"), pytest.importorskip("lxml.etree")
    root = etree.fromstring(assertion.encode())
    xmlsec.tree.add_ids(root, ["AssertionID"])
    context = xmlsec.SignatureContext()
    certificate = "\n".join(textwrap.wrap(running.org.xml_signer.certificate, 64))
    pem = f"-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----\n"
    context.key = xmlsec.Key.from_memory(pem.encode(), xmlsec.constants.KeyDataFormatCertPem)
    try:
        context.verify(xmlsec.tree.find_node(root, "Signature"))
    except xmlsec.Error:
        return False
    return True


@pytest.mark.parametrize("path", [f"/app/{APP.id}/sso/saml/metadata", f"{LINK}/metadata"])
async def test_the_metadata_name_the_certificate_and_the_address(start: Serve, browse: Open, saml: Any, path: str) -> None:
    running = await org(start)
    parser = pytest.importorskip("onelogin.saml2.idp_metadata_parser").OneLogin_Saml2_IdPMetadataParser
    seen = await browse(running).get(path)
    told = parser.parse(seen.text)["idp"]
    assert (told["entityId"], told["x509cert"]) == (f"http://www.okta.com/{APP.id}", running.org.xml_signer.certificate)
    assert told["singleSignOnService"]["url"].endswith(f"/{APP.id}/sso/saml")
    assert (await browse(running).get("/app/0oaNone/sso/saml/metadata")).status == 404
