"""Rows X5 and X6: an OpenID Connect client of the first user cannot act on the second user's session.

Source: okta-auth-js in a page that stays open during a switch, and Okta's end-session specification.
"""

from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from gateway.dev.standin import Engine
from tests.harness.person import ALICE, BOB, HR, LOGIN, Person, PersonReply
from tests.harness.system import System, system

ENGINES = ["classic", "identity"]
BACK = f"{HR}/callback"
FRAME = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
LOGOUT = "/oauth2/v1/logout"


async def authorized(person: Person, client: str = "0oaPage", server: str = "", more: str = "", **how: object) -> PersonReply:
    asked = {"client_id": client, "response_type": "id_token", "scope": "openid", "redirect_uri": BACK, "nonce": "n", "state": "s"}
    query = urlencode(asked)
    place = f"/oauth2/{server}/v1/authorize" if server else "/oauth2/v1/authorize"
    return await person.ask(f"{LOGIN}{place}?{query}{more}", **how)  # type: ignore[arg-type]  # as the caller says


async def silently(person: Person, client: str = "0oaPage", server: str = "") -> PersonReply:
    return await authorized(person, client, server, "&prompt=none", fields=FRAME, site="same-site")


def given(reply: PersonReply) -> dict[str, list[str]]:
    assert reply.status == 302, reply
    return parse_qs(urlsplit(reply.location).fragment or urlsplit(reply.location).query)


async def switched(place: System, server: str = "") -> Person:
    """Alice used the client; then bob entered in the same browser."""
    person = await place.entered(ALICE)
    assert "id_token" in given(await authorized(person, server=server))
    assert (await place.enter(person, BOB)).body == f"hello {BOB}"
    return person


@pytest.mark.parametrize("server", ["", "default"])
@pytest.mark.parametrize("engine", ENGINES)
async def test_x5_a_silent_request_of_alices_page_gets_nothing_of_bobs(engine: Engine, server: str) -> None:
    async with system(engine) as place:
        person = await switched(place, server)
        reply = await silently(person, server=server)
        assert given(reply)["error"] == ["login_required"]
        row = place.org.journal.rows[-1]
        assert not {"sid", "idx"} & set(row.cookies)
        assert not any(line.startswith(("sid=", "idx=")) for line in reply.set_cookies), "bob's cookies stay"
        assert (await person.go(f"{HR}/")).body == f"hello {BOB}" and place.live() == [BOB]


@pytest.mark.parametrize("engine", ENGINES)
async def test_x5_once_bob_used_the_client_himself_it_is_his(engine: Engine) -> None:
    async with system(engine) as place:
        person = await switched(place)
        assert "id_token" in given(await authorized(person)), "he was asked nothing, but it was no silent request"
        assert "id_token" in given(await silently(person))


@pytest.mark.parametrize("engine", ENGINES)
async def test_x5_clients_that_nobody_else_used_are_silent_as_ever(engine: Engine) -> None:
    async with system(engine) as place:
        person = await switched(place)
        assert "id_token" in given(await silently(person, "0oaNew"))
        assert "id_token" in given(await silently(person, "0oaNew"))


async def test_x5_the_same_user_again_keeps_her_clients() -> None:
    async with system() as place:
        person = await place.entered(ALICE)
        await authorized(person)
        assert (await place.enter(person, ALICE)).body == f"hello {ALICE}"
        assert "id_token" in given(await silently(person))


async def test_x5_it_is_remembered_after_a_restart(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with system() as place:
        place.text += f'\n[state]\ndirectory = "{tmp_path_factory.mktemp("state")}"\n'
        await place.restart()
        person = await switched(place)
        await place.restart()
        assert given(await silently(person))["error"] == ["login_required"]


async def hint_of_alice(place: System) -> tuple[Person, str]:
    """An ID token of alice's, and the browser in which bob is now."""
    person = await place.entered(ALICE)
    hint = given(await authorized(person))["id_token"][0]
    assert (await place.enter(person, BOB)).body == f"hello {BOB}"
    return person, hint


@pytest.mark.parametrize("how", ["link", "form"])
@pytest.mark.parametrize("site", ["same-site", "cross-site"])
@pytest.mark.parametrize("engine", ENGINES)
async def test_x6_a_logout_of_alice_ends_nothing_of_bobs(engine: Engine, site: str, how: str) -> None:
    async with system(engine) as place:
        person, hint = await hint_of_alice(place)
        query = urlencode({"id_token_hint": hint, "post_logout_redirect_uri": f"{HR}/", "state": "x"})
        if how == "link":
            reply = await person.ask(f"{LOGIN}{LOGOUT}?{query}", site=site)
        else:
            reply = await person.ask(f"{LOGIN}{LOGOUT}", "POST", body=query, site=site)
        assert reply.status == 302 and reply.location == f"{HR}/?state=x", "her application goes on as after any logout"
        assert place.live() == [BOB]
        assert await person.named_by_app() == BOB
        assert (await person.go(f"{HR}/")).body == f"hello {BOB}"


@pytest.mark.parametrize("engine", ENGINES)
async def test_x6_a_logout_of_bob_ends_bobs_session(engine: Engine) -> None:
    async with system(engine) as place:
        person = await switched(place)
        hint = given(await authorized(person))["id_token"][0]
        reply = await person.ask(f"{LOGIN}{LOGOUT}?id_token_hint={hint}&post_logout_redirect_uri={quote(HR + '/', safe='')}")
        assert reply.status == 302
        await place.until()
        assert await person.named_by_app() is None


@pytest.mark.parametrize("query", ["", "id_token_hint=e30.e30.e30", "id_token_hint=nonsense"])
@pytest.mark.parametrize("engine", ENGINES)
async def test_x6_a_logout_that_okta_refused_ends_nothing(engine: Engine, query: str) -> None:
    async with system(engine) as place:
        person = await place.entered(BOB)
        reply = await person.ask(f"{LOGIN}{LOGOUT}?{query}")
        assert reply.status == 400
        assert place.live() == [BOB] and await person.named_by_app() == BOB


async def test_x6_two_hints_of_two_users_are_okta_s_to_refuse() -> None:
    async with system() as place:
        person, hint = await hint_of_alice(place)
        own = given(await authorized(person))["id_token"][0]
        await person.ask(f"{LOGIN}{LOGOUT}?id_token_hint={hint}&id_token_hint={own}")
        assert place.live() == [BOB] and await person.named_by_app() == BOB
