"""Row X8 at the login door: a revoked cookie beside another user's living one does not hide that user, and is removed from the browser."""

import pytest

from tests.harness.person import ALICE, BOB, CAROL, HR, LOGIN, NAVIGATION, Person
from tests.harness.system import System, system


async def left_behind(place: System) -> tuple[Person, str]:
    """Bob's session lives under ``idx``; beside it lies the ``sid`` of alice, who signed out."""
    alice = await place.entered(ALICE)
    dead = alice.cookie("sid") or ""
    await alice.ask(f"{LOGIN}/login/signout", site="same-origin")
    await place.until()
    person = place.person()
    person.signs_in(dead, place.org.sign_in(BOB).idx)
    return person, dead


@pytest.mark.parametrize("path", ["/app/UserHome", "/login/login.htm"])
async def test_x8_oktas_pages_are_shown_the_living_cookie_alone_and_the_dead_one_is_expired(path: str) -> None:
    async with system("identity") as place:
        person, dead = await left_behind(place)
        await person.ask(LOGIN + path, fields=NAVIGATION)
        [row] = place.rows("GET", path)
        assert "idx" in row.cookies and "sid" not in row.cookies
        assert person.cookie("sid") != dead
        assert (await person.go(f"{HR}/")).body == f"hello {BOB}"


async def test_x8_a_token_closes_the_living_one() -> None:
    async with system("identity") as place:
        person, _ = await left_behind(place)
        assert (await place.enter(person, CAROL)).body == f"hello {CAROL}"
        assert place.live() == [CAROL]


async def test_x8_a_strangers_link_names_the_living_user() -> None:
    async with system("identity") as place:
        person, _ = await left_behind(place)
        asked = await place.enter(person, CAROL, site="cross-site")
        assert asked.status == 200 and BOB in asked.body and place.live() == [BOB]


async def test_x8_oktas_sign_out_ends_the_living_one() -> None:
    async with system("identity") as place:
        person, _ = await left_behind(place)
        await person.ask(f"{LOGIN}/login/signout", site="same-origin")
        await place.until()
