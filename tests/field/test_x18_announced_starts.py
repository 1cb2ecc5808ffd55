"""Row X18: a portal on another site whose links have no ``Referer`` announces each sign-in to the gateway beforehand.

Source: helmet, whose default is ``Referrer-Policy: no-referrer``.
"""

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.harness.person import AGENT, ALICE, BOB, HR, LOGIN, NAVIGATION, Person, PersonReply, redemption
from tests.harness.system import System, system

SECRET = "a-portals-secret-of-some-length-0123456789"
STARTS = f"{LOGIN}/.gateway/starts"
ADDRESS = "127.0.0.1"


@asynccontextmanager
async def with_portal(folder: Path) -> AsyncIterator[System]:
    file = folder / "portals"
    file.write_text(f"# of the portal\n{SECRET}\n")
    file.chmod(0o600)
    async with system(switch=f'portal_secrets_file = "{file}"') as place:
        yield place


async def announced(place: System, said: object, authorization: str | None = f"Bearer {SECRET}", method: str = "POST") -> int:
    fields = {"Accept": "*/*"} | ({"Authorization": authorization} if authorization is not None else {})
    body = said if isinstance(said, str) else json.dumps(said)
    reply = await place.person().ask(STARTS, method, fields=fields, site="", body=body, content_type="application/json")
    return reply.status


def start(token: str | None = None, address: str = ADDRESS, agent: str = AGENT) -> dict[str, str]:
    digest = {"token_sha256": hashlib.sha256(token.encode()).hexdigest()} if token is not None else {}
    return {"address": address, "user_agent": agent, **digest}


async def follows(person: Person, token: str) -> PersonReply:
    """The portal's link, without a Referer."""
    return await person.ask(redemption(token), site="cross-site")


def is_asked(reply: PersonReply) -> bool:
    return reply.status == 200 and "/.gateway/switch" in reply.body


@pytest.mark.parametrize("names_token", [True, False], ids=["with the token", "without it"])
async def test_x18_an_announced_start_is_trusted_once(tmp_path: Path, names_token: bool) -> None:
    async with with_portal(tmp_path) as place:
        person = await place.entered(ALICE)
        token, second = place.org.session_token(BOB), place.org.session_token(ALICE)
        assert await announced(place, start(token if names_token else None)) == 204
        reply = await follows(person, token)
        assert (reply.status, reply.location) == (302, f"{HR}/") and place.live() == [BOB]
        assert is_asked(await follows(person, second)), "one use"
        assert place.live() == [BOB]


async def test_x18_without_an_announcement_it_is_asked_about(tmp_path: Path) -> None:
    async with with_portal(tmp_path) as place:
        person = await place.entered(ALICE)
        assert is_asked(await follows(person, place.org.session_token(BOB)))


@pytest.mark.parametrize(
    "authorization", [None, "Bearer wrong", f"Basic {SECRET}", f"Bearer {SECRET}x", "Bearer ", "Bearer # of the portal", SECRET]
)
async def test_x18_only_the_secret_announces(tmp_path: Path, authorization: str | None) -> None:
    async with with_portal(tmp_path) as place:
        person, token = await place.entered(ALICE), place.org.session_token(BOB)
        assert await announced(place, start(token), authorization) == 401
        assert is_asked(await follows(person, token))


async def test_x18_an_announcement_is_good_for_a_minute(tmp_path: Path) -> None:
    async with with_portal(tmp_path) as place:
        person = await place.entered(ALICE)
        token, late = place.org.session_token(BOB), place.org.session_token(ALICE)
        assert await announced(place, start(token)) == 204
        place.later(59)
        assert (await follows(person, token)).status == 302
        assert await announced(place, start(late)) == 204
        place.later(61)
        assert is_asked(await follows(person, late))


@pytest.mark.parametrize(
    "other", [start(address="127.0.0.2"), start(agent="another browser"), start("20111another")], ids=["address", "agent", "token"]
)
async def test_x18_it_is_for_that_browser_and_that_token_alone(tmp_path: Path, other: dict[str, str]) -> None:
    async with with_portal(tmp_path) as place:
        person = await place.entered(ALICE)
        assert await announced(place, other) == 204
        assert is_asked(await follows(person, place.org.session_token(BOB)))
        assert place.live() == [ALICE]


async def test_x18_it_needs_no_more_than_the_browser_has(tmp_path: Path) -> None:
    async with with_portal(tmp_path) as place:
        person, token = place.person(), place.org.session_token(BOB)
        assert await announced(place, start(token)) == 204
        assert (await follows(person, token)).status == 302 and place.live() == [BOB]


async def test_x18_a_token_that_a_stranger_chose_is_asked_about_all_the_same(tmp_path: Path) -> None:
    """The stranger's link goes through Okta's own page; the announcement was for another start."""
    async with with_portal(tmp_path) as place:
        person, token = await place.entered(ALICE), place.org.session_token(BOB)
        assert await announced(place, start()) == 204
        reply = await person.go(f"{LOGIN}/login/login.htm?fromURI=%2Flogin%2FsessionCookieRedirect%3Ftoken%3D{token}", site="cross-site")
        assert is_asked(reply) and place.live() == [ALICE]


async def test_x18_a_frame_of_another_site_is_refused_whatever_was_announced(tmp_path: Path) -> None:
    async with with_portal(tmp_path) as place:
        person, token = await place.entered(ALICE), place.org.session_token(BOB)
        assert await announced(place, start(token)) == 204
        framed = {**NAVIGATION, "Sec-Fetch-Dest": "iframe"}
        assert (await person.ask(redemption(token), fields=framed, site="cross-site")).status == 403
        assert place.live() == [ALICE]


@pytest.mark.parametrize(
    "said",
    ["", "[]", "nonsense", '{"address": "127.0.0.1"}', {"address": 1, "user_agent": "x"}, start() | {"token_sha256": "zz"}, "[" * 9000],
)
async def test_x18_what_is_no_announcement_is_said(tmp_path: Path, said: object) -> None:
    async with with_portal(tmp_path) as place:
        assert await announced(place, said) in (400, 413)


async def test_x18_only_post_announces_and_only_where_a_portal_may(tmp_path: Path) -> None:
    async with with_portal(tmp_path) as place:
        assert await announced(place, "", method="GET") == 405
    async with system() as place:
        assert await announced(place, start()) == 404


async def test_x18_the_secret_is_never_written_down(tmp_path: Path) -> None:
    async with with_portal(tmp_path) as place:
        await announced(place, start(), f"Bearer {SECRET}")
        await announced(place, start(), f"Bearer {SECRET}x")
        assert SECRET not in place.written.getvalue()


async def test_x18_a_referrer_that_names_the_portal_is_enough() -> None:
    async with system() as place:
        person, token = await place.entered(ALICE), place.org.session_token(BOB)
        fields = {**NAVIGATION, "Referer": "https://portal.example.com/"}
        assert (await person.ask(redemption(token), fields=fields, site="cross-site")).status == 302
        assert place.live() == [BOB]
