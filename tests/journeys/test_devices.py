"""A device without a browser, confirmed through the gateway: it gets tokens of the user who confirmed it, and of no other user."""

import re
from urllib.parse import urlencode

import pytest

from gateway.dev.standin import Client, Engine
from gateway.dev.standin.devices import GRANT_TYPE
from tests.harness.person import ALICE, BOB, LOGIN, Jar, Person, PersonReply
from tests.harness.system import System, system
from tests.seeds.rp import subject

TELEVISION = Client("0oaTelevision", grant_types=frozenset({GRANT_TYPE, "refresh_token"}))
SERVER = f"{LOGIN}/oauth2/default/v1"
EACH_ENGINE = pytest.mark.parametrize("engine", ["classic", "identity"])


async def device(place: System, endpoint: str, **form: str) -> PersonReply:
    """A request of the device itself, which has no cookies."""
    body = urlencode({"client_id": TELEVISION.id} | form)
    return await place.person().ask(f"{SERVER}/{endpoint}", "POST", fields={"Accept": "application/json"}, site="", body=body)


async def begun(place: System) -> tuple[str, str]:
    """The codes of a device: its own, and its user's."""
    place.org.clients.register(TELEVISION)
    place.org.https_hosts.add("login.example.com")
    told = (await device(place, "device/authorize", scope="openid offline_access")).json
    assert told["verification_uri"] == f"{LOGIN}/activate", "the host that browsers know"
    return told["device_code"], told["user_code"]


async def polled(place: System, code: str) -> PersonReply:
    place.later(6.0)
    return await device(place, "token", grant_type=GRANT_TYPE, device_code=code)


def handle(page: PersonReply) -> str:
    found = re.search(r'name="stateHandle" value="([^"]+)"', page.body)
    assert found is not None, page.body
    return found[1]


async def confirms(person: Person, form: str, user_code: str, shown: Jar | None = None) -> PersonReply:
    """Press the button of the page that was shown; ``shown``: with the cookies of an earlier moment."""
    body = urlencode({"stateHandle": form, "user_code": user_code})
    return await person.ask(f"{LOGIN}/activate", "POST", site="same-origin", body=body, shown=shown)


@EACH_ENGINE
async def test_a_user_signs_in_on_the_way_and_confirms(engine: Engine) -> None:
    async with system(engine) as place:
        code, user_code = await begun(place)
        assert (await polled(place, code)).json["error"] == "authorization_pending"
        person = place.person()
        asked = await person.go(f"{LOGIN}/activate?user_code={user_code}", site="none")
        assert 'id="password"' in asked.body
        form = {"username": ALICE, "password": "correct-horse", "fromURI": f"/activate?user_code={user_code}"}
        page = await person.go(f"{LOGIN}/login/login.htm", method="POST", site="same-origin", body=urlencode(form))
        assert ALICE in page.body and user_code in page.body
        assert "Device activated" in (await confirms(person, handle(page), user_code)).body
        tokens = (await polled(place, code)).json
        assert subject(tokens["id_token"]) == place.org.known_user(ALICE).id
        assert place.live() == [ALICE]


@EACH_ENGINE
async def test_after_a_switch_alices_page_confirms_nothing_and_bobs_own_is_bobs(engine: Engine) -> None:
    async with system(engine) as place:
        code, user_code = await begun(place)
        person = await place.entered(ALICE)
        alices, before = handle(await person.go(f"{LOGIN}/activate")), dict(person.jar)
        await place.enter(person, BOB)
        for shown in (None, before):
            reply = await confirms(person, alices, user_code, shown)
            assert "Device activated" not in reply.body
        assert (await polled(place, code)).json["error"] == "authorization_pending"
        page = await person.go(f"{LOGIN}/activate")
        assert BOB in page.body and "Device activated" in (await confirms(person, handle(page), user_code)).body
        assert subject((await polled(place, code)).json["id_token"]) == place.org.known_user(BOB).id
        assert place.live() == [BOB]


@EACH_ENGINE
async def test_a_device_that_alice_confirmed_stays_hers_when_bob_takes_the_browser(engine: Engine) -> None:
    """It is another device than the browser: its tokens outlive the session, as at Okta, and name alice alone."""
    async with system(engine) as place:
        code, user_code = await begun(place)
        person = await place.entered(ALICE)
        await confirms(person, handle(await person.go(f"{LOGIN}/activate")), user_code)
        await place.enter(person, BOB)
        tokens = (await polled(place, code)).json
        renewed = (await device(place, "token", grant_type="refresh_token", refresh_token=tokens["refresh_token"])).json
        for one in (tokens, renewed):
            assert subject(one["id_token"]) == place.org.known_user(ALICE).id
        assert place.live() == [BOB] and await person.named_by_app() == BOB
