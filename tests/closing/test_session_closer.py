"""Closing at Okta goes on to its end: without its client, past a bad hour of Okta's, and never says "gone" without proof."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace

import pytest

from gateway.closing.closing_steps import ClosingTimes
from gateway.closing.kept_closings import KeptClosings
from gateway.closing.session_closer import LIMITED, Closer
from gateway.coordination.in_flight_requests import InFlightRequests
from gateway.dev.standin import Org, OrgSession, fault, serve
from gateway.okta import BrowserFields, Okta
from gateway.outbound import Destination, Timeouts, open_client
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import Fingerprinter, SessionCookie
from gateway.policy.switch.switch import Confirm, Proven, Redeem, Refuse
from gateway.revocations import LocalRevocations
from gateway.sessions import Asking, SessionRules, Sessions
from gateway.shared_state import MemoryState
from tests.harness.clock import ScriptedClock

BROWSER = BrowserFields(b"test", b"", b"", "127.0.0.1")
ME = "/api/v1/sessions/me"


@dataclass
class Room:
    """A closer before a running org, and what it told."""

    org: Org
    sessions: Sessions
    revocations: LocalRevocations
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
    # The gateway's clock stands still: Okta's minute, which may end during a test, ends the count of guesses too.
    timeouts, clock = Timeouts(1.0, 1.0, 1.0), ScriptedClock(time.time()).clock
    async with open_client(timeouts, 10) as client:
        okta = Okta(client, Destination(running.url, running.url.removeprefix("http://")), timeouts)
        revocations = LocalRevocations(clock.monotonic)
        sessions = Sessions(
            Asking(okta, clock, lambda *_: None),
            revocations,
            Fingerprinter(b"k" * 32, running.url),
            SessionRules(),
            clock,
            lambda *_: None,
        )
        state, sealer = MemoryState(clock), Sealer((b"s" * 32,), secrets.token_bytes)
        kept, in_flight = KeptClosings(state, sealer), InFlightRequests()
        closer = Closer(sessions, okta, kept, in_flight, lambda e, f: made.tell(e, f), ClosingTimes(), retry_seconds=(0.0,) * 5)
        made = Room(running.org, sessions, revocations, closer)
        yield made
        await made.closer.aclose()
        await sessions.aclose()
    await running.aclose()


async def test_a_session_is_closed_and_proven_gone(room: Room) -> None:
    cookies, session = room.signed_in()
    room.sessions.issued(cookies)
    await room.sessions.current(cookies, BROWSER)
    room.org.journal.clear()
    assert await room.closer.close(cookies, BROWSER) == Proven()
    assert session.is_over
    assert room.sessions.is_revoked(cookies)
    assert [row.method for row in room.org.journal.rows] == ["DELETE", "GET"]


async def test_t14_the_id_of_a_session_that_is_not_remembered_is_asked_for_and_refused_before_it_is_closed(room: Room) -> None:
    cookies, session = room.signed_in()
    room.sessions.issued(cookies)
    assert await room.closer.close(cookies, BROWSER) == Proven()
    assert session.is_over
    assert room.sessions.has_session_ended(session.id)
    assert [row.method for row in room.org.journal.rows] == ["GET", "DELETE", "GET"]


async def test_t8_a_session_that_was_never_seen_here_is_asked_about_before_it_is_closed(room: Room) -> None:
    cookies, session = room.signed_in()
    assert await room.closer.close(cookies, BROWSER) == Proven()
    assert session.is_over
    assert [row.method for row in room.org.journal.rows] == ["GET", "DELETE", "GET"]


def made_up(number: int) -> tuple[SessionCookie, ...]:
    return tuple(SessionCookie(name, b"102madeup%d-%d" % (number, each)) for each in range(4) for name in (b"sid", b"idx"))


async def test_t8_made_up_cookies_cost_one_question_each_and_no_delete(room: Room) -> None:
    assert await room.closer.close(made_up(0), BROWSER) == Proven()
    assert [row.method for row in room.org.journal.rows] == ["GET"] * 8
    assert await room.closer.switch(made_up(1), BROWSER, trusted=True) == Redeem()
    assert [row.method for row in room.org.journal.rows] == ["GET"] * 16


async def test_t8_a_client_without_guesses_left_is_refused_and_nobody_tries_again_for_it(room: Room) -> None:
    room.org.limits.per_minute = 1000  # its guesses end before Okta's own limit is in sight
    for number in range(300 // 8 + 1):
        await room.closer.close(made_up(number), BROWSER)
    asked = len(room.org.journal.rows)
    assert asked == 300
    signed_out, switched = await room.closer.close(made_up(90), BROWSER), await room.closer.switch(made_up(91), BROWSER, trusted=True)
    assert isinstance(signed_out, Refuse) and (signed_out.reason, signed_out.revoked) == ("client_limited", True)
    assert isinstance(switched, Refuse) and (switched.reason, switched.revoked) == ("client_limited", False)
    assert room.sessions.is_revoked(made_up(90)[:1]) and not room.sessions.is_revoked(made_up(91)[:1])
    assert room.closer.backlog == 0 and len(room.org.journal.rows) == asked and room.closer.doubted == 0
    cookies, session = room.signed_in()
    room.sessions.issued(cookies)
    assert await room.closer.switch(cookies, BROWSER, trusted=True) == Redeem() and session.is_over


async def test_t8_a_planted_cookie_keeps_no_known_session_alive_where_no_guess_is_left(room: Room) -> None:
    """Whoever shares the client's address, and a sibling host, could else keep a user signed in at Okta behind her sign-out."""
    for number in range(300 // 8 + 1):
        await room.closer.close(made_up(number), BROWSER)
    cookies, session = room.signed_in()
    room.sessions.issued(cookies)
    signed_out = await room.closer.close((*made_up(90)[:2], *cookies), BROWSER)
    assert isinstance(signed_out, Refuse) and signed_out.reason in LIMITED
    assert session.is_over and room.closer.backlog == 0


async def test_t8_a_session_that_began_at_another_process_ends_where_no_guess_is_left(room: Room) -> None:
    for number in range(300 // 8 + 1):
        await room.closer.close(made_up(number), BROWSER)
    cookies, session = room.signed_in()
    assert await room.closer.close_issued(cookies, BROWSER) == Proven() and session.is_over


async def test_t8_one_client_has_one_closing_of_made_up_cookies_at_a_time(room: Room) -> None:
    room.org.faults.add(fault({"method": "GET", "path": ME, "hold": True, "times": None, "status": 200}))
    first, second = (asyncio.create_task(room.closer.close(made_up(number), BROWSER)) for number in range(2))
    other = asyncio.create_task(room.closer.close(made_up(2), replace(BROWSER, client="192.0.2.9")))
    await room.org.journal.seen("GET", ME, times=2)
    assert room.closer.doubted == 2
    room.org.faults.clear()
    await asyncio.gather(first, second, other)
    assert room.closer.doubted == 0


async def test_x9_what_okta_cannot_have_issued_is_not_closed(room: Room) -> None:
    planted = SessionCookie(b"sid", b"\xff\xfe")
    assert await room.closer.switch((planted,), BROWSER, trusted=True) == Redeem()
    assert await room.closer.close((planted,), BROWSER) == Proven()
    assert not await room.closer.questions.has_ended((planted,), BROWSER)
    assert room.org.journal.rows == []


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
    room.sessions.issued(cookies)
    room.org.faults.add(fault({"method": "DELETE", "path": ME, "hold": True}))
    asked = asyncio.create_task(room.closer.close(cookies, BROWSER))
    await room.org.journal.seen("DELETE", ME)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    room.org.faults.clear()
    await room.org.journal.seen("GET", ME, times=2)  # the first asked which session it is
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
    assert isinstance(outcome, Confirm) and outcome.session is not None
    assert outcome.session.login == "alice@example.com"
    assert not session.is_over
    assert not room.sessions.is_revoked(cookies)


async def test_an_untrusted_start_while_okta_is_silent_changes_nothing(room: Room) -> None:
    cookies, _ = room.signed_in()
    room.org.faults.add(fault({"method": "GET", "path": ME, "status": 500, "times": None}))
    assert await room.closer.switch(cookies, BROWSER, trusted=False) == Refuse("status_500", revoked=False)
    assert not room.sessions.is_revoked(cookies)
    assert room.closer.backlog == 0
