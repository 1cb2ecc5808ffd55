"""Row X22: Okta's cookies may be as large as a browser allows. Sign-in, app switch and sign-out work with them."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import DummyCookieJar

from gateway.dev.standin import Fault, OrgSession
from tests.field.restarts import restarted
from tests.harness.browser import ALICE, BOB, HR, LOGIN, WIKI, Browser
from tests.harness.site import Site, deployed

ME = "/api/v1/sessions/me"
PASS, PENDING, SIGN_OUT = "__Host-gateway", "__Host-gateway-pending", "/.gateway/sign-out"
LARGEST = 4096 - len("sid=")
"""Characters of a value that a browser still keeps."""


@asynccontextmanager
async def large(site: Site, size: int, login: str = ALICE) -> AsyncIterator[tuple[Browser, OrgSession]]:
    """A browser that takes long lines, signed in with two cookies of this size."""
    client = aiohttp.ClientSession(
        cookie_jar=DummyCookieJar(), skip_auto_headers=("User-Agent", "Accept"), max_line_size=65536, max_field_size=65536
    )
    session = site.org.sign_in(login)
    session.sid, session.idx = (secrets.token_urlsafe(size)[:size] for _ in range(2))
    try:
        browser = Browser(client, site.gateway.public_port)
        browser.signs_in(session)
        yield browser, session
    finally:
        await client.close()


def parts(browser: Browser, origin: str, name: str) -> Iterator[str]:
    return (kept for kept in browser.jar(origin) if kept == name or kept.removeprefix(f"{name}-").isdigit())


@pytest.mark.parametrize(("size", "cookies"), [(700, 1), (1400, 1), (2800, 2), (LARGEST, 3)])
async def test_x22_signing_in_works_for_cookies_of_any_size(size: int, cookies: int) -> None:
    async with deployed("identity") as site, large(site, size) as (browser, _):
        for origin in (HR, WIKI):
            shown, asked = await browser.walk(f"{origin}/where?{'x' * 1000}")
            assert shown.status == 200 and len(asked) == 4
            assert site.behind.visits[-1].value(b"x-auth-user" if origin == WIKI else b"remote-user") == ALICE.encode()
            assert len(list(parts(browser, origin, PASS))) == cookies
            assert all(len(name) + len(value) <= 4096 for name, value in browser.jar(origin).items())
        assert all(b"__Host-" not in line for visit in site.behind.visits for line in visit.fields)


async def test_x22_a_smaller_pass_takes_the_place_of_a_larger_one() -> None:
    async with deployed("identity") as site, large(site, LARGEST) as (browser, session):
        await browser.walk(f"{HR}/")
        assert len(list(parts(browser, HR, PASS))) == 3
        site.org.sessions.end(session)
        site.times.passed += 600
        browser.signs_in(site.org.sign_in(BOB))
        shown, _ = await browser.walk(f"{HR}/")
        assert shown.status == 200 and list(parts(browser, HR, PASS)) == [PASS]
        assert site.behind.visits[-1].value(b"remote-user") == BOB.encode()


@pytest.mark.parametrize("size", [2800, LARGEST])
async def test_x22_signing_out_takes_every_part_away(size: int) -> None:
    async with deployed("identity") as site, large(site, size) as (browser, _):
        await browser.walk(f"{HR}/")
        shown = await browser.ask((await browser.post(f"{HR}{SIGN_OUT}")).location)
        assert "You are signed out" in shown.body
        assert list(parts(browser, HR, PASS)) == [] and browser.okta_cookies() == {} and site.org.sessions.active() == []


async def test_x22_a_sign_out_in_an_app_that_is_not_proven_is_carried_whole() -> None:
    async with deployed("identity") as site, large(site, LARGEST) as (browser, _):
        await browser.walk(f"{HR}/")
        site.org.faults.add(Fault(ME, None, 503, times=None))
        shown = await browser.ask((await browser.post(f"{HR}{SIGN_OUT}")).location)
        assert "keep trying" in shown.body and sorted(browser.okta_cookies()) == [PENDING, f"{PENDING}-2", f"{PENDING}-3"]


async def test_x22_an_end_that_is_not_proven_is_carried_whole_and_closed_after_a_restart() -> None:
    async with deployed("identity") as site, large(site, LARGEST) as (browser, _):
        site.org.faults.add(Fault(ME, None, 503, times=None))
        await browser.post(f"{LOGIN}{SIGN_OUT}")
        assert sorted(browser.okta_cookies()) == [PENDING, f"{PENDING}-2", f"{PENDING}-3"]
        site.org.faults.clear()
        async with restarted(site) as after, large(after, 700, BOB) as (moved, bobs):
            moved.jars = browser.jars
            await moved.walk(f"{HR}/")
            assert moved.okta_cookies() == {} and [session.sid for session in after.org.sessions.active()] == [bobs.sid]


async def test_x22_a_ticket_that_is_too_long_for_an_address_is_good_once_and_for_its_host() -> None:
    async with deployed("identity") as site, large(site, LARGEST) as (browser, _):
        url = await browser.ticket_url()
        assert url.startswith(f"{HR}/.gateway/accept?ticket=~") and len(url) < 100
        await browser.ask(f"{WIKI}/")
        assert (await browser.ask(url.replace(HR, WIKI))).status == 400
        kept = dict(browser.jar(HR))
        assert (await browser.ask(url)).status == 303
        browser.jars[HR.removeprefix("https://")] = kept
        assert "used" in (await browser.ask(url)).body
        late = await browser.ticket_url()
        site.times.passed += 31
        assert "no_ticket" in (await browser.ask(late)).body
