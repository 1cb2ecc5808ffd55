"""Sessions that a call to Okta ended by name: ``DELETE /sessions/{id}``, ``/users/{id}/sessions``, ``/users/me/lifecycle/delete_sessions``.

Owns what follows here: the session, or the user, that the call names is revoked at once in every app. The browser that made the call
loses its own session only if it is that one: an administrator who ends another user's session stays signed in. On Identity Engine such
calls may leave the ``idx`` half of a session alive, so what this gateway knows of the user's browsers is ended by ``/sessions/me`` too.
"""

from collections.abc import Callable, Mapping

from gateway.doors.login.browsers import Browsers
from gateway.doors.login.sender import LoginBrowser
from gateway.policy.http.cookies import pairs
from gateway.policy.session.session import Session, SessionCookie, login_key
from gateway.policy.switch.org_endings import EndsSessions
from gateway.session_closer import Closer
from gateway.sessions import Sessions

Tell = Callable[[str, Mapping[str, object]], None]


class EndedSessions:
    """Revokes what Okta has ended."""

    def __init__(self, sessions: Sessions, closer: Closer, browsers: Browsers, tell: Tell) -> None:
        """``tell`` gets (event name, figures) for the log and the metrics."""
        self._sessions = sessions
        self._closer = closer
        self._browsers = browsers
        self._tell = tell

    async def end(self, named: EndsSessions, sender: LoginBrowser) -> None:
        """Okta has ended what the call names. Raises ``OutsideFailed`` where others could not be told."""
        finding = self._sessions.recall(sender.presented) if sender.presented else None
        own = finding if isinstance(finding, Session) else None
        self._tell("sessions_ended_by_call", {"by": "session" if named.session_id is not None else "user"})
        if named.session_id is not None:
            is_own = (own is not None and own.id == named.session_id) or _presents(sender, named.session_id)
            # What `POST /sessions` calls a session's id is the value of its `sid`; Okta ends a session by either.
            by_value = SessionCookie(b"sid", named.session_id.encode("utf-8", "surrogateescape"))
            session_id = own.id if is_own and own is not None else named.session_id
            await self._sessions.revoke((*(sender.presented if is_own else ()), by_value), session_id=session_id)
            if is_own:
                self._closer.close_soon(sender.presented, sender.browser)
            return
        await self._end_user(named, own, sender)

    async def _end_user(self, named: EndsSessions, own: Session | None, sender: LoginBrowser) -> None:
        """A user may be named by id or by login; ``me`` is whoever the browser's session is, unless a token speaks in its place."""
        user_id = named.user_id
        if user_id == "me":
            if sender.head.values(b"authorization"):
                return
            record = await self._browsers.record_of(sender)
            user_id = own.user_id if own is not None else record.user_id
            if not named.keeps_current:
                # Okta may leave the `idx` half alive, and may not have said here whose session it is.
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
        """The gateway's own sign-out ended what the browser presents and carries: what else it was given ends too.

        It may be the session of the user before, while it is undecided whose the newest one is. Raises ``OutsideFailed``.
        """
        record = await self._browsers.record_of(sender)
        ended = (*sender.presented, *sender.carried)
        await self._end_own(tuple(cookie for cookie in record.all_cookies if cookie not in ended), sender)

    async def _end_own(self, cookies: tuple[SessionCookie, ...], sender: LoginBrowser) -> None:
        if cookies:
            await self._sessions.revoke(cookies)
            self._closer.close_soon(cookies, sender.browser)


def _presents(sender: LoginBrowser, session_id: str) -> bool:
    """Whether this id is the value of a cookie of the browser's session: of ``sid``, or of ``xids``, a second id that the calls take."""
    values = (*(cookie.value for cookie in sender.presented), *(value for name, value in pairs(sender.head.fields) if name == b"xids"))
    return session_id.encode("latin-1", "replace") in values
