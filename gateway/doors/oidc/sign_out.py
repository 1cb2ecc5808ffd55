"""Signs a user out where the org is not behind the gateway: here at once; at the org by a redirect, whose success is then proven.

::

    app host: POST ── revoke ── pass expired ── 303 ──▶ this host: GET ?done= (sealed, 60 s)
    this host: its pass expired, the browser remembers that it must sign in ──▶ the org's /login/signout ──▶ GET ?after= (sealed)
    GET ?after= ──▶ silent bounce ── login_required ─▶ "signed out", and nothing to remember
                                   └ anything else ──▶ "signed out here; at the org the end is not proven"

Owns that order. Must never sign out on a GET, for another site or in another browser. Must never say "closed" without the org's
``login_required``.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from gateway.clock import Clock
from gateway.closing.session_closer import NOT_SHARED, Closer
from gateway.doors.answers import redirect_answer
from gateway.doors.oidc.bounces import Bounces, ReturnedBounce
from gateway.doors.oidc.own_sessions import OwnSessions
from gateway.doors.own.addresses import SIGN_IN, SIGN_OUT, sign_in_path
from gateway.doors.own.outcomes import Outcome, page, refusal
from gateway.doors.own.requests import not_navigating, parameters
from gateway.doors.own.sign_out import DONE_SECONDS, FORGET, SWITCH, SignedOutSealer, SignOutReturns, posted
from gateway.edge.request import Request
from gateway.okta import browser_fields_of
from gateway.pages import ConfirmSignOut, GoingOn, SignedOutPage
from gateway.policy.http.messages import Malformed, RequestHead
from gateway.policy.oidc.bounces import BOUNCE_SECONDS, Nobody
from gateway.policy.oidc.own_session import own_of
from gateway.policy.routing.routing import RouteTable
from gateway.policy.session.passes import SignedOut
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import Session
from gateway.policy.switch.redemption import location_of

PURPOSE: Final = "sign-out"


class OidcSignOut:
    """``/.gateway/sign-out`` of the gateway's host."""

    def __init__(
        self,
        table: RouteTable,
        sealer: Sealer,
        own: OwnSessions,
        closer: Closer,
        bounces: Bounces,
        clock: Clock,
        org: str,
        elsewhere: Collection[str],
    ) -> None:
        """``closer`` ends the session here; ``bounces`` proves its end at the org, whose origin is ``org``.

        ``elsewhere``: origins of other sites to which a sign-out may redirect afterwards (``switch.return_origins``).
        """
        self._table = table
        self._org = org
        self._sealed_sign_outs = SignedOutSealer(table.login, sealer, clock)
        self._returns = SignOutReturns(table, elsewhere)
        self._own = own
        self._closer = closer
        self._bounces = bounces
        self._clock = clock

    async def ask(self, head: RequestHead) -> Outcome:
        """GET: a step of a running sign-out; else a page with a button. Raises ``OutsideFailed``."""
        given = parameters(head.query)
        if isinstance(given, Malformed):
            return refusal(given, self._clock)
        done, after = self._sealed_sign_outs.opened(given.get("done", "")), self._sealed_sign_outs.opened(given.get("after", ""))
        if after is not None and not_navigating(head) is None:
            return Outcome(await self._bounces.begin(head, PURPOSE, given["after"], "none"), "sign_out", "proving")
        if done is not None and self._is_from_here(done, head):
            return self._to_org(done, head)
        return_to = self._returns.requested(head, self._table.login.origin)
        if isinstance(return_to, Malformed):
            return refusal(return_to, self._clock)
        found = await self._own.found(head)
        view = ConfirmSignOut(found.login if isinstance(found, Session) else None, to=return_to)
        return Outcome(page(view, self._clock, *self._table.origins), "page")

    async def end(self, request: Request, head: RequestHead) -> Outcome:
        """POST of our own page: the session ends here, then at the org."""
        login = self._table.login
        form = await posted(request, head, login.origin)
        then = form if isinstance(form, Malformed) else self._returns.after(form, login.origin)
        if isinstance(then, Malformed):
            return refusal(then, self._clock)
        held, unproven = self._own.held(head), ""
        if held is not None:
            unproven = await self._closer.end(held.cookies, browser_fields_of(head), held.session_id)
        cookies = held.cookies if held is not None else ()
        outcome = self._to_org(SignedOut(cookies, unproven, then, "", self._clock.wall() + DONE_SECONDS), head)
        lines = tuple(field for field in outcome.answer.fields if field[0] in (b"Set-Cookie", b"Clear-Site-Data"))
        return replace(outcome, answer=page(GoingOn(location_of(outcome.answer.fields)), self._clock).plus(*lines))

    async def answered(self, head: RequestHead, returned: ReturnedBounce) -> Outcome:
        """What follows the silent bounce after the org's sign-out."""
        done = self._sealed_sign_outs.opened(returned.bounce.place)
        if done is None:
            return refusal(Malformed(400, "sign_out_expired"), self._clock)
        is_closed = isinstance(returned.result, Nobody)
        app = self._table.app(done.app)
        home = app.origin if app is not None else self._table.login.origin
        lines = self._own.cleared(head) if is_closed else ()
        if done.then == SWITCH and is_closed:
            return Outcome(redirect_answer(303, home + (sign_in_path("/") if app is not None else SIGN_IN), *lines), "signed_out")
        then = "" if done.then == SWITCH else done.then
        is_elsewhere = self._returns.is_elsewhere(then)
        view = SignedOutPage(is_closed, then or f"{home}/", is_elsewhere, not done.unproven.startswith(NOT_SHARED), is_retried=False)
        answer = page(view, self._clock).plus(*lines, FORGET)
        return Outcome(answer, "signed_out", "" if is_closed else "close_pending")

    def _to_org(self, done: SignedOut, head: RequestHead) -> Outcome:
        login = self._table.login
        note = replace(done, expires_at=self._clock.wall() + BOUNCE_SECONDS)
        back = f"{login.origin}{SIGN_OUT}?after={self._sealed_sign_outs.sealed(note)}"
        lines = self._own.carried(head, done.cookies)
        url = f"{self._org}/login/signout?fromURI={quote(back, safe='')}"
        return Outcome(redirect_answer(303, url, *lines, FORGET), "sign_out", done.unproven)

    def _is_from_here(self, done: SignedOut, head: RequestHead) -> bool:
        """Whether the sign-out began in this browser: its session here is the one that ended.

        The note is in an address, and anybody can send an address to somebody else. Another browser gets the page with the button.
        """
        held = self._own.held(head)
        return held is not None and held.session_id in {own.id for own in map(own_of, done.cookies) if own is not None}
