"""Okta fails in every way, at every step, on both engines: no token is sent too early, no user is wrongly "signed out", no app opens.

In each of these tests the deployment (``system``) also checks the main promise: no token beside an older session, or before its end.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

import pytest

from gateway.dev.standin import Engine
from tests.harness.person import ALICE, BOB, CAROL, HR, LOGIN, Person, PersonReply, redemption
from tests.harness.system import ME, REDIRECT, System, quoted, system

FAULTS: Mapping[str, Mapping[str, object]] = {
    "busy": {"status": 429},
    "broken": {"status": 500},
    "slow": {"hold": True},
    "page": {"status": 200, "body": "<html>We are down for maintenance</html>"},
    "redirect": {"status": 302, "headers": {"Location": "https://status.example.org/"}},
    "gone": {"status": 0},
    "lost": {"status": 0, "after": True},
}
ENGINES: tuple[Engine, ...] = ("classic", "identity")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.param
    return found


@pytest.fixture(params=FAULTS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def weather(engine: Engine, kind: str) -> AbstractAsyncContextManager[System]:
    """A system whose gateway waits long, except where waiting in vain is what is tried."""
    return system(engine, first_byte="300ms", forward="300ms") if kind == "slow" else system(engine)


def is_sign_in(reply: PersonReply) -> bool:
    """Whether the answer treats its user as signed out."""
    return reply.status == 401 or (reply.status in (302, 303, 307) and ("/.gateway/" in reply.location or "/login/" in reply.location))


async def ends_as_bob(place: System, person: Person, url: str, *, lost: tuple[str, ...] = (), asks: bool = False) -> None:
    """The weather clears, and the same browser comes again; ``lost`` are sessions whose cookies never left the org.

    ``asks``: the token came by a stranger's link before, so the user is asked, and says yes.
    """
    place.org.faults.clear()
    place.later(61)
    reply = await person.go(url)
    if asks:
        assert (reply.status, ALICE in reply.body, place.live()) == (200, True, [ALICE])
        reply = await person.confirm(reply)
    assert (reply.status, reply.body) == (200, f"hello {BOB}")
    assert place.live() == sorted([BOB, *lost])
    assert person.cookie("sid") in {session.sid for session in place.org.sessions.active()}
    assert await person.named_by_app() == BOB


@pytest.mark.parametrize("is_script", [False, True])
async def test_a_check_that_fails_signs_nobody_out_and_shows_nothing(engine: Engine, kind: str, is_script: bool) -> None:
    async with weather(engine, kind) as place:
        person = await place.entered(ALICE)
        seen = len(place.told)
        place.later(11)
        place.fails(ME, method="GET", times=None, **FAULTS[kind])
        reply = await (person.script(f"{HR}/salary") if is_script else person.ask(f"{HR}/salary"))
        assert reply.status == 503
        assert int(reply.values("Retry-After")[0]) >= 1
        assert not [line for line in reply.set_cookies if "Max-Age=0" in line]
        assert len(place.told) == seen
        handed = await person.ask(f"{HR}/.gateway/sign-in?to=/")
        assert (await person.ask(handed.location)).status == 503
        place.org.faults.clear()
        place.later(61)
        assert await person.named_by_app() == ALICE


async def test_who_is_asked_whether_to_go_on_is_not_asked_in_the_dark(engine: Engine, kind: str) -> None:
    async with weather(engine, kind) as place:
        person = await place.entered(ALICE)
        place.later(11)
        place.fails(ME, method="GET", times=None, **FAULTS[kind])
        token = place.org.session_token(BOB)
        reply = await person.ask(redemption(token), site="cross-site")
        assert (reply.status, reply.set_cookies) == (503, [])
        assert (place.sent(token), place.rows("DELETE", ME), place.live()) == ([], [], [ALICE])
        await ends_as_bob(place, person, redemption(token), asks=True)
        assert len(place.sent(token)) == 1


async def test_a_trusted_switch_does_not_need_to_know_who_was_there(engine: Engine, kind: str) -> None:
    async with weather(engine, kind) as place:
        person = await place.entered(ALICE)
        place.later(11)
        place.fails(ME, method="GET", **FAULTS[kind])
        token = place.org.session_token(BOB)
        assert (await person.ask(redemption(token), site="same-site")).location == f"{HR}/"
        await ends_as_bob(place, person, f"{HR}/")
        assert len(place.sent(token)) == 1


@pytest.mark.parametrize("step", ["close", "verify", "verify again"])
async def test_an_end_that_is_not_proven_keeps_the_token_unspent(engine: Engine, kind: str, step: str) -> None:
    if engine == "classic" and step == "verify again":
        step = "close and verify"
    async with weather(engine, kind) as place:
        person = await place.entered(ALICE)
        seen = len(place.told)
        if "close" in step:
            place.fails(ME, method="DELETE", times=None, **FAULTS[kind])
        if "verify" in step:
            place.fails(ME, method="GET", skip=int(step == "verify again"), times=None, **FAULTS[kind])
        token = place.org.session_token(BOB)
        reply = await person.ask(redemption(token), site="same-site")
        assert reply.status == 503
        assert place.sent(token) == []
        assert person.cookie("sid") is None and person.cookie("idx") is None
        assert person.cookie("__Host-gateway-pending") is not None
        assert is_sign_in(await person.ask(f"{HR}/salary"))
        assert len(place.told) == seen
        await ends_as_bob(place, person, redemption(token))
        assert person.cookie("__Host-gateway-pending") is None
        assert len(place.sent(token)) == 1


async def test_a_redemption_that_fails_is_sent_once_and_the_next_token_is_good(engine: Engine, kind: str) -> None:
    async with weather(engine, kind) as place:
        person = await place.entered(ALICE)
        seen = len(place.told)
        place.fails(REDIRECT, **FAULTS[kind])
        token = place.org.session_token(BOB)
        await person.ask(redemption(token), site="same-site")
        assert len(place.sent(token)) == 1
        assert place.live() == ([BOB] if kind == "lost" else [])
        assert person.cookie("sid") is None and person.cookie("idx") is None
        assert is_sign_in(await person.ask(f"{HR}/salary"))
        assert len(place.told) == seen
        place.org.faults.clear()
        again = await person.go(redemption(token))
        assert again.status == (200 if kind == "busy" else 409)
        assert len(place.sent(token)) == (2 if kind == "busy" else 1)
        # What was given up on may still be acted on: nobody ever learns the cookies of that session.
        lost = (BOB,) if kind in ("lost", "slow") else ()
        await ends_as_bob(place, person, redemption(place.org.session_token(BOB)), lost=lost)


async def test_a_sid_that_outlives_its_idx_is_found_and_closed() -> None:
    async with system("identity", quirks=["delete-404-leaves-sid", "sid-noise", "idp-missing"]) as place:
        person = await place.entered(ALICE)
        assert (await place.enter(person, BOB)).body == f"hello {BOB}"
        assert place.live() == [BOB]


async def test_an_org_that_will_not_say_who_is_there_is_never_taken_for_empty(engine: Engine) -> None:
    async with system(engine) as place:
        person = await place.entered(ALICE)
        place.org.quirks.add("forbidden-but-active")
        place.later(11)
        assert (await person.ask(f"{HR}/")).status == 503
        token = place.org.session_token(BOB)
        assert (await person.ask(redemption(token), site="cross-site")).status == 503
        assert (await person.ask(redemption(token), site="same-site")).status == 503
        assert (place.live(), place.sent(token)) == ([ALICE], [])
        chosen = place.org.session_token(BOB)
        assert (await person.ask(redemption(chosen), site="same-site")).location == f"{HR}/"
        assert place.live() == [BOB]


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_browser_that_carries_an_unproven_end_closes_it_first(engine: Engine, restarts: bool) -> None:
    async with system(engine) as place:
        person = await place.entered(ALICE)
        token = place.org.session_token(BOB)
        place.is_down()
        assert (await person.ask(redemption(token), site="same-site")).status == 503
        if restarts:
            await place.restart()
        else:
            assert is_sign_in(await person.ask(f"{HR}/salary"))
        place.org.faults.clear()
        place.later(61)
        rows = len(place.org.journal.rows)
        page = await person.ask(redemption(token), site="cross-site")
        assert (page.status, place.live(), place.sent(token)) == (200, [ALICE], [])
        assert (await person.confirm(page)).body == f"hello {BOB}"
        after = place.org.journal.rows[rows:]
        assert "DELETE" in {row.method for row in after if row.path == ME}
        assert place.live() == [BOB]
        assert await person.named_by_app() == BOB


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("where", [HR, LOGIN])
async def test_a_sign_out_that_okta_did_not_hear_of_is_finished_before_the_next_user(engine: Engine, where: str, restarts: bool) -> None:
    async with system(engine) as place:
        person = await place.entered(ALICE)
        place.is_down()
        page = await person.go(f"{where}/.gateway/sign-out", site="same-origin", method="POST", body="to=")
        assert page.status == 200
        assert person.cookie("__Host-gateway-pending") is not None
        assert person.cookie("sid") is None and person.cookie("idx") is None
        assert person.cookie("__Host-gateway", HR) is None or where == LOGIN
        assert place.live() == [ALICE]
        if restarts:
            await place.restart()
        else:
            assert await person.named_by_app() is None
        place.org.faults.clear()
        place.later(61)
        assert (await place.enter(person, CAROL)).body == f"hello {CAROL}"
        assert place.live() == [CAROL]


async def test_a_sign_out_at_okta_that_failed_is_finished_before_the_next_user(engine: Engine) -> None:
    """Okta's own sign-out link, while Okta is away: after a restart nothing but the browser knows of it."""
    async with system(engine) as place:
        person = await place.entered(ALICE)
        place.is_down()
        assert (await person.ask(f"{LOGIN}/login/signout?fromURI={quoted(HR)}", site="same-site")).status == 503
        await place.restart()
        place.org.faults.clear()
        assert (await place.enter(person, BOB)).body == f"hello {BOB}"
        assert place.live() == [BOB]
