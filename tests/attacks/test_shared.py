"""A sign-out at one gateway holds at another one with the same state, on every engine (C7, L14, U8, U9)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.dev.standin import Fault
from gateway.edge.frames import close_frame
from gateway.policy.session.revocation_epoch import TOLERANCE_SECONDS
from gateway.shared_state import MemoryState
from tests.attacks.streams import EVENT, app, broken, echoes, opened
from tests.harness.browser import ALICE, BOB, HR, WIKI, Browser
from tests.harness.site import CONFIGURATION, FETCH, Site, cookie_line, deployed
from tests.harness.wire import Wire

ME = "/api/v1/sessions/me"
ENGINES = ("memory", "sqlite")
SIGN_OUT = f"{HR}/.gateway/sign-out"


@asynccontextmanager
async def sharing(engine: str, folder: Path) -> AsyncIterator[tuple[Site, Site]]:
    """Two whole gateways with one memory, and one clock."""
    state = f'[state]\ndirectory = "{folder}"\n' if engine == "sqlite" else ""
    configuration = CONFIGURATION.replace("[[app]]", f"{state}[[app]]", 1)
    async with deployed(configuration=configuration, shares=MemoryState if engine == "memory" else None) as site, site.beside() as replica:
        site.times.passed += TOLERANCE_SECONDS + 1.0
        yield site, replica


@pytest.fixture(params=ENGINES)
async def two(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Site, Site]]:
    async with sharing(request.param, tmp_path) as made:
        yield made


async def test_c7_l14_a_pass_that_was_signed_out_at_one_is_refused_by_the_other_in_its_next_request(two: tuple[Site, Site]) -> None:
    site, replica = two
    browser, bob = await site.entered(), await site.signed_in(BOB)
    await site.enters(browser, WIKI)
    lines = {origin: cookie_line(browser, origin) for origin in (HR, WIKI)}
    for origin, line in lines.items():
        assert (await replica.ask("/", line, origin=origin)).status == 200  # known there from now on, and believed for the ttl
    assert (await replica.ask("/", bob)).status == 200
    assert (await browser.post(SIGN_OUT, "to=")).status == 303
    asked = site.seen(ME, "GET")
    site.behind.visits.clear()
    for origin, line in lines.items():
        assert (await replica.ask("/", line, origin=origin)).status == 401
    assert site.behind.visits == [] and site.seen(ME, "GET") == asked
    assert (await replica.ask("/", bob)).status == 200
    site.times.passed += 8 * 3600
    assert (await replica.ask("/", lines[HR])).status == 401


async def test_l14_on_one_connection_that_stays_open_the_next_request_is_refused(two: tuple[Site, Site]) -> None:
    """The fast path: the same head again on the same connection, remembered whole."""
    site, replica = two
    browser = await site.entered()
    request = b"GET / HTTP/1.1\r\nHost: hr.example.com\r\n" + FETCH + cookie_line(browser, HR) + b"\r\n"
    wire = await replica.connect()
    for _ in range(5):
        await wire.say(request)
        assert (await wire.head()).startswith(b"HTTP/1.1 200 ")
        await wire.exactly(5)
    site.behind.visits.clear()
    assert (await browser.post(SIGN_OUT, "to=")).status == 303
    site.behind.visits.clear()
    await wire.say(request)
    assert (await wire.head()).startswith(b"HTTP/1.1 401 ")
    assert site.behind.visits == []


async def test_c7_a_restart_brings_no_signed_out_pass_back(tmp_path: Path) -> None:
    async with sharing("sqlite", tmp_path) as (site, _):
        browser = await site.entered()
        line = cookie_line(browser, HR)
        site.org.faults.add(Fault(ME, "DELETE", 503, times=None))  # Okta would still believe it
        await browser.post(SIGN_OUT, "to=")
        async with site.beside() as restarted:
            assert (await restarted.ask("/", line)).status == 401


@dataclass
class OpenAtTwoGateways:
    """What alice has open at one of two gateways, and what bob has."""

    site: Site
    replica: Site
    alice: Browser
    hers: list[Wire]
    streams: list[Wire]
    his: Wire


@pytest.fixture
async def lasting(two: tuple[Site, Site]) -> OpenAtTwoGateways:
    site, replica = two
    browser, his = await site.entered(ALICE), await site.signed_in(BOB)
    hers = cookie_line(browser, HR)
    site.behind.script = app
    sockets = [await opened(replica, hers) for _ in range(2)]
    events, poll = await replica.connect(), await replica.connect()
    await events.say(b"GET /events HTTP/1.1\r\nHost: hr.example.com\r\n" + FETCH + hers + b"\r\n")
    await events.until(EVENT % 1)
    site.behind.arrived.clear()
    await poll.say(b"GET /poll HTTP/1.1\r\nHost: hr.example.com\r\n" + FETCH + hers + b"\r\n")
    await site.behind.arrived.wait()
    return OpenAtTwoGateways(site, replica, browser, sockets, [events, poll], await opened(replica, his))


async def test_u8_signing_out_at_one_ends_all_that_is_open_at_the_other_and_nobody_elses(lasting: OpenAtTwoGateways) -> None:
    assert (await lasting.alice.post(SIGN_OUT, "to=")).status == 303
    for wire in lasting.hers:
        assert await wire.rest() == close_frame(1008)
    for stream in lasting.streams:
        assert await broken(stream)
    assert await echoes(lasting.his, b"still here")


async def test_u9_nothing_stays_open_at_the_other_beyond_the_end_that_okta_named(lasting: OpenAtTwoGateways) -> None:
    lasting.site.org.faults.add(Fault(ME, "GET", 503, times=None))
    lasting.site.times.passed += 13 * 3600
    for wire in (*lasting.hers, lasting.his):
        assert await wire.rest() == close_frame(1008)
    for stream in lasting.streams:
        assert await broken(stream)


def _works_again(site: Site) -> bool:
    """Whether every gateway that told of a failure has told of its end."""
    events = [line["event"] for line in site.lines]
    return 0 < events.count("state_failed") == events.count("state_works")


async def test_l14_with_a_state_that_fails_a_sign_out_acts_here_and_the_ttl_bounds_the_other_until_it_works_again(tmp_path: Path) -> None:
    async with sharing("sqlite", tmp_path) as (site, replica):
        browser, bob = await site.entered(), await site.entered(BOB)
        line, his = cookie_line(browser, HR), cookie_line(bob, HR)
        for one in (line, his):
            assert (await replica.ask("/", one)).status == 200
        (tmp_path / "state.db").rename(tmp_path / "away.db")
        (tmp_path / "state.db").mkdir()
        page = await browser.post(SIGN_OUT, "to=")
        assert page.status in (200, 303)
        assert (await site.ask("/", line)).status == 401
        site.times.passed += 10.1
        assert (await replica.ask("/", line)).status == 401
        site.org.faults.add(Fault(ME, "DELETE", 503, times=None))  # from here on Okta itself ends nothing
        await bob.post(SIGN_OUT, "to=")
        assert (await replica.ask("/", his)).status == 200
        (tmp_path / "state.db").rmdir()
        (tmp_path / "away.db").rename(tmp_path / "state.db")
        site.times.passed += 1.1  # the next try to write what could not be written
        async with asyncio.timeout(20):
            while not _works_again(site):  # noqa: ASYNC110 - a log tells nobody of a new line
                await asyncio.sleep(0)
        assert (await replica.ask("/", his)).status == 401
