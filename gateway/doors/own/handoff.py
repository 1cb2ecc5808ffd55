"""The hand-off: turns a session of the login host into a pass on an app host. (Okta's cookies exist on the login host only.)

::

    app host                        login host                           app host
    sign_in ── start (sealed) ────▶ ticket ── ticket (sealed, 30 s) ───▶ accept ── pass, 303 to where the user wanted to go
    nonce in the browser              └─ no session: Okta's sign-in,       seal, host, age, nonce, one use
                                         which comes back to ``ticket``

Owns the first and the last step; the middle one is ``doors.own.login_handoff``. Counts each redirect that may lead back to the first step
(``policy.session.sign_in_loops``), so that a redirect loop ends with a page. Must never take a ticket twice. Must never give a pass to
the browser of another user before that browser was told to forget what it keeps of the former user. Must never redirect to anything but a
path of a configured host. Rules from: Clear Site Data (W3C).
"""

import secrets
from dataclasses import replace

from gateway.clock import Clock
from gateway.doors.answers import redirect_answer
from gateway.doors.app_sessions import FormerUsers
from gateway.doors.own.addresses import ACCEPT, AGAIN, HANDOFF, requested_target, return_target, sign_in_path, target_or_root
from gateway.doors.own.outcomes import Outcome, no_session, page, refusal
from gateway.doors.own.requests import not_navigating, parameters, pass_of, session_of_pass
from gateway.doors.own.tickets import Tickets
from gateway.errors import OutsideFailed
from gateway.okta import browser_fields_of
from gateway.pages import BadRequest, CookiesBlocked, GoingOn, LoopExplained
from gateway.policy.http.cookies import PASS_NAME, START_NAME, expired, set_cookie, single
from gateway.policy.http.messages import Answer, Malformed, RequestHead
from gateway.policy.routing.navigation import RequestKind, kind_of
from gateway.policy.routing.routing import App, RouteTable
from gateway.policy.session.handoff import Accepted, TicketRefused
from gateway.policy.session.handoff import accept as judge_ticket
from gateway.policy.session.owner import clears_only_at_home
from gateway.policy.session.passes import Pass, Start, Ticket, nonce_hash
from gateway.policy.session.revocation_epoch import with_epoch
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import Session
from gateway.policy.session.sign_in_loops import BOUNCE_SECONDS, StartMark, way_of
from gateway.policy.session.split_cookies import set_lines
from gateway.sessions import Sessions

NONCE_SECONDS = 600
ENDED_BY_OUR_CLOCK = "expired"
"""The reason of ``judge_at`` when Okta just confirmed a session that has already ended by this machine's clock."""


