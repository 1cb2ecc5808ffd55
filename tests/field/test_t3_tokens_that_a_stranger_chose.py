"""Row T3: a token is trusted only if the page that chose it is trusted, however many redirects lie between.

The victim types her own password on the org's real page, or is signed in already. Then the org, or one of its pages, sends the browser to
an address that an attacker wrote.
"""

import base64
from urllib.parse import quote, urlencode, urlsplit

import pytest

from gateway.dev.standin import Engine, fault
from tests.field.sign_ins_without_token import IDP, SAML, by_form, saml_form
from tests.harness.person import ALICE, BOB, HR, LOGIN, NAVIGATION, Person, PersonReply
from tests.harness.system import System, system

ENGINES = ["classic", "identity"]


def target(token: str) -> str:
    """Where the stranger wants the browser to end."""
    return f"/login/sessionCookieRedirect?token={token}&redirectUrl={quote(HR + '/', safe='')}"


def times(text: str, count: int) -> str:
    for _ in range(count):
        text = quote(text, safe="")
    return text


def is_asked(reply: PersonReply) -> bool:
    return reply.status == 200 and "/.gateway/switch" in reply.body


async def stays(place: System, person: Person, token: str) -> None:
    """Nothing was redeemed and nothing ended."""
    assert place.sent(token) == [] and place.live() == [ALICE]
    assert (await person.go(f"{HR}/")).body == f"hello {ALICE}"


@pytest.mark.parametrize("site", ["cross-site", "none"])
@pytest.mark.parametrize("engine", ENGINES)
async def test_t3_a_return_address_that_redeems_is_asked_about_when_the_session_lives(engine: Engine, site: str) -> None:
    """The org answers a living session's visit to its sign-in page with a Location."""
    async with system(engine) as place:
        person, token = await place.entered(ALICE), place.org.session_token(BOB)
        reply = await person.go(f"{LOGIN}/login/login.htm?{urlencode({'fromURI': target(token)})}", site=site)
        assert is_asked(reply)
        await stays(place, person, token)


@pytest.mark.parametrize("engine", ENGINES)
async def test_t3_a_return_address_that_redeems_is_asked_about_after_her_own_password(engine: Engine) -> None:
    async with system(engine) as place:
        person, token = place.person(), place.org.session_token(BOB)
        page = await person.go(f"{LOGIN}/login/login.htm?{urlencode({'fromURI': target(token)})}", site="cross-site")
        assert page.status == 200 and token in page.body
        body = urlencode({"username": ALICE, "password": "correct-horse", "fromURI": target(token)})
        reply = await person.go(f"{LOGIN}/login/login.htm", method="POST", body=body, site="same-origin")
        assert is_asked(reply)
        await stays(place, person, token)


@pytest.mark.parametrize("site", ["same-origin", "same-site"])
@pytest.mark.parametrize("name", ["fromURI", "redirectUrl", "RelayState", "state", "anything"])
@pytest.mark.parametrize("encodings", [1, 2, 3, 4])
async def test_t3_a_script_of_oktas_page_that_goes_there_is_asked_about(site: str, name: str, encodings: int) -> None:
    """The page reads its own address and navigates by script, which is a same-origin start."""
    async with system() as place:
        person, token = await place.entered(ALICE), place.org.session_token(BOB)
        await person.ask(f"{LOGIN}/app/UserHome?{name}={times(target(token), encodings)}", site="cross-site")
        reply = await person.ask(f"{LOGIN}{target(token)}", site=site)
        assert is_asked(reply)
        await stays(place, person, token)


@pytest.mark.parametrize("site", ["cross-site", "same-origin", "none"])
@pytest.mark.parametrize("encodings", [5, 6, 9])
async def test_t3_a_link_that_is_encoded_too_often_to_be_read_is_refused(site: str, encodings: int) -> None:
    """Each script of a page of Okta's could decode it once more, and its last step would look like Okta's own."""
    async with system() as place:
        person, token = await place.entered(ALICE), place.org.session_token(BOB)
        reply = await person.ask(f"{LOGIN}/app/UserHome?fromURI={times(target(token), encodings)}", site=site)
        assert (reply.status, "nested_too_deeply" in reply.body) == (400, True)
        await stays(place, person, token)


async def test_t3_a_link_with_more_tokens_than_can_be_remembered_is_refused() -> None:
    async with system() as place:
        person, token = await place.entered(ALICE), place.org.session_token(BOB)
        many = "".join(f"token={number}&" for number in range(64))
        reply = await person.ask(f"{LOGIN}/app/UserHome?{urlencode({'fromURI': '/?' + many + target(token)})}", site="cross-site")
        assert reply.status == 400
        await stays(place, person, token)


