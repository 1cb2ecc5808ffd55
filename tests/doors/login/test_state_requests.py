"""What a request to the login host asks the shared state: nothing for a stranger, one look for a user, counted on real engines."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import cast

import pytest

from gateway.policy.http.cookies import BROWSER_NAME
from tests.field.sign_ins_without_token import Beginning, by_callback, by_form
from tests.harness.person import ALICE, BOB, HR, LOGIN, NAVIGATION, SCRIPT
from tests.harness.system import System, system
from tests.shared_state.counted import Folder
from tests.shared_state.engines import ENGINES, Engine, StateClock

PICTURE = {"Accept": "image/*", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
SHARED = [engine for engine in ENGINES if engine != "memory"]


@pytest.fixture(params=SHARED)
async def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    return Folder(cast(Engine, request.param), tmp_path / "state", StateClock())  # pytest does not say what type a parameter has


@pytest.fixture
async def place(folder: Folder) -> AsyncIterator[System]:
    async with system(state=folder) as made:
        folder.calls.clear()
        yield made


@pytest.mark.parametrize("fields", [NAVIGATION, SCRIPT, PICTURE])
@pytest.mark.parametrize("path", ["/login/login.htm", "/login/login.htm?fromURI=%2Fapp%2FUserHome", "/oauth2/v1/keys", "/img/logo.png"])
async def test_a_page_of_a_stranger_asks_nothing(place: System, folder: Folder, path: str, fields: Mapping[str, str]) -> None:
    for site in ("none", "cross-site", "same-origin"):
        await place.person().ask(f"{LOGIN}{path}", fields=fields, site=site)
    assert folder.calls == []


async def test_a_browser_that_has_an_id_and_no_session_asks_nothing_for_a_page(place: System, folder: Folder) -> None:
    person = place.person()
    await person.ask(f"{LOGIN}/login/login.htm")
    assert person.cookie("__Host-gateway-browser") is not None
    await person.ask(f"{LOGIN}/login/login.htm")
    assert folder.calls == []


@pytest.mark.parametrize("path", ["/.gateway/session", "/.gateway/", "/.gateway/sign-out", "/.gateway/no-such-page"])
async def test_an_own_page_of_a_stranger_asks_nothing(place: System, folder: Folder, path: str) -> None:
    await place.person().ask(f"{LOGIN}{path}", site="none")
    assert folder.calls == []


async def test_the_way_of_a_stranger_from_an_app_to_the_sign_in_page_is_counted_once(place: System, folder: Folder) -> None:
    reply = await place.person().go(f"{HR}/", site="none")
    assert reply.url.startswith(f"{LOGIN}/login/login.htm")
    assert folder.calls == [("claim", "sign-in-try")], "a way that goes round in circles is noticed by this"


@pytest.mark.parametrize("begins", [by_form, by_callback])
async def test_a_strangers_first_sign_in_without_a_token_is_written_down_and_takes_no_turn(
    place: System, folder: Folder, begins: Beginning
) -> None:
    person = place.person()
    await begins(place, person, ALICE)
    assert folder.calls == [("put", "browser")]
    assert (await person.go(f"{HR}/")).body == f"hello {ALICE}"


async def test_a_browser_that_has_an_id_signs_in_within_its_turn(place: System, folder: Folder) -> None:
    person = place.person()
    await person.ask(f"{LOGIN}/login/login.htm")
    await by_form(place, person, ALICE)
    assert folder.calls == [("lease", ""), ("get", "browser"), ("put", "browser"), ("release", "")]
    folder.calls.clear()
    await by_form(place, person, BOB)
    assert folder.calls.count(("lease", "")) == folder.calls.count(("release", "")) == 1
    assert place.live() == [BOB]


@pytest.mark.parametrize("fields", [NAVIGATION, SCRIPT, PICTURE])
async def test_a_page_of_a_user_is_one_look_and_writes_nothing(place: System, folder: Folder, fields: Mapping[str, str]) -> None:
    person = await place.entered(ALICE)
    for path in ("/app/UserHome", "/login/login.htm", "/img/logo.png"):
        folder.calls.clear()
        await person.ask(f"{LOGIN}{path}", fields=fields, site="same-origin")
        assert folder.calls == [("get", "browser")]


async def test_a_page_of_a_session_whose_browser_lost_its_id_asks_nothing(place: System, folder: Folder) -> None:
    person = await place.entered(ALICE)
    person.jar = {key: value for key, value in person.jar.items() if key[2] != BROWSER_NAME.decode()}
    folder.calls.clear()
    await person.ask(f"{LOGIN}/app/UserHome", site="same-origin")
    assert folder.calls == []


async def test_an_app_page_of_a_user_asks_nothing(place: System, folder: Folder) -> None:
    person = await place.entered(ALICE)
    folder.calls.clear()
    assert (await person.ask(f"{HR}/", site="same-origin")).body == f"hello {ALICE}"
    assert folder.calls == []
