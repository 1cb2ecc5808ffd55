"""Reacts to calls that end sessions at Okta: ``DELETE /sessions/{id}``, ``/users/{id}/sessions``, ``/users/me/lifecycle/delete_sessions``.

Owns what follows here: the session or the user that the call names is revoked at once for every app. The browser that made the call loses
its own session only if the call names that one: an administrator who ends another user's session stays signed in. On Identity Engine such
calls may leave the ``idx`` half of a session alive. So the gateway also ends the sessions that it knows of the user's browsers, by
``/sessions/me``.
"""

import asyncio

from gateway.background import BackgroundTasks
from gateway.closing.session_closer import Closer
from gateway.doors.answers import Pair
from gateway.doors.login.browsers import Browsers
from gateway.doors.login.login_browser import LoginBrowser
from gateway.doors.login.org_forwarding import OrgForwarding
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.observe import Tell
from gateway.policy.http.cookies import pairs
from gateway.policy.http.messages import Fields
from gateway.policy.session.session import Cookies, Session, SessionCookie, login_key
from gateway.policy.switch.org_endings import EndsSessions
from gateway.policy.switch.redemption import without_session_settings
from gateway.sessions import Sessions


class EndedSessions:
    """Forwards these calls, and revokes here what was ended at Okta. Close it with ``aclose``."""

    def __init__(self, forwarding: OrgForwarding, sessions: Sessions, closer: Closer, browsers: Browsers, tell: Tell) -> None:
        """``forwarding`` sends the calls to Okta."""
        self._forwarding = forwarding
        self._sessions = sessions
        self._closer = closer
        self._browsers = browsers
        self._tell = tell
        self._tasks = BackgroundTasks()

    async def forward(self, request: Request, sender: LoginBrowser, body: bytes | None, named: EndsSessions, *more: Pair) -> Response:
        """Forward the call. If Okta did it (204), the sessions are revoked before the answer is delivered, even if the client leaves.

        ``more``: fields that are added to the answer.
        """
        request.verdict, request.reason = "forwarded", "ends_sessions"

        async def judge(status: int, answered: Fields) -> Fields:
            if status == 204:
                await asyncio.shield(self._tasks.start(self._end(named, sender), "ending sessions"))
            return (*without_session_settings(answered), *more)

        return await self._forwarding.send(request, sender.head, body, judge)

    async def aclose(self) -> None:
        """Wait until everything that Okta has ended is ended here too."""
        await self._tasks.ended()

    async def _end(self, named: EndsSessions, sender: LoginBrowser) -> None:
        """Okta has ended what the call names: revoke it here. Raises ``OutsideFailed`` if the revocation could not be shared."""
        finding = self._sessions.from_cache(sender.living_cookies) if sender.living_cookies else None
        own = finding if isinstance(finding, Session) else None
        self._tell("sessions_ended_by_call", {"by": "session" if named.session_id is not None else "user"})
        if named.session_id is not None:
            is_own = (own is not None and own.id == named.session_id) or _presents(sender, named.session_id)
            # `POST /sessions` returns the value of `sid` as the session's id. Okta ends a session by that value or by the real id.
            by_value = SessionCookie(b"sid", named.session_id.encode("utf-8", "surrogateescape"))
            session_id = own.id if is_own and own is not None else named.session_id
            await self._sessions.revoke((*(sender.living_cookies if is_own else ()), by_value), session_id=session_id)
            if is_own:
                self._closer.close_soon(sender.living_cookies, sender.browser_fields)
            return
        await self._end_user(named, own, sender)

    async def _end_user(self, named: EndsSessions, own: Session | None, sender: LoginBrowser) -> None:
        """Revoke a user, named by id or by login.

        ``me`` is the user of the browser's session. If the call has an ``Authorization`` field, ``me`` is unknown here and nothing is
        done.
        """
        user_id = named.user_id
        if user_id == "me":
            if sender.head.values(b"authorization"):
                return
            record = await self._browsers.record_of(sender)
            user_id = own.user_id if own is not None else record.user_id
            if not named.keeps_current:
                # Okta may leave the `idx` half alive, and may never have named the session's user to this gateway.
                await self._end_own(tuple(dict.fromkeys((*sender.living_cookies, *record.all_cookies))), sender)
        if not user_id:
            return
        for name in dict.fromkeys((user_id, login_key(user_id))):
            await self._sessions.revoke((), user_id=name)
        if own is not None and user_id in (own.user_id, own.login) and not named.keeps_current:
            self._closer.close_soon(sender.living_cookies, sender.browser_fields)
        for record in await self._browsers.of_user(user_id):
            others = tuple(cookie for cookie in record.all_cookies if cookie not in sender.living_cookies)
            if others:
                self._closer.close_soon(others, sender.browser_fields)

    async def signed_out(self, sender: LoginBrowser) -> None:
        """The gateway's own sign-out has ended what the browser presents and carries; end the other sessions of its record too.

        Such a session may be that of the user before, while the newest session is undecided. Raises ``OutsideFailed``.
        """
        record = await self._browsers.record_of(sender)
        ended = (*sender.living_cookies, *sender.carried)
        await self._end_own(tuple(cookie for cookie in record.all_cookies if cookie not in ended), sender)

    async def _end_own(self, cookies: Cookies, sender: LoginBrowser) -> None:
        if cookies:
            await self._sessions.revoke(cookies)
            self._closer.close_soon(cookies, sender.browser_fields)


def _presents(sender: LoginBrowser, session_id: str) -> bool:
    """Whether this id is the value of a cookie of this browser: ``sid``, or ``xids``, a second id that the calls accept."""
    values = (*(cookie.value for cookie in sender.living_cookies), *(value for name, value in pairs(sender.head.fields) if name == b"xids"))
    return session_id.encode("latin-1", "replace") in values
