"""Closing at Okta goes on to its end: without its client, past a bad hour of Okta's, and never says "gone" without proof."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import pytest

from gateway.clock import Clock
from gateway.closing import Closer
from gateway.core.session import Fingerprinter, SessionCookie
from gateway.core.switch import Confirm, Proven, Redeem, Refuse
from gateway.okta import Browser, Okta
from gateway.outbound import Deadlines, Destination, open_client
from gateway.revocations import LocalRevocations
from gateway.sessions import Asking, SessionRules, Sessions
from gateway.standin import Org, OrgSession, fault, serve

BROWSER = Browser(b"test", b"", b"", "127.0.0.1")
ME = "/api/v1/sessions/me"


@dataclass
class Room:
    """A closer before a running org, and what it told."""

    org: Org
    sessions: Sessions
    closer: Closer
    told: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, event: str, figures: Mapping[str, object]) -> None:
        self.told.append(event)
        self.changed.set()

    async def heard(self, event: str) -> None:
        while event not in self.told:
            self.changed.clear()
            await self.changed.wait()

    def signed_in(self, login: str = "alice@example.com") -> tuple[tuple[SessionCookie, ...], OrgSession]:
        session = self.org.sign_in(login)
        return (SessionCookie(b"sid", (session.sid or "").encode()),), session


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    running = await serve(Org(), "127.0.0.1", 0)
    deadlines, clock = Deadlines(1.0, 1.0, 1.0), Clock()
    async with open_client(deadlines, 10) as client:
        okta = Okta(client, Destination(running.url, running.url.removeprefix("http://")), deadlines)
        sessions = Sessions(
            Asking(okta, clock, lambda *_: None),
            LocalRevocations(clock.monotonic),
            Fingerprinter(b"k" * 32, running.url),
            SessionRules(),
            clock,
            lambda *_: None,
        )
        made = Room(running.org, sessions, Closer(sessions, okta, lambda e, f: made.tell(e, f), retry_seconds=(0.0,) * 5))
        yield made
        await made.closer.aclose()
        await sessions.aclose()
    await running.aclose()


async def test_a_session_is_closed_and_proven_gone(room: Room) -> None:
    cookies, session = room.signed_in()
    assert await room.closer.close(cookies, BROWSER) == Proven()
    assert session.is_over
    assert room.sessions.is_revoked(cookies)
    assert [row.method for row in room.org.journal.rows] == ["DELETE", "GET"]


async def test_what_could_not_be_proven_is_tried_again_until_it_is(room: Room) -> None:
    cookies, session = room.signed_in()
    room.org.faults.add(fault({"method": "DELETE", "path": ME, "status": 503, "times": 3}))
    refusal = await room.closer.close(cookies, BROWSER)
    assert refusal == Refuse("close_503", revoked=True)
    assert room.closer.backlog == 1
    await room.heard("close_proven_late")
    assert session.is_over


async def test_it_is_given_up_after_the_last_try_and_says_so(room: Room) -> None:
    cookies, session = room.signed_in()
    room.org.faults.add(fault({"method": "DELETE", "path": ME, "status": 503, "times": None}))
    assert isinstance(await room.closer.close(cookies, BROWSER), Refuse)
    await room.heard("close_given_up")
    assert not session.is_over
    assert room.sessions.is_revoked(cookies)


async def test_a_client_that_leaves_does_not_stop_a_closing(room: Room) -> None:
    cookies, session = room.signed_in()
    room.org.faults.add(fault({"method": "DELETE", "path": ME, "hold": True}))
    asked = asyncio.create_task(room.closer.close(cookies, BROWSER))
    await room.org.journal.seen("DELETE", ME)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    room.org.faults.clear()
    await room.org.journal.seen("GET", ME)
    assert session.is_over


async def test_a_later_switch_of_the_same_browser_ends_the_retries(room: Room) -> None:
    cookies, session = room.signed_in()
    room.org.faults.add(fault({"method": "DELETE", "path": ME, "status": 503, "times": 1}))
    assert isinstance(await room.closer.close(cookies, BROWSER), Refuse)
    assert await room.closer.switch(cookies, BROWSER, trusted=True) == Redeem()
    assert session.is_over
    for _ in range(5):  # the cancelled retry comes to its end
        await asyncio.sleep(0)
    assert room.closer.backlog == 0


async def test_an_untrusted_start_finds_a_user_behind_a_repeated_name(room: Room) -> None:
    cookies, session = room.signed_in()
    planted = SessionCookie(b"sid", b"102planted")
    outcome = await room.closer.switch((planted, *cookies), BROWSER, trusted=False)
    assert isinstance(outcome, Confirm)
    assert outcome.session.login == "alice@example.com"
    assert not session.is_over
    assert not room.sessions.is_revoked(cookies)


async def test_an_untrusted_start_while_okta_is_silent_changes_nothing(room: Room) -> None:
    cookies, _ = room.signed_in()
    room.org.faults.add(fault({"method": "GET", "path": ME, "status": 500, "times": None}))
    assert await room.closer.switch(cookies, BROWSER, trusted=False) == Refuse("status_500", revoked=False)
    assert not room.sessions.is_revoked(cookies)
    assert room.closer.backlog == 0
