"""The hand-off: how a session of the login host becomes a pass on an app host.

::

    app host                        login host                           app host
    sign_in ── start (sealed) ────▶ ticket ── ticket (sealed, 30 s) ───▶ accept ── pass, 303 to where the user wanted to go
    nonce in the browser              └─ no session: Okta's sign-in,       seal, host, age, nonce, one use
                                         which comes back to ``ticket``

Owns the three steps and both counters that end a loop (in the start cookie on the app host, in memory on the login host).
Must never make a ticket without a session that Okta confirmed, take one twice, or send a browser to an address that is not a
path of a configured host. Rules from: DESIGN section 2, ATTACKS R1 to R13, C8, C10.
"""

import secrets
from typing import assert_never

from cachetools import TTLCache

from gateway.clock import Clock
from gateway.core.cookies import PASS_NAME, START_NAME, expired, session_cookies, set_cookie, single
from gateway.core.handoff import Accepted, Refused
from gateway.core.handoff import accept as judge_ticket
from gateway.core.messages import Answer, Fields, Malformed, RequestHead
from gateway.core.navigation import BOUNCE_SECONDS, BOUNCES_ALLOWED, Kind, StartMark, kind_of
from gateway.core.passes import Start, Ticket, nonce_hash
from gateway.core.routing import App, RouteTable
from gateway.core.seal import Sealer
from gateway.core.session import NoSession, Session, SessionCookie, Unknown
from gateway.doors.answers import redirect_answer
from gateway.doors.own_requests import (
    ACCEPT,
    HANDOFF,
    Outcome,
    asked_target,
    at_okta,
    expired_here,
    no_session,
    not_navigating,
    page,
    parameters,
    pass_of,
    refused,
    sign_in_path,
    standing,
    target_or_root,
    unavailable,
)
from gateway.okta import browser_of
from gateway.pages import BadRequest, CookiesBlocked, LoopExplained
from gateway.sessions import Sessions

NONCE_SECONDS = 600
TICKET_SECONDS = 30.0
MOST_REMEMBERED = 20_000
TAG_CHARACTERS = 22
"""The end of a sealed text, where its authentication tag is: enough to tell one from another."""
LARGEST_PASS_BYTES = 4000
"""Browsers drop a cookie of more than 4096 bytes, name and attributes included, without a word."""


