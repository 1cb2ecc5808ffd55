"""The thread's embed links: alice, then bob, one browser; and what each of its pieces of advice comes to. Seed 3.

"direct" is a browser at the org itself, where the bug is.
"""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from gateway.dev.standin import Engine, Org, SsoApp, serve
from tests.dev.standin.browser import OrgBrowser
from tests.dev.standin.service_provider import ACS, ENTITY, ServiceProvider, posted_to
from tests.harness.configuration import problems
from tests.harness.person import ALICE, BOB, EVIL, HR, LOGIN, Person, PersonReply
from tests.harness.system import CONFIGURATION, ME, System, system
from tests.seeds.engines import EACH_ENGINE

APP = SsoApp("0oaPayroll", ACS, ENTITY)
LINK = f"/home/acme_payroll/{APP.id}/aln1"


async def enters(place: System, person: Person, login: str, *, site: str = "same-site", link: str = LINK) -> PersonReply:
    """What the portal does: a fresh token, and a redirect to the embed link with it."""
    return await person.go(f"{LOGIN}{link}?sessionToken={place.org.session_token(login)}", site=site)


@asynccontextmanager
async def direct(engine: Engine) -> AsyncIterator[tuple[Org, OrgBrowser]]:
    """A browser at the org, without the gateway."""
    running = await serve(Org(engine=engine), "127.0.0.1", 0)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
        yield running.org, OrgBrowser(client, running.url)
    await running.aclose()


@EACH_ENGINE
async def test_s36_an_embed_link_redeems_the_token_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        person, token = place.person(), place.org.session_token(ALICE)
        assert (await person.go(f"{LOGIN}{LINK}?sessionToken={token}")).status == 200
        [row] = place.sent(token)
        assert (row.method, row.path, row.status) == ("GET", LINK, 200) and place.live() == [ALICE]


@EACH_ENGINE
async def test_s37_each_user_arrives_at_a_strict_provider_by_python3_saml(engine: Engine, saml: Any) -> None:
    async with system(engine) as place:
        place.org.apps.register(APP)
        provider, person = ServiceProvider(saml, place.org, LOGIN + LINK, APP.id), place.person()
        for login in (ALICE, BOB, ALICE):
            assert provider.signs_in(posted_to(ACS, (await enters(place, person, login)).body)) == login


@pytest.mark.parametrize("binding", ["redirect", "post"])
@EACH_ENGINE
async def test_s37_the_provider_may_ask_first_by_python3_saml(engine: Engine, binding: str, saml: Any) -> None:
    async with system(engine) as place:
        place.org.apps.register(APP)
        sign_in = f"{LOGIN}/app/acme_payroll/{APP.id}/sso/saml"
        provider, person = ServiceProvider(saml, place.org, sign_in, APP.id), place.person()
        await enters(place, person, ALICE)
        auth = provider.at({})
        address = auth.login(return_to="/deep")
        if binding == "redirect":
            reply = await person.go(address, site="cross-site")
        else:
            form = {"SAMLRequest": base64.b64encode(auth.get_last_request_xml().encode()).decode(), "RelayState": "/deep"}
            reply = await person.ask(sign_in, "POST", site="cross-site", body=urlencode(form))
        sent = posted_to(ACS, reply.body)
        assert provider.signs_in(sent, auth.get_last_request_id()) == ALICE and sent["RelayState"] == "/deep"


@EACH_ENGINE
async def test_s38_direct_the_second_user_becomes_the_first_by_python3_saml(engine: Engine, saml: Any) -> None:
    async with direct(engine) as (org, browser):
        org.apps.register(APP)
        provider = ServiceProvider(saml, org, browser.url + LINK, APP.id)
        for login in (ALICE, BOB):
            seen = await browser.get(f"{LINK}?sessionToken={org.session_token(login)}")
            assert provider.signs_in(posted_to(ACS, seen.text)) == ALICE, "the bug, without the gateway"


@EACH_ENGINE
async def test_s39_through_the_gateway_the_token_wins_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        person = place.person()
        for login in (ALICE, BOB):
            assert f"SAML assertion for {login}" in (await enters(place, person, login)).body


async def test_s40_direct_on_classic_the_cookie_wins_and_the_token_stays_unspent_by_raw_http() -> None:
    async with direct("classic") as (org, browser):
        browser.cookies["sid"] = org.sign_in(ALICE).sid or ""
        token = org.session_token(BOB)
        assert f"SAML assertion for {ALICE}" in (await browser.get(f"{LINK}?sessionToken={token}")).text
        assert org.session_tokens.meaning(token) == org.known_user(BOB)


