"""Row X11: a call to Okta that ends sessions by id or user ends them at once in every app, and ends no other session.

Source: Okta's API. On Identity Engine the calls by id end only the ``sid`` half of a session.
"""

import json

import pytest

from gateway.dev.standin import Engine
from tests.harness.person import ALICE, BOB, CAROL, HR, LOGIN, SCRIPT, Person
from tests.harness.system import System, system

ENGINES = ["classic", "identity"]


async def administrator(place: System) -> Person:
    person = await place.entered(CAROL)
    place.org.administrators.add(CAROL)
    return person


async def calls(person: Person, method: str, path: str, body: str = "", **fields: str) -> int:
    sent = {**SCRIPT, **fields}
    reply = await person.ask(LOGIN + path, method, fields=sent, site="same-origin", body=body, content_type="application/json")
    return reply.status


@pytest.mark.parametrize("by", ["id", "sid"])
@pytest.mark.parametrize("engine", ENGINES)
async def test_x11_a_session_that_an_administrator_ends_by_its_id_is_over_at_once(engine: Engine, by: str) -> None:
    """What ``POST /sessions`` calls the id is the value of the session's ``sid``, and portals keep that."""
    async with system(engine) as place:
        carol, alice, bob = await administrator(place), await place.entered(ALICE), await place.entered(BOB)
        assert await calls(carol, "DELETE", f"/api/v1/sessions/{getattr(place.session(ALICE), by)}") == 204
        assert await alice.named_by_app() is None
        assert await bob.named_by_app() == BOB and await carol.named_by_app() == CAROL
        reply = await alice.go(f"{HR}/")
        assert not reply.body.startswith("hello")


@pytest.mark.parametrize("by", ["id", "login"])
@pytest.mark.parametrize("engine", ENGINES)
async def test_x11_every_session_of_a_user_that_an_administrator_ends_is_over_at_once(engine: Engine, by: str) -> None:
    async with system(engine) as place:
        carol, bob = await administrator(place), await place.entered(BOB)
        first, second = await place.entered(ALICE), await place.entered(ALICE)
        user = place.org.known_user(ALICE)
        assert await calls(carol, "DELETE", f"/api/v1/users/{user.id if by == 'id' else user.login}/sessions") == 204
        assert await first.named_by_app() is None and await second.named_by_app() is None
        assert await bob.named_by_app() == BOB and await carol.named_by_app() == CAROL
        await place.until(BOB, CAROL)


@pytest.mark.parametrize("engine", ENGINES)
async def test_x11_an_administrator_who_ends_her_own_session_by_its_id_is_out(engine: Engine) -> None:
    async with system(engine) as place:
        carol = await administrator(place)
        assert await calls(carol, "DELETE", f"/api/v1/sessions/{place.session(CAROL).id}") == 204
        assert await carol.named_by_app() is None
        await place.until()


@pytest.mark.parametrize(("body", "stays"), [("{}", True), ("", True), ('{"keepCurrent": false}', False), ('{"keepCurrent": true}', True)])
@pytest.mark.parametrize("engine", ENGINES)
async def test_x11_my_other_sessions_end_and_this_one_as_the_call_says(engine: Engine, body: str, stays: bool) -> None:
    async with system(engine) as place:
        here, elsewhere, bob = await place.entered(ALICE), await place.entered(ALICE), await place.entered(BOB)
        assert await calls(here, "POST", "/api/v1/users/me/lifecycle/delete_sessions", body) == 204
        assert await elsewhere.named_by_app() is None
        place.later(1)  # what Okta said in the very second of the call does not count
        assert not (await elsewhere.go(f"{HR}/")).body.startswith("hello")
        assert await bob.named_by_app() == BOB
        if stays:
            assert (await here.go(f"{HR}/")).body == f"hello {ALICE}"
            await place.until(ALICE, BOB)
        else:
            assert await here.named_by_app() is None
            await place.until(BOB)


@pytest.mark.parametrize("path", ["/api/v1/sessions/{id}", "/api/v1/users/{user}/sessions"])
async def test_x11_what_okta_refused_ends_nothing(path: str) -> None:
    async with system() as place:
        mallory, alice = await place.entered(BOB), await place.entered(ALICE)
        target = path.format(id=place.session(ALICE).id, user=place.org.known_user(ALICE).id)
        assert await calls(mallory, "DELETE", target) == 403
        assert await alice.named_by_app() == ALICE and await mallory.named_by_app() == BOB


async def test_x11_it_is_counted() -> None:
    async with system() as place:
        carol = await administrator(place)
        await place.entered(ALICE)
        await calls(carol, "DELETE", f"/api/v1/sessions/{place.session(ALICE).id}")
        events = [json.loads(line) for line in place.written.getvalue().splitlines()]
        assert [line["event"] for line in events if str(line.get("event")).startswith("sessions_ended")] == ["sessions_ended_by_call"]


@pytest.mark.parametrize("engine", ENGINES)
async def test_x11_a_program_with_an_api_token_ends_sessions_alike(engine: Engine) -> None:
    async with system(engine) as place:
        alice, program = await place.entered(ALICE), place.person()
        key = f"SSWS {place.org.api_token}"
        target = f"{LOGIN}/api/v1/users/{place.org.known_user(ALICE).id}/sessions"
        reply = await program.ask(target, "DELETE", fields={"Authorization": key}, site="")
        assert reply.status == 204
        assert await alice.named_by_app() is None


@pytest.mark.parametrize("engine", ENGINES)
async def test_x11_a_user_who_ends_her_own_session_by_its_second_id_is_out(engine: Engine) -> None:
    """The value of ``xids`` is the id that the links of Okta's answers name."""
    async with system(engine) as place:
        carol = await administrator(place)
        xids = place.session(CAROL).xids
        carol.keeps("xids", xids)
        assert await calls(carol, "DELETE", f"/api/v1/sessions/{xids}") == 204
        assert await carol.named_by_app() is None
        await place.until()
