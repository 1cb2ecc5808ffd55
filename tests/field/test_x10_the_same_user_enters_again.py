"""Row X10: if the same user signs in again by a token, her open streams continue. Another user's sign-in cuts them before his answer."""

import asyncio
from pathlib import Path

import pytest

from gateway.dev.standin import Fault
from gateway.edge.frames import close_frame
from tests.attacks.streams import EVENT, app, broken, echoes, opened
from tests.harness.browser import ALICE, BOB, FORM, HR, LOGIN, NAVIGATION, Browser, BrowserReply
from tests.harness.site import FETCH, Site, cookie_line, deployed
from tests.harness.wire import PATIENCE, Wire
from tests.harness.workers import several_workers

ME = "/api/v1/sessions/me"
REDIRECT = "/login/sessionCookieRedirect"
ENGINES = ["classic", "identity"]
SAME_SITE = {**NAVIGATION, "Sec-Fetch-Site": "same-site"}


async def comes_again(site: Site, browser: Browser, login: str) -> BrowserReply:
    """A portal's link with a fresh token."""
    token = site.org.session_token(login)
    return await browser.ask(f"{LOGIN}{REDIRECT}?token={token}&redirectUrl={HR}/", fields=SAME_SITE)


async def signs_out(browser: Browser) -> None:
    await browser.post(f"{LOGIN}/.gateway/sign-out", "to=", {**FORM, "Origin": LOGIN})


class LongAnswers:
    """What alice has open: a WebSocket, an event stream, a long poll."""

    def __init__(self, site: Site, socket: Wire, events: Wire, poll: Wire) -> None:
        self.site, self.socket, self.events, self.poll = site, socket, events, poll

    @classmethod
    async def of(cls, site: Site, line: bytes) -> "LongAnswers":
        site.behind.script = app
        socket = await opened(site, line)
        events, poll = await site.connect(), await site.connect()
        await events.say(b"GET /events HTTP/1.1\r\nHost: hr.example.com\r\n" + FETCH + line + b"\r\n")
        await events.until(EVENT % 1)
        site.behind.arrived.clear()
        await poll.say(b"GET /poll HTTP/1.1\r\nHost: hr.example.com\r\n" + FETCH + line + b"\r\n")
        await site.behind.arrived.wait()
        return cls(site, socket, events, poll)

    async def goes_on(self) -> None:
        assert await echoes(self.socket, b"still here")
        assert self.site.behind.open >= 3

    async def is_cut(self) -> None:
        async with asyncio.timeout(PATIENCE):
            assert await self.socket.rest() == close_frame(1008)
            assert await broken(self.events)
            assert await broken(self.poll)


@pytest.mark.parametrize("engine", ENGINES)
async def test_x10_the_same_users_connections_go_on_and_end_with_her_next_sign_out(engine: str) -> None:
    async with deployed(engine) as site:
        browser = await site.entered(ALICE)
        hers = await LongAnswers.of(site, cookie_line(browser, HR))
        for _ in range(2):
            reply = await comes_again(site, browser, ALICE)
            assert reply.status == 302 and len(site.org.sessions.active()) == 1
            await hers.goes_on()
            asked = site.seen(ME, "GET")
            site.times.passed += 11  # the next look finds the new session
            async with asyncio.timeout(PATIENCE):
                await site.org.journal.seen("GET", ME, times=asked + 1)
            await hers.goes_on()
        await signs_out(browser)
        await hers.is_cut()


@pytest.mark.parametrize("engine", ENGINES)
async def test_x10_another_users_entering_cuts_everything_before_he_gets_an_answer(engine: str) -> None:
    async with deployed(engine) as site:
        browser = await site.entered(ALICE)
        hers = await LongAnswers.of(site, cookie_line(browser, HR))
        reply = await comes_again(site, browser, BOB)
        assert reply.status == 302
        assert hers.socket.reader.at_eof() or await asyncio.wait_for(hers.socket.rest(), 1.0) == close_frame(1008)
        assert await broken(hers.events) and await broken(hers.poll)


async def test_x10_a_switch_that_is_refused_cuts_them() -> None:
    async with deployed() as site:
        browser = await site.entered(ALICE)
        hers = await LongAnswers.of(site, cookie_line(browser, HR))
        site.org.faults.add(Fault(ME, "DELETE", 503, times=None))
        assert (await comes_again(site, browser, ALICE)).status == 503
        await hers.is_cut()