class AppHandoff:
    """The first and the last step, on the app hosts."""

    def __init__(self, table: RouteTable, sealer: Sealer, sessions: Sessions, clock: Clock) -> None:
        """Nothing is kept but the ids of the tickets used in the last minute (a ticket lives half of that)."""
        self._login = table.login
        self._sealer = sealer
        self._sessions = sessions
        self._clock = clock
        self._used: TTLCache[str, bool] = TTLCache(MOST_REMEMBERED, 2 * TICKET_SECONDS, timer=clock.monotonic)

    def sign_in(self, head: RequestHead, app: App, target: str | None = None) -> Answer:
        """Begin a hand-off for a top-level navigation that comes back to ``target`` (default: this very request).

        Anything else that came without a session gets 401 and the address where a navigation may begin (C10, L18).
        """
        target = target_or_root(head.target) if target is None else target
        if kind_of(head) is not Kind.NAVIGATION:
            return no_session(app.origin + sign_in_path(target))
        now = self._clock.wall()
        mark = StartMark.parse(single(head.fields, START_NAME), now)
        if mark.is_loop():
            # The history ends with this page: "Try once more" is the user's own step and gets three bounces again.
            looping = LoopExplained(app.authority.host, len(mark.bounces), retry_path=sign_in_path(target))
            return page(looping, self._clock).plus(expired(START_NAME))
        nonce = mark.nonce or secrets.token_urlsafe(24)
        start = Start(str(app.authority), target, nonce_hash(nonce), now)
        sealed = self._sealer.seal("start", str(self._login.authority), start.packed())
        location = f"{self._login.origin}{HANDOFF}?start={sealed}"
        return redirect_answer(302, location, set_cookie(START_NAME, StartMark(nonce, mark.bounces).render(), NONCE_SECONDS))

    async def begin(self, head: RequestHead, app: App) -> Outcome:
        """``/.gateway/sign-in?to=``: the same, asked for by a link."""
        given = parameters(head.query)
        target = given if isinstance(given, Malformed) else asked_target(given)
        if isinstance(target, Malformed):
            return refused(target, self._clock)
        if kind_of(head) is Kind.PREFETCH:
            return refused(Malformed(503, "prefetch"), self._clock)
        answer = self.sign_in(head, app, target)
        return Outcome(answer, "sign_in", {400: "sign_in_loop", 401: "not_a_navigation"}.get(answer.status, ""))

    async def accept(self, head: RequestHead, app: App) -> Outcome:
        """``/.gateway/accept?ticket=``: the pass and 303 to the return path, or a page that says why not."""
        given = parameters(head.query)
        if isinstance(given, Malformed):
            return refused(given, self._clock)
        hasty = not_navigating(head)
        if hasty is not None:
            return refused(hasty, self._clock)
        ticket = self._ticket(given.get("ticket", ""), app)
        mark = StartMark.parse(single(head.fields, START_NAME), self._clock.wall())
        is_used = ticket is not None and ticket.id in self._used
        decision = judge_ticket(ticket, str(app.authority), mark.nonce, self._clock.wall(), is_used)
        match decision:
            case Accepted() if ticket is not None:
                self._used[ticket.id] = True
                return self._accepted(decision, self._since_ended(mark, head), app)
            case Refused(reason):
                return await self._refused(reason, ticket, head, app)
            case _:
                raise AssertionError("no ticket is accepted that was not opened")

    def _ticket(self, text: str, app: App) -> Ticket | None:
        opened = self._sealer.open("ticket", str(app.authority), text)
        ticket = Ticket.unpacked(opened.payload) if opened is not None else None
        return ticket if ticket is not None and ticket.app == str(app.authority) else None

    def _accepted(self, decision: Accepted, mark: StartMark, app: App) -> Outcome:
        target = target_or_root(decision.target)
        fingerprint = self._sessions.shown_of(decision.held.cookies)
        finding = self._sessions.recall(decision.held.cookies)
        if isinstance(finding, NoSession) or self._sessions.is_revoked(decision.held.cookies):
            # Ended while the ticket was under way (signed out, or switched, in another tab): ask who is there now.
            return Outcome(redirect_answer(303, sign_in_path(target)), "sign_in", "ended_meanwhile", fingerprint)
        sealed = self._sealer.seal("pass", str(app.authority), decision.held.packed())
        if len(sealed) > LARGEST_PASS_BYTES:
            return refused(Malformed(500, "pass_too_large"), self._clock)
        return Outcome(redirect_answer(303, target, set_cookie(PASS_NAME, sealed), self._counted(mark, None)), "accept", "", fingerprint)

    def _since_ended(self, mark: StartMark, head: RequestHead) -> StartMark:
        """The mark without what was counted before a switch or a sign-out: users who take turns go round in no circle."""
        held = pass_of(self._sealer, head)
        return StartMark(mark.nonce) if held is not None and self._sessions.is_revoked(held.cookies) else mark

    def _counted(self, mark: StartMark, nonce: str | None) -> tuple[bytes, bytes]:
        """The start cookie after one more way through the login host; the fourth sign-in within a minute explains the loop (R13)."""
        bounced = mark.bounced(nonce or "", self._clock.wall())
        return set_cookie(START_NAME, StartMark(nonce, bounced.bounces).render(), NONCE_SECONDS if nonce else BOUNCE_SECONDS)

    async def _refused(self, reason: str, ticket: Ticket | None, head: RequestHead, app: App) -> Outcome:
        held = pass_of(self._sealer, head)
        target = target_or_root(ticket.target) if ticket is not None else "/"
        if held is not None and isinstance(await standing(self._sessions, held, head), Session):
            return Outcome(redirect_answer(303, target), "admit", reason, self._sessions.shown_of(held.cookies))
        if reason == "no_nonce":
            blocked = CookiesBlocked(app.authority.host, sign_in_path(target))
            return Outcome(page(blocked, self._clock), "refused", reason)
        if reason == "other_browser":
            # Tabs that began at once, without a cookie, made a nonce each and the last one stayed: this one begins again with it.
            mark = StartMark.parse(single(head.fields, START_NAME), self._clock.wall())
            return Outcome(redirect_answer(303, sign_in_path(target), self._counted(mark, mark.nonce)), "sign_in", reason)
        return Outcome(page(BadRequest(400, reason), self._clock), "refused", reason)


