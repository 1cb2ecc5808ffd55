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
from gateway.doors.own.outcomes import Outcome, page, refused
from gateway.doors.own.requests import not_navigating, parameters
from gateway.doors.own.sign_out import DONE_SECONDS, SWITCH, asked_return, next_step, posted
from gateway.edge.request import Request
from gateway.okta import browser_of
from gateway.pages import ConfirmSignOut, GoingOn, SignedOutPage
from gateway.policy.http.messages import Malformed, RequestHead
from gateway.policy.oidc.bounces import BOUNCE_SECONDS, Nobody
from gateway.policy.oidc.own_session import own_of
from gateway.policy.routing.navigation import return_url
from gateway.policy.routing.routing import RouteTable
from gateway.policy.session.passes import SignedOut
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import Session

PURPOSE: Final = "sign-out"
_FORGET = (b"Clear-Site-Data", b'"cache"')


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
        elsewhere: Collection[str] = (),
    ) -> None:
        """``closer`` ends the session here; ``bounces`` proves its end at the org, whose origin is ``org``.

        ``elsewhere``: origins of other sites to which a sign-out may redirect afterwards (``switch.return_origins``).
        """
        self._table = table
        self._org = org
        self._elsewhere = tuple(elsewhere)
        self._origins = (*table.origins, *elsewhere)
        self._sealer = sealer
        self._own = own
        self._closer = closer
        self._bounces = bounces
        self._clock = clock

    async def ask(self, head: RequestHead) -> Outcome:
        """GET: a step of a running sign-out; else a page with a button. Raises ``OutsideFailed``."""
        given = parameters(head.query)
        if isinstance(given, Malformed):
            return refused(given, self._clock)
        done, after = self._opened(given.get("done", "")), self._opened(given.get("after", ""))
        if after is not None and not_navigating(head) is None:
            return Outcome(await self._bounces.begin(head, PURPOSE, given["after"], "none"), "sign_out", "proving")
        if done is not None and self._is_from_here(done, head):
            return self._to_org(done, head)
        asked = asked_return(head, self._table, self._origins, self._table.login.origin)
        if isinstance(asked, Malformed):
            return refused(asked, self._clock)
        found = await self._own.found(head)
        view = ConfirmSignOut(found.login if isinstance(found, Session) else None, to=asked)
        return Outcome(page(view, self._clock, *self._table.origins), "page")

    async def end(self, request: Request, head: RequestHead) -> Outcome:
        """POST of our own page: the session ends here, then at the org."""
        login = self._table.login
        form = await posted(request, head, login.origin)
        then = form if isinstance(form, Malformed) else next_step(form, self._table, self._origins, login.origin)
        if isinstance(then, Malformed):
            return refused(then, self._clock)
        held, unproven = self._own.held(head), ""
        if held is not None:
            unproven = await self._closer.end(held.cookies, browser_of(head), held.session_id)
        cookies = held.cookies if held is not None else ()
        told = self._to_org(SignedOut(cookies, unproven, then, "", self._clock.wall() + DONE_SECONDS), head)
        location = next(value.decode("ascii") for name, value in told.answer.fields if name == b"Location")
        lines = tuple(field for field in told.answer.fields if field[0] in (b"Set-Cookie", b"Clear-Site-Data"))
        return replace(told, answer=page(GoingOn(location), self._clock).plus(*lines))

    async def answered(self, head: RequestHead, returned: ReturnedBounce) -> Outcome:
        """What follows the silent bounce after the org's sign-out."""
        done = self._opened(returned.bounce.place)
        if done is None:
            return refused(Malformed(400, "sign_out_expired"), self._clock)
        is_closed = isinstance(returned.result, Nobody)
        app = self._table.app(done.app)
        home = app.origin if app is not None else self._table.login.origin
        lines = self._own.cleared(head) if is_closed else ()
        if done.then == SWITCH and is_closed:
            return Outcome(redirect_answer(303, home + (sign_in_path("/") if app is not None else SIGN_IN), *lines), "signed_out")
        then = "" if done.then == SWITCH else done.then
        is_elsewhere = bool(then) and return_url(then, self._elsewhere) is not None
        view = SignedOutPage(is_closed, then or f"{home}/", is_elsewhere, not done.unproven.startswith(NOT_SHARED), is_retried=False)
        answer = page(view, self._clock).plus(*lines, _FORGET)
        return Outcome(answer, "signed_out", "" if is_closed else "close_pending")

    def _to_org(self, done: SignedOut, head: RequestHead) -> Outcome:
        login = self._table.login
        going = replace(done, expires_at=self._clock.wall() + BOUNCE_SECONDS)
        sealed = self._sealer.seal("signed-out", str(login.authority), going.packed())
        back = f"{login.origin}{SIGN_OUT}?after={sealed}"
        lines = self._own.carried(head, done.cookies)
        url = f"{self._org}/login/signout?fromURI={quote(back, safe='')}"
        return Outcome(redirect_answer(303, url, *lines, _FORGET), "sign_out", done.unproven)

    def _opened(self, text: str) -> SignedOut | None:
        opened = self._sealer.open("signed-out", str(self._table.login.authority), text)
        done = SignedOut.unpacked(opened.payload) if opened is not None else None
        return done if done is not None and self._clock.wall() < done.expires_at else None

    def _is_from_here(self, done: SignedOut, head: RequestHead) -> bool:
        """Whether the sign-out began in this browser: its session here is the one that ended.

        The note is in an address, and anybody can send an address to somebody else. Another browser gets the page with the button.
        """
        held = self._own.held(head)
        return held is not None and held.session_id in {own.id for own in map(own_of, done.cookies) if own is not None}
