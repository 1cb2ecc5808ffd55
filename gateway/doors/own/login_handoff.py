"""The middle step of a hand-off, on the login host: a ticket if the browser has a live session, else Okta's sign-in.

::

    start opened ─▶ what the pending cookie carries is closed first ─▶ which cookies live? ── one user ─▶ ticket ─▶ app host
                                                                              └─ nobody ─▶ Okta's sign-in, which comes back here

Owns that order, and the end of a redirect loop through Okta's sign-in or back to this step. Must never make a ticket without a session
that Okta confirmed. Must never make one for cookies in the pending cookie: their session is to be ended. The steps before and after are
in ``doors.own.handoff``.
"""

import asyncio
import secrets
from dataclasses import replace
from typing import assert_never

from gateway.clock import Clock
from gateway.closing.session_closer import Closer
from gateway.doors.answers import redirect_answer
from gateway.doors.own.addresses import BACK, HANDOFF, at_okta
from gateway.doors.own.handoff_starts import HandoffStarts, OpenedStart
from gateway.doors.own.outcomes import Outcome, expired_here, page, refusal, unavailable
from gateway.doors.own.tickets import Tickets
from gateway.doors.pending_cookie import PendingCookie
from gateway.errors import OutsideFailed
from gateway.okta import browser_fields_of
from gateway.pages import CookiesBlocked
from gateway.policy.http.cookies import repeated, session_cookies
from gateway.policy.http.messages import Fields, Malformed, RequestHead
from gateway.policy.routing.routing import RouteTable
from gateway.policy.session.browser_id import ID_BYTES, browser_id_line, browser_id_of, new_browser_id
from gateway.policy.session.cookies import split
from gateway.policy.session.judging import Cookies, Judgement, dead_expiries
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import SESSION_NAMES, NoSession, Session, Unknown
from gateway.policy.switch.redemption import parent_domains
from gateway.policy.switch.switch import Proven, is_proof_of_end
from gateway.sessions import Sessions

CLOSING_SECONDS = 5.0
"""How long a hand-off waits until the sessions in the pending cookie are closed. The closing itself goes on after that."""


class LoginHandoff:
    """``/.gateway/handoff`` of the login host."""

    def __init__(
        self,
        table: RouteTable,
        sealer: Sealer,
        sessions: Sessions,
        closer: Closer,
        tickets: Tickets,
        clock: Clock,
        sign_in: str,
    ) -> None:
        """``closer`` closes the sessions in the pending cookie; ``sign_in``: the config's ``okta.sign_in``, with ``{return}`` in it."""
        self._host = table.login.authority.host
        self._starts = HandoffStarts(table, sealer, tickets, clock)
        self._sessions = sessions
        self._closer = closer
        self._pending_cookie = PendingCookie(str(table.login.authority), sealer)
        self._clock = clock
        self._sign_in = sign_in

    async def hand_off(self, head: RequestHead, new_browser: str = "") -> Outcome:
        """``/.gateway/handoff?start=``: a ticket for a live session, Okta's sign-in without one, 503 where Okta does not say.

        ``new_browser``: the id for a browser that has none; if it is empty, an id is made here.
        """
        opened = self._starts.checked(head)
        if isinstance(opened, Outcome):
            return opened
        settled, carried = await self._settled(head)
        found = await self._sessions.judged(session_cookies(head.fields), browser_fields_of(head), each_alone=True)
        known = browser_id_of(head.fields)
        browser = known or new_browser or new_browser_id(secrets.token_bytes(ID_BYTES))
        outcome = await self._next(found, opened, head, carried, browser)
        lines = (*settled, *outcome.answer.fields, *(() if known else (browser_id_line(browser),)))
        return replace(outcome, answer=replace(outcome.answer, fields=lines))

    async def sent_back(self, head: RequestHead) -> Outcome:
        """Redirect to this same step, because the browser signed in while its ticket was made; a page if that happens again and again."""
        opened = self._starts.from_query(head)
        if isinstance(opened, Malformed):
            return refusal(opened, self._clock)
        text, start = opened
        if await self._starts.goes_round(text, " back"):
            return Outcome(self._starts.explained(start), "refused", "sign_in_loop")
        return Outcome(redirect_answer(307, head.target), "sent_back", "signed_in_meanwhile")

    async def _next(self, found: Judgement, opened: OpenedStart, head: RequestHead, carried: Cookies, browser: str) -> Outcome:
        """The ticket, Okta's sign-in or 503. ``carried``: the pending cookie's sessions that are not closed."""
        match found.finding:
            case Session() as session:
                dead = dead_expiries(found.living, found.dead, parent_domains(head.authority.host))
                handed = await self._starts.ticket(opened, session, found.living, browser, *dead)
                return replace(handed, fingerprint=self._sessions.shown_of(found.living) if handed.verdict == "ticket" else "")
            case NoSession(reason):
                return await self._to_okta(reason, opened, head, carried)
            case Unknown() as unknown:
                return unavailable(unknown, self._clock)
            case _:
                assert_never(found.finding)

    async def _settled(self, head: RequestHead) -> tuple[Fields, Cookies]:
        """Close the sessions of the pending cookie before any user is named.

        Returns the lines that clear the pending cookie, and the cookies whose end is not proven. Each of these cookies is refused here
        from now on, proven or not: after a restart no other record says that they ended.
        """
        carried = self._pending_cookie.carried(head)
        if not carried:
            return (), ()
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                final = await self._closer.close(carried, browser_fields_of(head))
        except (TimeoutError, OutsideFailed):
            return (), carried
        return (self._pending_cookie.cleared(head), ()) if isinstance(final, Proven) else ((), carried)

    async def _to_okta(self, reason: str, opened: OpenedStart, head: RequestHead, carried: Cookies) -> Outcome:
        """Redirect to Okta's sign-in; or a page, if the browser blocks cookies or the sign-in is a redirect loop."""
        if head.query.endswith(BACK) and browser_id_of(head.fields) is None and not session_cookies(head.fields):
            # It was given the browser id before the sign-in, and presents no cookie now: the browser blocks cookies, and another sign-in
            # would end the same way.
            blocked = CookiesBlocked(self._host, self._starts.start_over(opened.start))
            return Outcome(page(blocked, self._clock), "refused", "cookies_blocked")
        if await self._starts.goes_round(opened.text):
            return Outcome(self._starts.explained(opened.start, self._taken(head, carried)), "refused", "sign_in_loop")
        gone = self._taken(head, carried) if repeated(session_cookies(head.fields)) else ()
        return Outcome(redirect_answer(302, at_okta(self._sign_in, f"{HANDOFF}?start={opened.text}{BACK}"), *gone), "sign_in", reason)

    def _taken(self, head: RequestHead, carried: Cookies) -> Fields:
        """The lines that remove every session cookie from the browser.

        Cookies that may still live are put into the pending cookie, so the next sign-in closes them first.
        """
        possible, _ = split(session_cookies(head.fields))
        living = tuple(cookie for cookie in possible if not is_proof_of_end(self._sessions.from_cache((cookie,))))
        pending = self._pending_cookie.kept(head, (*carried, *living)) if living else ()
        return (*expired_here(SESSION_NAMES, head, everywhere=True), *pending)