class LoginHandoff:
    """The step in the middle, on the login host."""

    def __init__(self, table: RouteTable, sealer: Sealer, sessions: Sessions, clock: Clock, sign_in: str) -> None:
        """``sign_in``: the config's ``okta.sign_in``, with ``{return}`` in it."""
        self._table = table
        self._sealer = sealer
        self._sessions = sessions
        self._clock = clock
        self._sign_in = sign_in
        self._tries: TTLCache[str, tuple[float, ...]] = TTLCache(MOST_REMEMBERED, BOUNCE_SECONDS, timer=clock.monotonic)

    async def hand_off(self, head: RequestHead) -> Outcome:
        """``/.gateway/handoff?start=``: a ticket for a live session, Okta's sign-in without one, 503 where Okta does not say."""
        given = parameters(head.query)
        text = given if isinstance(given, Malformed) else given.get("start", "")
        start = text if isinstance(text, Malformed) else self._start(text)
        if isinstance(start, Malformed):
            return refused(start, self._clock)
        hasty = not_navigating(head)
        if hasty is not None:
            return refused(hasty, self._clock)
        app = self._table.app(start.app)
        if app is None:
            return refused(Malformed(400, "unknown_app"), self._clock)
        if self._clock.wall() - start.issued_at > NONCE_SECONDS:
            # The nonce is gone from the browser by now; a new start costs the user nothing.
            return Outcome(redirect_answer(302, app.origin + sign_in_path(target_or_root(start.target))), "sign_in", "start_expired")
        judged = await self._sessions.judged(session_cookies(head.fields), browser_of(head))
        gone = expired_here(judged.names_over, head, everywhere=True)
        match judged.finding:
            case Session() as session:
                return self._hand_over((session, judged.living), start, app, gone)
            case NoSession(reason):
                return self._to_okta(reason, start, app, (str(text), gone))
            case Unknown() as unknown:
                return unavailable(unknown, self._clock)
            case _:
                assert_never(judged.finding)

    def _start(self, text: str) -> Start | Malformed:
        opened = self._sealer.open("start", str(self._table.login.authority), text)
        start = Start.unpacked(opened.payload) if opened is not None else None
        return start if start is not None else Malformed(400, "start")

    def _hand_over(self, who: tuple[Session, tuple[SessionCookie, ...]], start: Start, app: App, gone: Fields) -> Outcome:
        """``who``: the session and the cookies that carry it; ``gone``: the lines that take dead ones out of the browser."""
        session, living = who
        ticket = Ticket(
            id=secrets.token_urlsafe(16),
            app=start.app,
            nonce_hash=start.nonce_hash,
            cookies=living,
            user_id=session.user_id,
            session_id=session.id,
            target=start.target,
            expires_at=self._clock.wall() + TICKET_SECONDS,
        )
        sealed = self._sealer.seal("ticket", str(app.authority), ticket.packed())
        fingerprint = self._sessions.shown_of(ticket.cookies)
        return Outcome(redirect_answer(302, f"{app.origin}{ACCEPT}?ticket={sealed}", *gone), "ticket", "", fingerprint)

    def _to_okta(self, reason: str, start: Start, app: App, came: tuple[str, Fields]) -> Outcome:
        text, gone = came
        now = self._clock.monotonic()
        # A loop comes back with the same start; many tabs, or many steps back in the history, have one each.
        came_with = text[-TAG_CHARACTERS:]
        tries = (*(at for at in self._tries.get(came_with, ()) if now - at < BOUNCE_SECONDS), now)
        if len(tries) > BOUNCES_ALLOWED:
            self._tries.pop(came_with, None)  # the next try is the user's own
            looping = LoopExplained(self._table.login.authority.host, len(tries), retry_path=app.origin + sign_in_path(start.target))
            return Outcome(page(looping, self._clock), "refused", "sign_in_loop")
        self._tries[came_with] = tries
        return Outcome(redirect_answer(302, at_okta(self._sign_in, f"{HANDOFF}?start={text}"), *gone), "sign_in", reason)