async def test_x10_where_okta_does_not_say_who_came_they_are_cut() -> None:
    async with deployed() as site:
        browser = await site.entered(ALICE)
        hers = await LongAnswers.of(site, cookie_line(browser, HR))
        held = Fault(REDIRECT, release=asyncio.Event())
        site.org.faults.add(held)
        coming = asyncio.create_task(comes_again(site, browser, ALICE))
        await site.org.journal.seen("GET", REDIRECT)
        await hers.goes_on()
        site.org.faults.add(Fault(ME, "GET", 503, times=None))
        assert held.release is not None
        held.release.set()
        assert (await coming).status == 302
        await hers.is_cut()


async def test_x10_without_a_word_they_are_cut_after_half_a_minute() -> None:
    async with deployed() as site:
        browser = await site.entered(ALICE)
        hers = await LongAnswers.of(site, cookie_line(browser, HR))
        held = Fault(REDIRECT, release=asyncio.Event())
        site.org.faults.add(held)
        coming = asyncio.create_task(comes_again(site, browser, ALICE))
        await site.org.journal.seen("GET", REDIRECT)
        await hers.goes_on()
        site.times.passed += 31
        await hers.is_cut()
        assert held.release is not None
        held.release.set()
        await coming


async def test_x10_what_a_browser_without_an_id_has_open_is_cut_at_once() -> None:
    async with deployed() as site:
        browser = await site.entered(ALICE)
        hers = await LongAnswers.of(site, cookie_line(browser, HR))
        del browser.jar(LOGIN)["__Host-gateway-browser"]
        assert (await comes_again(site, browser, ALICE)).status == 302
        await hers.is_cut()


async def test_x10_a_sign_out_elsewhere_while_the_token_is_under_way_cuts_at_once() -> None:
    async with deployed() as site:
        browser = await site.entered(ALICE)
        hers = await LongAnswers.of(site, cookie_line(browser, HR))
        old = {name: value for name, value in browser.okta_cookies().items() if name in ("sid", "idx")}
        held = Fault(REDIRECT, release=asyncio.Event())
        site.org.faults.add(held)
        coming = asyncio.create_task(comes_again(site, browser, ALICE))
        await site.org.journal.seen("GET", REDIRECT)
        other = site.browser()
        other.jar(LOGIN).update(old)
        await signs_out(other)
        await hers.is_cut()
        assert held.release is not None
        held.release.set()
        await coming


async def test_x10_kin_of_the_same_user_are_not_cut() -> None:
    """Okta gives the same session another ``idx`` in an answer: nothing is revoked."""
    async with deployed("identity") as site:
        browser, session = site.session(ALICE)
        await site.enters(browser)
        hers = await LongAnswers.of(site, cookie_line(browser, HR))
        new = site.org.sessions.renew_idx(session)
        site.org.faults.add(Fault("/app/UserHome", status=200, body="home", set_cookies=(f"idx={new}; Path=/; Secure; HttpOnly",)))
        reply = await browser.ask(f"{LOGIN}/app/UserHome", fields={**NAVIGATION, "Sec-Fetch-Site": "same-origin"})
        assert reply.status == 200
        await hers.goes_on()


@pytest.mark.parametrize("login", [ALICE, BOB])
async def test_x10_in_every_worker(login: str, tmp_path: Path) -> None:
    """A long poll in each worker: the same user's go on and are answered, and another user's entering breaks them off."""
    async with several_workers(tmp_path) as running:
        browser, line = await running.entered()
        callers = await running.callers_of_all(line)
        asked = []
        for caller in callers.values():
            running.app.began.clear()
            asked.append(asyncio.create_task(caller.ask("/slow", line)))
            await running.app.began.wait()
        token = running.org.session_token(login)
        reply = await browser.ask(f"{LOGIN}{REDIRECT}?token={token}&redirectUrl={HR}/", fields=SAME_SITE)
        assert reply.status == 302
        if login == ALICE:
            running.app.release.set()
            assert await asyncio.gather(*asked) == [(200, f"hello {ALICE}")] * len(asked)
        else:
            assert await asyncio.gather(*asked) == [(0, "")] * len(asked)


async def test_x10_she_comes_again_and_then_another_user_does() -> None:
    """Three redemptions behind each other: what goes on under her new session ends with it."""
    async with deployed("identity") as site:
        browser = await site.entered(ALICE)
        hers = await LongAnswers.of(site, cookie_line(browser, HR))
        assert (await comes_again(site, browser, ALICE)).status == 302
        assert (await comes_again(site, browser, ALICE)).status == 302
        await hers.goes_on()
        assert (await comes_again(site, browser, BOB)).status == 302
        await hers.is_cut()
