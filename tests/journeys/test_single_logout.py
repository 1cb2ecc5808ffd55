"""An app signs its user out of the org by SAML (python3-saml, strict): which sessions end here, and which do not."""

import asyncio
import html
import re
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from gateway.dev.standin import Client, Engine
from tests.dev.standin.service_provider import FAILED, SUCCESS, SigningProvider
from tests.harness.person import ALICE, BOB, HR, LOGIN, Person
from tests.harness.system import System, system
from tests.seeds.rp import BYE, FRAME, RP, SERVER, authorize, tokens

APP = "0oaPayroll"
BASE = f"{LOGIN}/app/acme_payroll/{APP}"
EACH_ENGINE = pytest.mark.parametrize("engine", ["classic", "identity"])


async def live(place: System, person: Person) -> aiohttp.ClientWebSocketResponse:
    """A WebSocket of the app's page."""
    cookies = "; ".join(f"{name}={value}" for name, value in person.cookies("hr.example.com"))
    fields = {"Host": "hr.example.com", "Cookie": cookies, "Origin": HR}
    return await place.client.ws_connect(f"http://127.0.0.1:{place.port}/live", headers=fields, autoclose=False)


@EACH_ENGINE
async def test_it_ends_the_pass_and_the_open_socket_at_once(saml: Any, engine: Engine) -> None:
    async with system(engine) as place:
        provider, person = SigningProvider(saml, place.org, BASE, APP), await place.entered(ALICE)
        async with await live(place, person) as socket:
            url, request_id = provider.signs_out(ALICE)
            reply = await person.ask(url, site="cross-site")
            assert provider.told(reply.body, request_id) == SUCCESS and place.live() == []
            assert await person.named_by_app() is None, "nobody waits for the ttl"
            async with asyncio.timeout(10):
                assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        assert person.cookie("sid") is None and person.cookie("idx") is None


@EACH_ENGINE
async def test_what_the_org_refuses_ends_nothing(saml: Any, engine: Engine) -> None:
    async with system(engine) as place:
        provider, person = SigningProvider(saml, place.org, BASE, APP), await place.entered(ALICE)
        async with await live(place, person) as socket:
            url, request_id = provider.signs_out(ALICE)
            reply = await person.ask(url.partition("&Signature=")[0], site="cross-site")
            assert (reply.status, provider.told(reply.body, request_id)) == (403, FAILED)
            await socket.send_str("still here")
            assert (await socket.receive_str(timeout=10)) == "still here"
        assert await person.named_by_app() == ALICE and place.live() == [ALICE]


@EACH_ENGINE
async def test_after_a_switch_the_first_users_app_signs_the_second_user_out_of_nothing(saml: Any, engine: Engine) -> None:
    async with system(engine) as place:
        provider, person = SigningProvider(saml, place.org, BASE, APP), await place.entered(ALICE)
        await place.enter(person, BOB)
        url, request_id = provider.signs_out(ALICE)
        assert provider.told((await person.ask(url, site="cross-site")).body, request_id) == FAILED
        assert await person.named_by_app() == BOB and place.live() == [BOB]
        url, request_id = provider.signs_out(BOB)
        assert provider.told((await person.ask(url, site="cross-site")).body, request_id) == SUCCESS
        assert await person.named_by_app() is None


async def test_an_org_that_ends_whoever_is_signed_in_is_believed(saml: Any) -> None:
    """What Okta does with another user's request is not documented; whatever it does, the apps follow."""
    async with system() as place:
        provider, person = SigningProvider(saml, place.org, BASE, APP), await place.entered(ALICE)
        await place.enter(person, BOB)
        url, _ = provider.signs_out(ALICE)
        place.org.sessions.end(place.session(BOB))
        place.fails(f"/app/acme_payroll/{APP}/slo/saml", status=200, body="<p>done</p>")
        await person.ask(url, site="cross-site")
        assert await person.named_by_app() is None


@EACH_ENGINE
async def test_the_pass_that_another_browser_copied_ends_too_after_a_restart(saml: Any, engine: Engine) -> None:
    async with system(engine) as place:
        provider, person = SigningProvider(saml, place.org, BASE, APP), await place.entered(ALICE)
        copied = dict(person.jar)
        await person.ask(provider.signs_out(ALICE)[0], site="cross-site")
        await place.restart()
        reply = await person.ask(f"{HR}/api/me", shown=copied)
        assert reply.body != f"hello {ALICE}"
        assert (await place.enter(person, BOB)).body == f"hello {BOB}"


async def test_an_app_behind_the_gateway_is_told_in_a_frame_that_the_session_is_over() -> None:
    """Front-channel logout of OpenID Connect: the app's logout path is for anyone, for nobody is signed in any more."""
    hr = Client("0oaHr", (f"{HR}/callback",), frontchannel_logout_uri=f"{HR}/out", frontchannel_logout_session_required=True)
    async with system("identity") as place:
        place.text += '[[app.rule]]\npath = "/out"\naccess = "anyone"\n'
        await place.restart()
        place.org.https_hosts.add("login.example.com")
        place.org.clients.register(RP)
        place.org.clients.register(hr)
        person = await place.entered(ALICE)
        await person.ask(authorize(client_id=hr.id, redirect_uri=f"{HR}/callback", scope="openid"))
        hint = (await tokens(place, person))["id_token"]
        reply = await person.ask(f"{LOGIN}{SERVER}/logout?{urlencode({'id_token_hint': hint, 'post_logout_redirect_uri': BYE})}")
        [frame] = re.findall(r'<iframe src="([^"]+)" hidden>', reply.body)
        assert reply.status == 200 and BYE in reply.body and place.live() == []
        assert await person.named_by_app() is None
        place.told.clear()
        told = await person.ask(html.unescape(frame), fields=FRAME, site="same-site")
        assert told.status == 200 and place.told == [("/out", "")], "it is told, and of nobody"
