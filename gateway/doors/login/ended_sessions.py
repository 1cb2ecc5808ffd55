"""Reacts to calls that end sessions at Okta: ``DELETE /sessions/{id}``, ``/users/{id}/sessions``, ``/users/me/lifecycle/delete_sessions``.

Owns what follows here: the session or the user that the call names is revoked at once for every app. The browser that made the call loses
its own session only if the call names that one: an administrator who ends another user's session stays signed in. On Identity Engine such
calls may leave the ``idx`` half of a session alive. So the gateway also ends the sessions that it knows of the user's browsers, by
``/sessions/me``.
"""

from collections.abc import Callable, Mapping

from gateway.closing.session_closer import Closer
from gateway.doors.login.browsers import Browsers
from gateway.doors.login.login_browser import LoginBrowser
from gateway.policy.http.cookies import pairs
from gateway.policy.session.session import Session, SessionCookie, login_key
from gateway.policy.switch.org_endings import EndsSessions
from gateway.sessions import Sessions

Tell = Callable[[str, Mapping[str, object]], None]


class EndedSessions:
    """Revokes here what was ended at Okta."""

    def __init__(self, sessions: Sessions, closer: Closer, browsers: Browsers, tell: Tell) -> None:
        """``tell`` gets (event name, figures) for the log and the metrics."""
        self._sessions = sessions
        self._closer = closer
        self._browsers = browsers
        self._tell = tell

    async def end(self, named: EndsSessions, sender: LoginBrowser) -> None:
        """Okta has ended what the call names: revoke it here. Raises ``OutsideFailed`` if the revocation could not be shared."""
        finding = self._sessions.recall(sender.presented) if sender.presented else None
        own = finding if isinstance(finding, Session) else None
        self._tell("sessions_ended_by_call", {"by": "session" if named.session_id is not None else "user"})
        if named.session_id is not None:
            is_own = (own is not None and own.id == named.session_id) or _presents(sender, named.session_id)
            # `POST /sessions` returns the value of `sid` as the session's id. Okta ends a session by that value or by the real id.
            by_value = SessionCookie(b"sid", named.session_id.encode("utf-8", "surrogateescape"))
            session_id = own.id if is_own and own is not None else named.session_id
            await self._sessions.revoke((*(sender.presented if is_own else ()), by_value), session_id=session_id)
            if is_own:
                self._closer.close_soon(sender.presented, sender.browser)
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
                await self._end_own(tuple(dict.fromkeys((*sender.presented, *record.all_cookies))), sender)
        if not user_id:
            return
        for name in dict.fromkeys((user_id, login_key(user_id))):
            await self._sessions.revoke((), user_id=name)
        if own is not None and user_id in (own.user_id, own.login) and not named.keeps_current:
            self._closer.close_soon(sender.presented, sender.browser)
        for record in await self._browsers.of_user(user_id):
            others = tuple(cookie for cookie in record.all_cookies if cookie not in sender.presented)
            if others:
                self._closer.close_soon(others, sender.browser)

    async def signed_out(self, sender: LoginBrowser) -> None:
        """The gateway's own sign-out has ended what the browser presents and carries; end the other sessions of its record too.

        Such a session may be that of the user before, while the newest session is undecided. Raises ``OutsideFailed``.
        """
        record = await self._browsers.record_of(sender)
        ended = (*sender.presented, *sender.carried)
        await self._end_own(tuple(cookie for cookie in record.all_cookies if cookie not in ended), sender)

    async def _end_own(self, cookies: tuple[SessionCookie, ...], sender: LoginBrowser) -> None:
        if cookies:
            await self._sessions.revoke(cookies)
            self._closer.close_soon(cookies, sender.browser)


def _presents(sender: LoginBrowser, session_id: str) -> bool:
    """Whether this id is the value of a cookie of this browser: ``sid``, or ``xids``, a second id that the calls accept."""
    values = (*(cookie.value for cookie in sender.presented), *(value for name, value in pairs(sender.head.fields) if name == b"xids"))
    return session_id.encode("latin-1", "replace") in values
