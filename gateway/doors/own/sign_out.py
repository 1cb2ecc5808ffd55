"""Signs a user out, on an app host or on the login host. Only the login host can remove Okta's cookies from the browser.

::

    app host: POST ── revoke ── close at Okta ── pass expired ── 303 ──▶ login host: GET ?done= (sealed, 60 s)
                                                                          Okta's cookies expired, unproven ends carried, page
    login host: POST ── revoke ── close at Okta ── cookies expired ── page

Owns the order: the session is refused everywhere first, so a later failure or cancellation does no harm. Must never sign out on a GET or
for another site. Must never say "closed" without proof, never remove the cookies of a newer session of another user, and never begin a
new sign-in by itself.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from urllib.parse import quote

from gateway.clock import Clock
from gateway.closing.session_closer import NOT_SHARED, Closer
from gateway.doors.answers import redirect_answer
from gateway.doors.app_sessions import FormerUsers
from gateway.doors.own.addresses import SESSION_PAGE, SIGN_OUT, at_okta, sign_in_path
from gateway.doors.own.outcomes import Outcome, expired_here, page, refusal
from gateway.doors.own.requests import form_of, parameters, pass_of, session_of_pass
from gateway.doors.own.tickets import LONGEST_TEXT
from gateway.doors.pending_cookie import PendingCookie
from gateway.edge.request import Request
from gateway.okta import browser_fields_of
from gateway.pages import ConfirmSignOut, NobodyPage, SignedOutPage
from gateway.policy.http.cookies import PASS_NAME, START_NAME, expired, repeated, session_cookies
from gateway.policy.http.messages import Answer, Fields, Malformed, RequestHead
from gateway.policy.routing.navigation import LONGEST_TARGET, is_same_origin_post, return_url
from gateway.policy.routing.routing import App, LoginHost, RouteTable
from gateway.policy.session.passes import SignedOut
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import COMPANION_NAMES, Cookies, NoSession, Session, SessionCookie
from gateway.policy.session.split_cookies import expired_lines
from gateway.policy.switch.redemption import OKTA_SESSION_NAMES
from gateway.sessions import Sessions

DONE_SECONDS = 60.0
SWITCH = "switch"
_ENDED = frozenset(("revoked", "not_found", "impossible_cookie"))
"""Reasons of ``NoSession`` that mean: there is no session left to end."""
FORGET = (b"Clear-Site-Data", b'"cache"')


class SignedOutSealer:
    """The notes on a sign-out in an address of the login host: which session ended, and what is not proven yet."""

    def __init__(self, login: LoginHost, sealer: Sealer, clock: Clock) -> None:
        """A note is sealed for the login host. ``clock``: a note ends after ``DONE_SECONDS``."""
        self._host = str(login.authority)
        self._sealer = sealer
        self._clock = clock

    def sealed(self, done: SignedOut) -> str:
        """The note for the address. If it would be too long, the cookies are left out: the login host knows them as revoked."""
        sealed = self._sealer.seal("signed-out", self._host, done.packed())
        return sealed if len(sealed) <= LONGEST_TEXT else self._sealer.seal("signed-out", self._host, replace(done, cookies=()).packed())

    def opened(self, text: str) -> SignedOut | None:
        """The note in a text; None if it is no note, or too old."""
        opened = self._sealer.open("signed-out", self._host, text)
        done = SignedOut.unpacked(opened.payload) if opened is not None else None
        return done if done is not None and self._clock.wall() < done.expires_at else None


class SignOutReturns:
    """Where a sign-out may lead afterwards."""

    def __init__(self, table: RouteTable, elsewhere: Collection[str]) -> None:
        """``elsewhere``: origins of other sites (``switch.return_origins``)."""
        self._login = table.login.origin
        self._origins = (*table.origins, *elsewhere)
        self._elsewhere = tuple(elsewhere)

    def requested(self, head: RequestHead, origin: str) -> str | Malformed:
        """Where the query's ``to`` leads: a URL on one of the origins, or empty if it is not allowed. ``origin``: of this host."""
        given = parameters(head.query)
        return given if isinstance(given, Malformed) else self._allowed(given.get("to", ""), origin)

    def after(self, form: Mapping[str, str], origin: str) -> str | Malformed:
        """What follows the sign-out: ``switch``, the URL in ``to``, or empty."""
        return SWITCH if form.get("then") == SWITCH else self._allowed(form.get("to", ""), origin)

    def is_elsewhere(self, url: str) -> bool:
        """Whether this URL is one of another site."""
        return bool(url) and return_url(url, self._elsewhere) is not None

    def _allowed(self, to: str, origin: str) -> str | Malformed:
        if len(to) > LONGEST_TARGET:
            return Malformed(400, "to_too_long")
        url = return_url(to, self._origins) if to else None
        if url is None:
            return ""
        url = origin + url if url.startswith("/") else url
        # On the login host, a path may be a link with a token. A click on our own page would make that link look trusted.
        return "" if url == self._login or url.startswith(self._login + "/") else url