@EACH_ENGINE
async def test_s41_delete_me_takes_no_parameters_and_answers_204_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        alice = await place.entered(ALICE)
        reply = await alice.script(f"{LOGIN}{ME}", "DELETE")
        assert (reply.status, reply.body) == (204, "") and place.live() == []


@EACH_ENGINE
async def test_s47_the_org_opens_signed_in_afterwards_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        person = place.person()
        await enters(place, person, ALICE)
        await enters(place, person, BOB)
        home = await person.go(f"{LOGIN}/app/UserHome")
        assert home.status == 200 and BOB in home.body and ALICE not in home.body


@EACH_ENGINE
async def test_s48_the_first_session_is_closed_and_proven_gone_before_the_token_leaves_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        person = place.person()
        await enters(place, person, ALICE)
        place.org.journal.clear()
        await enters(place, person, BOB)
        rows = [(row.method, row.path, row.status) for row in place.org.journal.rows]
        order = [rows.index(step) for step in (("DELETE", ME, 204), ("GET", ME, 404), ("GET", LINK, 200))]
        assert order == sorted(order)


async def test_s49_a_link_to_the_orgs_own_host_goes_past_the_gateway_by_raw_http() -> None:
    """Sessions of two hosts know nothing of each other; what the gateway cannot see, it cannot close."""
    async with system() as place:
        person = await place.entered(ALICE)
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
            browser = OrgBrowser(client, place.running.url)
            await browser.get(f"{LINK}?sessionToken={place.org.session_token(ALICE)}")
            seen = await browser.get(f"{LINK}?sessionToken={place.org.session_token(BOB)}")
            assert f"SAML assertion for {ALICE}" in seen.text, "past the gateway the bug is there"
            assert place.journal.broken, "and the witness of the system saw it"
            place.journal.broken.clear()
        assert "SAML assertion for bob" in (await enters(place, person, BOB)).body, "through the gateway it is not"


@EACH_ENGINE
async def test_s50_a_user_who_came_by_a_link_signs_out_and_back_to_the_portal_by_raw_http(engine: Engine) -> None:
    switch = 'return_origins = ["https://portal.example.com"]'
    async with system(engine, switch=switch) as place:
        person = place.person()
        await enters(place, person, ALICE)
        back = "https://portal.example.com/goodbye"
        shown = await person.go(f"{LOGIN}/login/signout?fromURI={back}", site="cross-site")
        assert "Sign out" in shown.body and place.live() == [ALICE], "a link of another site asks first"
        ended = await person.go(f"{LOGIN}/.gateway/sign-out", method="POST", site="same-origin", body=f"to={back}")
        assert ended.leads_to == back and place.live() == []
        assert await person.named_by_app() is None


@EACH_ENGINE
async def test_s51_two_users_by_two_links_without_a_pause_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        person = place.person()
        for login in (ALICE, BOB, ALICE):
            assert f"SAML assertion for {login}" in (await enters(place, person, login)).body
            assert place.live() == [login] and (await person.go(f"{HR}/")).body == f"hello {login}"


@EACH_ENGINE
async def test_s53_a_portal_of_another_site_is_asked_about_until_it_is_listed_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        person = await place.entered(ALICE)
        asked = await enters(place, person, BOB, site="cross-site")
        assert "Continue" in asked.body and place.live() == [ALICE]
    async with system(engine, switch="") as place:
        place.text = place.text.replace('trusted_origins = ["https://portal.example.com"]', f'trusted_origins = ["{EVIL}"]')
        await place.restart()
        person = await place.entered(ALICE)
        fields = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Referer": f"{EVIL}/"}
        link = f"{LOGIN}{LINK}?sessionToken={place.org.session_token(BOB)}"
        assert "SAML assertion for bob" in (await person.ask(link, fields=fields, site="cross-site")).body


@EACH_ENGINE
async def test_s54_a_link_that_leads_to_another_origin_arrives_there_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        elsewhere = "https://payroll.example.org/start"
        place.org.app_links.lead_elsewhere(LINK, elsewhere)
        person = await place.entered(ALICE)
        asked = await enters(place, person, BOB, site="cross-site")
        reply = await person.confirm(asked)
        assert reply.leads_to == elsewhere and place.live() == [BOB]
        assert (await enters(place, person, ALICE)).location == elsewhere, "unasked, from a trusted place"


def test_s55_a_gateway_of_the_login_host_alone_is_a_gateway_by_raw_http() -> None:
    text = CONFIGURATION.partition("[[app]]")[0].replace('host = "login.example.com"\n', "")
    filled = text.format(org="https://acme.okta.com", first_byte="5s", forward="60s", switch="", upstream="")
    assert problems(filled) == ()