@pytest.mark.parametrize("encodings", [1, 2, 3])
async def test_t3_a_return_address_in_a_form_of_another_site_is_asked_about(encodings: int) -> None:
    async with system() as place:
        person, token = await place.entered(ALICE), place.org.session_token(BOB)
        body = f"RelayState={times(target(token), encodings)}&x=1"
        fields = {**NAVIGATION, "Origin": IDP}
        await person.ask(f"{LOGIN}/some/page", "POST", fields=fields, site="cross-site", body=body)
        assert is_asked(await person.ask(f"{LOGIN}{target(token)}", site="same-origin"))
        await stays(place, person, token)


@pytest.mark.parametrize("engine", ENGINES)
async def test_t3_a_relay_state_of_a_providers_answer_is_asked_about(engine: Engine) -> None:
    """The answer signs alice in; it leads to bob's token."""
    async with system(engine) as place:
        person, token = place.person(), place.org.session_token(BOB)
        fields = {**NAVIGATION, "Origin": IDP}
        reply = await person.ask(f"{LOGIN}{SAML}", "POST", fields=fields, site="cross-site", body=saml_form(ALICE, target(token)))
        assert reply.status == 302 and urlsplit(reply.location).path == "/login/sessionCookieRedirect"
        assert is_asked(await person.go(f"{LOGIN}{reply.location}", site="cross-site"))
        await stays(place, person, token)


@pytest.mark.parametrize("site", ["same-origin", "same-site", "none", "cross-site"])
async def test_t3_a_token_that_stood_in_no_request_before_but_in_a_location_of_oktas_is_asked_about(site: str) -> None:
    """Okta unpacked it from something that cannot be read here."""
    async with system() as place:
        person, token = await place.entered(ALICE), place.org.session_token(BOB)
        packed = base64.urlsafe_b64encode(target(token).encode()).decode()
        place.org.faults.add(fault({"path": "/sso/unpack", "status": 302, "headers": {"Location": target(token)}}))
        reply = await person.ask(f"{LOGIN}/sso/unpack?state={packed}", site="cross-site")
        assert reply.location == target(token)
        assert is_asked(await person.ask(f"{LOGIN}{target(token)}", site=site))
        await stays(place, person, token)


@pytest.mark.parametrize("spelling", ["https://login.example.com{}", "//login.example.com{}", "HTTPS://LOGIN.EXAMPLE.COM{}", "..{}"])
async def test_t3_however_okta_spells_the_location(spelling: str) -> None:
    async with system() as place:
        person, token = await place.entered(ALICE), place.org.session_token(BOB)
        place.org.faults.add(fault({"path": "/sso/unpack", "status": 302, "headers": {"Location": spelling.format(target(token))}}))
        await person.ask(f"{LOGIN}/sso/unpack?state=x", site="cross-site")
        assert is_asked(await person.ask(f"{LOGIN}{target(token)}", site="same-origin"))
        await stays(place, person, token)


async def test_t3_a_portals_own_chain_is_trusted() -> None:
    """Who chose the token is trusted: the portal's page, and a link of the same site."""
    async with system() as place:
        person, token = await place.entered(ALICE), place.org.session_token(BOB)
        reply = await person.ask(f"{LOGIN}{target(token)}", site="same-site")
        assert (reply.status, place.live()) == (302, [BOB])


async def test_t3_a_reload_of_the_question_stays_a_question() -> None:
    async with system() as place:
        person, token = await place.entered(ALICE), place.org.session_token(BOB)
        for site in ("cross-site", "same-origin", "none", "same-site"):
            assert is_asked(await person.ask(f"{LOGIN}{target(token)}", site=site))
        await stays(place, person, token)


@pytest.mark.parametrize("engine", ENGINES)
async def test_t3_her_own_yes_redeems_it(engine: Engine) -> None:
    async with system(engine) as place:
        person, token = await place.entered(ALICE), place.org.session_token(BOB)
        asked = await person.go(f"{LOGIN}/login/login.htm?{urlencode({'fromURI': target(token)})}", site="cross-site")
        assert (await person.confirm(asked)).body == f"hello {BOB}"
        assert place.live() == [BOB]


async def test_t3_it_is_remembered_after_a_restart(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with system() as place:
        place.text += f'\n[state]\ndirectory = "{tmp_path_factory.mktemp("state")}"\n'
        await place.restart()
        person, token = place.person(), place.org.session_token(BOB)
        await person.ask(f"{LOGIN}/login/login.htm?{urlencode({'fromURI': target(token)})}", site="cross-site")
        await place.restart()
        await by_form(place, person, ALICE)
        assert is_asked(await person.ask(f"{LOGIN}{target(token)}", site="same-origin"))
        await stays(place, person, token)