class AppSignOut:
    """Signs out on an app host, where only the pass names the session."""

    def __init__(
        self, table: RouteTable, sealer: Sealer, sessions: Sessions, closer: Closer, clock: Clock,
        former: FormerUsers, elsewhere: Collection[str],
    ) -> None:  # fmt: skip
        """``closer`` closes at Okta, and tries again by itself where the end is not proven. ``former`` ends the app's own sessions.

        ``elsewhere``: origins of other sites to which a sign-out may redirect afterwards (``switch.return_origins``).
        """
        self._table = table
        self._sealed_sign_outs = SignedOutSealer(table.login, sealer, clock)
        self._returns = SignOutReturns(table, elsewhere)
        self._sealer = sealer
        self._sessions = sessions
        self._closer = closer
        self._clock = clock
        self._former = former

    async def ask(self, head: RequestHead, app: App) -> Outcome:
        """GET: a page with a button. Without a pass, redirect to the login host, which sees whether somebody is signed in."""
        return_to = self._returns.requested(head, app.origin)
        if isinstance(return_to, Malformed):
            return refusal(return_to, self._clock)
        held = pass_of(self._sealer, head)
        if held is None:
            to = f"?to={quote(return_to, safe='')}" if return_to else ""
            return Outcome(redirect_answer(303, f"{self._table.login.origin}{SIGN_OUT}{to}"), "sign_out", "no_pass")
        finding = await session_of_pass(self._sessions, held, head)
        view = ConfirmSignOut(finding.login if isinstance(finding, Session) else None, to=return_to)
        return Outcome(page(view, self._clock, self._table.login.origin), "page")

    async def end(self, request: Request, head: RequestHead, app: App) -> Outcome:
        """POST: end the session everywhere, then redirect to the login host, which removes Okta's own cookies."""
        form = await posted(request, head, app.origin)
        then = form if isinstance(form, Malformed) else self._returns.after(form, app.origin)
        if isinstance(then, Malformed):
            return refusal(then, self._clock)
        gone: Fields = (*expired_lines(PASS_NAME, head.fields), expired(START_NAME), FORGET)
        held = pass_of(self._sealer, head)
        if held is None:
            # Without a pass this host does not know the session. The login host does, and shows its page.
            gone += self._former.signed_out(head, app)
            return Outcome(redirect_answer(303, self._table.login.origin + SIGN_OUT, *gone), "sign_out", "no_pass")
        self._sessions.vouch(held.cookies, held.user_id)
        unproven = await self._closer.end(held.cookies, browser_fields_of(head), held.session_id)
        sealed = self._sealed_sign_outs.sealed(
            SignedOut(held.cookies, unproven, then, str(app.authority), self._clock.wall() + DONE_SECONDS)
        )
        answer = redirect_answer(303, f"{self._table.login.origin}{SIGN_OUT}?done={sealed}", *gone, *self._former.signed_out(head, app))
        return Outcome(answer, "sign_out", unproven, self._sessions.shown_of(held.cookies))


