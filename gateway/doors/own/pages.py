"""The pages that say who is signed in, as HTML and as JSON, and the files that pages load.

Must never show a cookie value, a token or a session id. Must never say "signed out" if Okta did not say so.
"""

from gateway.clock import Clock
from gateway.doors.answers import json_answer
from gateway.doors.own.addresses import SESSION_PAGE, SIGN_OUT, at_okta, form_targets, sign_in_path
from gateway.doors.own.outcomes import Outcome, no_session, now_of, page, refusal, seconds_until, unavailable
from gateway.doors.own.requests import pass_of, session_of_pass
from gateway.okta import browser_fields_of
from gateway.pages import ASSET_PREFIX, NobodyPage, SessionPage, View, asset
from gateway.policy.http.cookies import session_cookies
from gateway.policy.http.messages import Answer, Malformed, RequestHead
from gateway.policy.routing.routing import App, RouteTable
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import Finding, NoSession, Session, SessionCookie, Unknown
from gateway.sessions import Sessions


class AppPages:
    """The pages that say who is signed in, on an app host."""

    def __init__(self, table: RouteTable, sealer: Sealer, sessions: Sessions, clock: Clock, sign_in: str) -> None:
        """``sign_in``: the config's ``okta.sign_in``. The page's form "switch user" leads there in the end."""
        self._form_targets = form_targets(table, sign_in)
        self._sealer = sealer
        self._sessions = sessions
        self._clock = clock

    async def page(self, head: RequestHead, app: App) -> Outcome:
        """``/.gateway/``: who is signed in, until when, and how to sign out or switch."""
        finding, fingerprint = await self._finding(head)
        match finding:
            case Session():
                view: View = SessionPage(finding.login, finding.expires_at, now_of(self._clock), app.title, app_url="/")
            case NoSession():
                view = NobodyPage(sign_in_path("/"), app.title)
            case Unknown():
                return unavailable(finding, self._clock)
        return Outcome(page(view, self._clock, *self._form_targets), *words_of(finding), fingerprint)

    async def session(self, head: RequestHead, app: App) -> Outcome:
        """``/.gateway/session``: the same as JSON."""
        finding, fingerprint = await self._finding(head)
        answer = session_answer(finding, (app.origin + SIGN_OUT, app.origin + sign_in_path("/")), self._clock)
        return Outcome(answer, *words_of(finding), fingerprint)

    async def _finding(self, head: RequestHead) -> tuple[Finding, str]:
        held = pass_of(self._sealer, head)
        return await session_of_pass(self._sessions, held, head), self._sessions.shown_of(held.cookies if held is not None else ())


class LoginPages:
    """The pages that say who is signed in, on the login host."""

    def __init__(self, table: RouteTable, sessions: Sessions, clock: Clock, sign_in: str) -> None:
        """``sign_in``: the config's ``okta.sign_in``."""
        self._login = table.login
        apps = tuple((app.title, f"{app.origin}/") for app in table.apps)
        self._only_app: tuple[str, str | None]
        self._apps: tuple[tuple[str, str], ...]
        self._only_app, self._apps = (apps[0], ()) if len(apps) == 1 else (("", None), apps)
        self._form_targets = form_targets(table, sign_in)
        self._sessions = sessions
        self._clock = clock
        self._sign_in = at_okta(sign_in, SESSION_PAGE)

    async def page(self, head: RequestHead) -> Outcome:
        """``/.gateway/``: who is signed in, until when, and how to sign out or switch."""
        finding, cookies = await self._finding(head)
        match finding:
            case Session():
                title, url = self._only_app
                view: View = SessionPage(finding.login, finding.expires_at, now_of(self._clock), title, app_url=url, apps=self._apps)
            case NoSession():
                view = NobodyPage(self._sign_in)
            case Unknown():
                return unavailable(finding, self._clock)
        return Outcome(page(view, self._clock, *self._form_targets), *words_of(finding), self._sessions.shown_of(cookies))

    async def session(self, head: RequestHead) -> Outcome:
        """``/.gateway/session``: the same as JSON."""
        finding, cookies = await self._finding(head)
        origin = self._login.origin
        sign_in = origin + self._sign_in if self._sign_in.startswith("/") else self._sign_in
        answer = session_answer(finding, (origin + SIGN_OUT, sign_in), self._clock)
        return Outcome(answer, *words_of(finding), self._sessions.shown_of(cookies))

    async def _finding(self, head: RequestHead) -> tuple[Finding, tuple[SessionCookie, ...]]:
        cookies = session_cookies(head.fields)
        return await self._sessions.current(cookies, browser_fields_of(head)), cookies


def session_answer(finding: Finding, urls: tuple[str, str], clock: Clock) -> Answer:
    """The session as JSON; ``urls``: where to sign out, where to sign in. 401 without a session, 503 where Okta did not say."""
    sign_out, sign_in = urls
    match finding:
        case Session():
            left = (finding.expires_at - now_of(clock)).total_seconds()
            shown = {
                "login": finding.login,
                "user_id": finding.user_id,
                "expires_at": finding.expires_at.isoformat(),
                "seconds_left": max(0, int(left)),
                "sign_out": sign_out,
            }
            return json_answer(200, shown)
        case NoSession():
            return no_session(sign_in)
        case Unknown():
            wait = seconds_until(finding.retry_at, clock)
            return json_answer(503, {"error": "unavailable", "retry_after_seconds": wait}, (b"Retry-After", b"%d" % wait))


def asset_outcome(head: RequestHead, clock: Clock) -> Outcome:
    """One of the files that the pages load; 404 for any other name."""
    found = asset(head.path.removeprefix(ASSET_PREFIX))
    if found is None:
        return refusal(Malformed(404, "no_such_path"), clock)
    return Outcome(Answer(200, found.fields, found.body), "asset")


def words_of(finding: Finding) -> tuple[str, str]:
    """The verdict and its reason for the log."""
    match finding:
        case Session():
            return "admit", ""
        case NoSession(reason):
            return "sign_in", reason
        case Unknown(reason):
            return "unavailable", reason
