"""The legacy application's own sessions: a JSESSIONID cookie and a dictionary, as in many old applications.

Owns: who began a session, and how many requests it had. There are never more than `limit` sessions; the oldest is dropped.
It trusts its cookie without a check, on purpose: the demonstration shows that the gateway keeps bob out of alice's session.
"""

import secrets
from collections import OrderedDict
from dataclasses import dataclass

COOKIE_NAME = "JSESSIONID"


@dataclass(slots=True)
class OwnSession:
    """One session: the user in `Remote-User` when it began, and how many requests it had."""

    owner: str | None
    visits: int = 0


class OwnSessions:
    """All sessions, oldest first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._sessions: OrderedDict[str, OwnSession] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sessions)

    def visit(self, presented: str | None, user: str | None) -> tuple[str, OwnSession]:
        """Return the session of this cookie value, or a new one of `user`, and count the request."""
        session = self._sessions.get(presented) if presented else None
        if presented is None or session is None:
            presented, session = secrets.token_hex(16).upper(), OwnSession(owner=user)
            self._sessions[presented] = session
            while len(self._sessions) > self._limit:
                self._sessions.popitem(last=False)
        session.visits += 1
        return presented, session