class LoginSignOut:
    """Signs out on the login host, and does the second half of a sign-out that began on an app host."""

    def __init__(
        self,
        table: RouteTable,
        sealer: Sealer,
        sessions: Sessions,
        closer: Closer,
        clock: Clock,
        sign_in: str,
        elsewhere: Collection[str],
    ) -> None:
        """``sign_in``: the config's ``okta.sign_in``, for the link "sign in again" where no app is known.

        ``elsewhere``: as in ``AppSignOut``.
        """
        self._table = table
        self._sealed_sign_outs = SignedOutSealer(table.login, sealer, clock)
        self._returns = SignOutReturns(table, elsewhere)
        self._sessions = sessions
        self._closer = closer
        self._clock = clock
        self._pending_cookie = PendingCookie(str(table.login.authority), sealer)
        self._again = at_okta(sign_in, SESSION_PAGE)

    async def ask(self, head: RequestHead) -> Outcome:
        """GET: with a valid ``done``, the second half of a sign-out; else a page with a button."""
        given = parameters(head.query)
        return_to = given if isinstance(given, Malformed) else self._returns.requested(head, self._table.login.origin)
        if isinstance(given, Malformed) or isinstance(return_to, Malformed):
            return refusal(given if isinstance(given, Malformed) else Malformed(400, "to_too_long"), self._clock)
        done = self._sealed_sign_outs.opened(given.get("done", ""))
        if done is not None and await self._is_from_here(done, head):
            return await self._finish(done, head)
        received = session_cookies(head.fields)
        finding = await self._sessions.current(received, browser_fields_of(head))
        is_nobody = not received or (isinstance(finding, NoSession) and finding.reason in _ENDED)
        if is_nobody and not self._pending_cookie.carried(head):
            return Outcome(page(NobodyPage(self._again, is_after_sign_out=True), self._clock), "page", "nobody_signed_in")
        view = ConfirmSignOut(finding.login if isinstance(finding, Session) else None, to=return_to)
        return Outcome(page(view, self._clock, *self._table.origins), "page")

    async def end(self, request: Request, head: RequestHead) -> Outcome:
        """POST: close every session that the browser presents or that its pending cookie holds, and remove the cookies."""
        form = await posted(request, head, self._table.login.origin)
        then = form if isinstance(form, Malformed) else self._returns.after(form, self._table.login.origin)
        if isinstance(then, Malformed):
            return refusal(then, self._clock)
        received = session_cookies(head.fields)
        cookies = tuple(dict.fromkeys((*self._pending_cookie.carried(head), *received)))
        unproven = await self._closer.end(cookies, browser_fields_of(head))
        gone = expired_here(OKTA_SESSION_NAMES, head, everywhere=repeated(received))
        carried = self._pending_cookie.kept(head, cookies) if unproven else self._pending_cookie.cleared(head)
        answer = self._signed_out(unproven, then, None)
        return Outcome(answer.plus(*gone, *carried, FORGET), "sign_out", unproven, self._sessions.shown_of(received or cookies))

    async def _is_from_here(self, done: SignedOut, head: RequestHead) -> bool:
        """Whether the sign-out may have begun in this browser.

        True if the browser presents a cookie that ended, or no session that may be another user's. This check is needed because the note
        is in an address, and anybody can send an address to somebody else.
        """
        if self._holds(done, head):
            return True
        rest = tuple(cookie for cookie in session_cookies(head.fields) if not self._sessions.is_revoked((cookie,)))
        finding = await self._sessions.current(rest, browser_fields_of(head))
        return isinstance(finding, NoSession) and finding.reason != "two_users"

    def _holds(self, done: SignedOut, head: RequestHead) -> bool:
        """Whether the browser has one of the cookies that ended, or one that Okta set in place of it."""
        return self._sessions.are_of_one_family(done.cookies, (*session_cookies(head.fields), *self._pending_cookie.carried(head)))

    async def _finish(self, done: SignedOut, head: RequestHead) -> Outcome:
        """The second half of a sign-out that began on an app host: remove Okta's cookies, and show the page."""
        received = session_cookies(head.fields)
        named = frozenset(self._sessions.fingerprints(done.cookies))
        others = tuple(cookie for cookie in received if self._sessions.fingerprints((cookie,))[0] not in named)
        rotated, dead = await self._of_ended(others, head)
        unproven, why = done.cookies if done.unproven and self._holds(done, head) else (), done.unproven
        if rotated and (of_rotated := await self._closer.end(rotated, browser_fields_of(head))):
            unproven, why = (*unproven, *rotated), of_rotated
        gone = self._gone(received, {cookie for cookie in received if cookie not in others} | {*rotated, *dead}, head)
        carried = self._pending_cookie.kept(head, (*self._pending_cookie.carried(head), *unproven)) if unproven else ()
        answer = self._signed_out(why, done.then, self._table.app(done.app))
        reason = "close_pending" if why else ""
        return Outcome(answer.plus(*gone, *carried, FORGET), "signed_out", reason, self._sessions.shown_of(done.cookies))

    async def _of_ended(self, others: Cookies, head: RequestHead) -> tuple[Cookies, Cookies]:
        """Of the cookies that the note does not name: those of the session that ended (Okta renews ``idx``), and dead ones."""
        revoked = tuple(cookie for cookie in others if self._sessions.is_revoked((cookie,)))
        rest = tuple(cookie for cookie in others if cookie not in revoked)
        match await self._sessions.current(rest, browser_fields_of(head)):
            case NoSession("revoked"):
                return (*revoked, *rest), ()
            case NoSession("not_found"):
                return revoked, rest
            case _:
                return revoked, ()

    @staticmethod
    def _gone(received: Cookies, over: Collection[SessionCookie], head: RequestHead) -> Fields:
        """The lines that remove these cookies, except under names that a newer session uses: that session is not ours to end."""
        names = {cookie.name for cookie in over} - {cookie.name for cookie in received if cookie not in over}
        companions = COMPANION_NAMES if all(cookie in over for cookie in received) else ()
        return expired_here((*names, *companions), head, everywhere=repeated(received)) if names else ()

    def _signed_out(self, unproven: str, then: str, app: App | None) -> Answer:
        """The page after a sign-out; or the redirect to a new sign-in, if the user asked to switch."""
        home = f"{app.origin}/" if app is not None else self._again
        if then == SWITCH:
            return redirect_answer(303, app.origin + sign_in_path("/") if app is not None else self._again)
        is_elsewhere = self._returns.is_elsewhere(then)
        is_closed, is_shared = unproven in ("", NOT_SHARED), not unproven.startswith(NOT_SHARED)
        return page(SignedOutPage(is_closed, then or home, is_elsewhere, is_shared), self._clock)


async def posted(request: Request, head: RequestHead, origin: str) -> Mapping[str, str] | Malformed:
    """The form of a POST from a page of this same host; 403 for any other POST, before its body is read."""
    return await form_of(request) if is_same_origin_post(head, origin) else Malformed(403, "cross_site")