class AppHandoff:
    """The first and the last step of the hand-off, on the app hosts."""

    def __init__(self, table: RouteTable, sealer: Sealer, sessions: Sessions, clock: Clock, former: FormerUsers, tickets: Tickets) -> None:
        """``tickets`` knows which tickets were used in the last minute. (A ticket is valid for 30 seconds.)"""
        self._former = former
        self._tickets = tickets
        self._login = table.login
        self._sealer = sealer
        self._sessions = sessions
        self._clock = clock

    def turned_away(self, head: RequestHead, app: App, reason: str) -> Answer:
        """Like ``sign_in``, for a request to the app that was not admitted for this reason."""
        return self.sign_in(head, app, clocks_disagree=reason == ENDED_BY_OUR_CLOCK)

    def sign_in(
        self, head: RequestHead, app: App, target: str | None = None, *, is_late: bool = False, clocks_disagree: bool = False
    ) -> Answer:
        """Begin a hand-off for a top-level navigation that comes back to ``target`` (default: the URL of this request).

        Any other request gets 401 and the address where a navigation may begin. ``is_late``: the login host found the last start too old.
        ``clocks_disagree``: the session lives at Okta, but has ended by our clock.
        """
        target = return_target(head) if target is None else target
        if kind_of(head) is not RequestKind.NAVIGATION:
            return no_session(app.origin + sign_in_path(target))
        mark = self._mark(head)
        if mark.is_loop():
            return self._explained(mark, app, target, clocks_disagree=clocks_disagree)
        if is_late:
            mark = mark.sent_round(self._clock.wall())
        nonce = mark.nonce or secrets.token_urlsafe(24)
        held = pass_of(self._sealer, head)
        epoch = with_epoch(self._sessions.epoch.name, held.epoch if held is not None else "")
        start = Start(str(app.authority), target, nonce_hash(nonce), self._clock.wall(), epoch)
        sealed = self._sealer.seal("start", str(self._login.authority), start.packed())
        location = f"{self._login.origin}{HANDOFF}?start={sealed}"
        return redirect_answer(302, location, _kept(replace(mark, nonce=nonce)))

    def _explained(self, mark: StartMark, app: App, target: str, *, clocks_disagree: bool) -> Answer:
        """The page that ends a redirect loop. It clears the count, so "Try once more" has three redirects again."""
        looping = LoopExplained(app.authority.host, len(mark.rounds), sign_in_path(target), clocks_disagree)
        return page(looping, self._clock).plus(expired(START_NAME))

    async def begin(self, head: RequestHead, app: App) -> Outcome:
        """``/.gateway/sign-in?to=``: begin a hand-off from a link. A browser with a live session is redirected to the target at once."""
        given = parameters(head.query)
        target = given if isinstance(given, Malformed) else requested_target(given)
        if isinstance(target, Malformed):
            return refusal(target, self._clock)
        if kind_of(head) is RequestKind.PREFETCH:
            return refusal(Malformed(503, "prefetch"), self._clock)
        held = pass_of(self._sealer, head)
        finding = await session_of_pass(self._sessions, held, head)
        if held is not None and isinstance(finding, Session):
            mark = self._mark(head)
            if kind_of(head) is not RequestKind.NAVIGATION:
                return Outcome(redirect_answer(303, target), "admit", "", self._sessions.shown_of(held.cookies))
            if mark.is_loop():
                has_ended = finding.ends_at <= self._clock.wall()
                return Outcome(self._explained(mark, app, target, clocks_disagree=has_ended), "sign_in", "sign_in_loop")
            return self._straight_on(target, held, head)
        if not isinstance(given, Malformed) and "again" in given and single(head.fields, START_NAME) is None:
            blocked = CookiesBlocked(app.authority.host, sign_in_path(target))
            return Outcome(page(blocked, self._clock), "refused", "cookies_blocked")
        answer = self.sign_in(head, app, target, is_late=not isinstance(given, Malformed) and "late" in given)
        return Outcome(answer, "sign_in", {400: "sign_in_loop", 401: "not_a_navigation"}.get(answer.status, ""))

    def _straight_on(self, target: str, held: Pass, head: RequestHead, reason: str = "") -> Outcome:
        """Redirect to the target; the browser already has a live pass."""
        new_mark = self._mark(head).went_on(self._clock.wall())
        return Outcome(redirect_answer(303, target, _kept(new_mark)), "admit", reason, self._sessions.shown_of(held.cookies))

    async def accept(self, head: RequestHead, app: App) -> Outcome:
        """``/.gateway/accept?ticket=``: set the pass and redirect (303) to the return path; or a page that says why not.

        Where ``_forgets_by_page`` is true, two pages replace the redirect. The first one leads back here and does not use up the ticket.
        """
        given = parameters(head.query)
        if isinstance(given, Malformed):
            return refusal(given, self._clock)
        malformed = not_navigating(head)
        if malformed is not None:
            return refusal(malformed, self._clock)
        try:
            ticket = await self._tickets.read(given.get("ticket", ""), str(app.authority))
        except OutsideFailed:
            return refusal(Malformed(503, "ticket_not_kept"), self._clock)
        mark = self._mark(head)
        decision = judge_ticket(ticket, str(app.authority), mark.nonce, self._clock.wall())
        by_page = isinstance(decision, Accepted) and self._forgets_by_page(head, app, decision.held.user_id)
        if by_page and "here" not in given:
            return Outcome(page(GoingOn(f"{ACCEPT}?ticket={given.get('ticket', '')}&here=1"), self._clock), "accept")
        if isinstance(decision, Accepted) and ticket is not None and not await self._tickets.take(ticket):
            decision = TicketRefused("used")
        match decision:
            case Accepted() if ticket is not None:
                return await self._accepted(decision, mark, app, head, by_page=by_page)
            case TicketRefused(reason):
                return await self._refusal(reason, ticket, head, app)
            case _:
                raise AssertionError("no ticket is accepted that was not opened")

    def _forgets_by_page(self, head: RequestHead, app: App, user_id: str) -> bool:
        """Whether a page, instead of a redirect, must clear what the browser keeps of another user (see ``clears_only_at_home``)."""
        return clears_only_at_home(head.fields) and self._former.is_another(head, app, user_id)

    async def _accepted(self, decision: Accepted, mark: StartMark, app: App, head: RequestHead, *, by_page: bool) -> Outcome:
        """Set the pass, unless its session ended while the ticket was on its way."""
        target, host = target_or_root(decision.target), str(app.authority)
        held = replace(decision.held, epoch=with_epoch(self._sessions.epoch.name, decision.held.epoch))
        fingerprint = self._sessions.shown_of(held.cookies)
        new_mark = mark.sent_round(self._clock.wall(), way_of(held.session_id, target))
        if await self._sessions.has_ended(held.cookies, browser_fields_of(head)):
            # The session ended while the ticket was on its way (sign-out or switch in another tab): begin a new hand-off.
            return Outcome(redirect_answer(303, sign_in_path(target), _kept(new_mark)), "sign_in", "ended_meanwhile", fingerprint)
        made = set_lines(PASS_NAME, self._sealer.seal("pass", host, held.packed()), head.fields)
        if made is None:
            return refusal(Malformed(500, "pass_too_large"), self._clock)
        former = self._former.handed_over(head, app, held.user_id, target)
        leading = page(GoingOn(target), self._clock) if by_page else redirect_answer(303, target)
        return Outcome(leading.plus(*made, *former, _kept(replace(new_mark, nonce=None))), "accept", "", fingerprint)

    def _mark(self, head: RequestHead) -> StartMark:
        return StartMark.parse(single(head.fields, START_NAME), self._clock.wall())

    async def _refusal(self, reason: str, ticket: Ticket | None, head: RequestHead, app: App) -> Outcome:
        """The answer to a ticket that is not accepted: go on with a live pass, begin again, or a page that says why."""
        held = pass_of(self._sealer, head)
        target = target_or_root(ticket.target) if ticket is not None else "/"
        if held is not None and isinstance(await session_of_pass(self._sessions, held, head), Session):
            if reason == "expired":  # a new ticket may be too, if the login host's clock is behind: this redirect is counted, so it ends
                return self._straight_on(target, held, head, reason)
            return Outcome(redirect_answer(303, target), "admit", reason, self._sessions.shown_of(held.cookies))
        if reason in ("no_nonce", "other_browser"):
            # "other_browser": several tabs began at the same time, each made a nonce, and the browser kept the last one. This tab begins
            # again with that nonce. "no_nonce": the sign-in page was opened from another browser's bookmark, say. The browser begins
            # again once; ``AGAIN`` in the address then shows whether it keeps cookies at all.
            new_mark = self._mark(head).sent_round(self._clock.wall())
            location = sign_in_path(target) + (AGAIN if reason == "no_nonce" else "")
            return Outcome(redirect_answer(303, location, _kept(new_mark)), "sign_in", reason)
        return Outcome(page(BadRequest(400, reason), self._clock), "refused", reason)


def _kept(mark: StartMark) -> tuple[bytes, bytes]:
    """The start cookie. With a nonce it lives ``NONCE_SECONDS`` (time for a sign-in); with counts only, ``BOUNCE_SECONDS``."""
    return set_cookie(START_NAME, mark.render(), NONCE_SECONDS if mark.nonce else BOUNCE_SECONDS)
