"""Group U, open WebSockets and streams: each ends with its session, at once or at the next check, and no other one does (U8, U9)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from gateway.dev.standin import Fault
from gateway.edge.frames import close_frame
from tests.attacks.streams import EVENT, app, broken, echoes, opened
from tests.harness.browser import ALICE, BOB, HR, Browser
from tests.harness.site import FETCH, Site, cookie_line, deployed
from tests.harness.wire import PATIENCE, Wire

ME = "/api/v1/sessions/me"


@dataclass
class Lasting:
    """What alice has open, and what bob has."""

    site: Site
    alice: Browser
    hers: list[Wire]
    events: Wire
    poll: Wire
    his: Wire

    async def is_cut(self) -> None:
        """Everything of alice's has ended, and nothing of bob's."""
        for wire in self.hers:
            assert await wire.rest() == close_frame(1008)
        assert await broken(self.events)
        assert await broken(self.poll)
        assert await echoes(self.his, b"still here")
        async with asyncio.timeout(PATIENCE):
            while self.site.behind.open > 1:
                self.site.behind.gone.clear()
                await self.site.behind.gone.wait()


@pytest.fixture
async def lasting() -> AsyncIterator[Lasting]:
    """Two WebSockets, an event stream and a long poll of alice's, and a WebSocket of bob's."""
    async with deployed() as site:
        browser, his = await site.entered(ALICE), await site.signed_in(BOB)
        hers = cookie_line(browser, HR)
        site.behind.script = app
        sockets = [await opened(site, hers) for _ in range(2)]
        events, poll = await site.connect(), await site.connect()
        await events.say(b"GET /events HTTP/1.1\r\nHost: hr.example.com\r\n" + FETCH + hers + b"\r\n")
        await events.until(EVENT % 1)
        site.behind.arrived.clear()
        await poll.say(b"GET /poll HTTP/1.1\r\nHost: hr.example.com\r\n" + FETCH + hers + b"\r\n")
        await site.behind.arrived.wait()
        yield Lasting(site, browser, sockets, events, poll, await opened(site, his))


async def test_u8_signing_out_ends_all_that_is_open_and_nobody_elses(lasting: Lasting) -> None:
    assert (await lasting.alice.post(f"{HR}/.gateway/sign-out", "to=")).status == 303
    await lasting.is_cut()


async def test_u8_a_session_that_okta_ended_ends_what_is_open_once_its_answer_is_old(lasting: Lasting) -> None:
    mine = next(session for session in lasting.site.org.sessions.active() if session.user.login == ALICE)
    lasting.site.org.sessions.end(mine)
    lasting.site.times.passed += 11
    await lasting.is_cut()


async def test_u8_an_okta_that_does_not_answer_ends_nothing(lasting: Lasting) -> None:
    asked = lasting.site.seen(ME, "GET")
    lasting.site.org.faults.add(Fault(ME, "GET", 503, times=None))
    lasting.site.times.passed += 11
    async with asyncio.timeout(PATIENCE):  # the third look is behind what became of the first, at alice's session and at bob's
        await lasting.site.org.journal.seen("GET", ME, times=asked + 3)
    for wire in (*lasting.hers, lasting.his):
        assert await echoes(wire, b"still here")


async def test_u9_nothing_stays_open_beyond_the_end_that_okta_named(lasting: Lasting) -> None:
    lasting.site.org.faults.add(Fault(ME, "GET", 503, times=None))
    lasting.site.times.passed += 13 * 3600
    for wire in (*lasting.hers, lasting.his):
        assert await wire.rest() == close_frame(1008)
    assert await broken(lasting.events)
