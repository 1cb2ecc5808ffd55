"""What a browser must forget of its former users at an app host, when another user comes or when a user signs out.

Owns the ``Set-Cookie`` and ``Clear-Site-Data`` lines of the answer that gives a browser its pass, and of the answer to a sign-out. Must
never name a user.
"""

from collections.abc import Mapping

from gateway.doors.app_sessions.sessions import AppSessions
from gateway.policy.http.messages import Fields, RequestHead
from gateway.policy.routing.routing import App
from gateway.policy.session.owner import Owner, Owners

_NONE: Mapping[str, AppSessions] = {}


class FormerUsers:
    """Makes the lines by which a browser forgets its former users."""

    def __init__(self, owners: Owners, sessions: Mapping[str, AppSessions] = _NONE) -> None:
        """``sessions``: the app sessions of each app, by its name. An app that is missing there binds no cookies to users."""
        self._owners = owners
        self._sessions = sessions

    def is_another(self, head: RequestHead, app: App, user_id: str) -> bool:
        """Whether another user used this browser before, at this host."""
        return self._owners.judged(head.fields, str(app.authority), user_id) is Owner.OTHER

    def handed_over(self, head: RequestHead, app: App, user_id: str, target: str) -> Fields:
        """The lines for a browser that gets a pass for this user, and goes on to ``target``."""
        host = str(app.authority)
        sessions = self._sessions.get(app.name)
        ended = sessions.handed_over(head, user_id, self.is_another(head, app, user_id), target) if sessions is not None else ()
        return (*self._owners.lines(head.fields, host, user_id), *ended)

    def signed_out(self, head: RequestHead, app: App) -> Fields:
        """The lines for a browser whose user signs out at this host."""
        sessions = self._sessions.get(app.name)
        return sessions.signed_out(head) if sessions is not None else ()
