"""The legacy application's own sessions: a JSESSIONID and a dictionary, the way such applications have always done it.

Owns: who began a session, and how often it was seen. Never more than `limit` sessions: the oldest goes.
It trusts its cookie blindly, on purpose: that bob does not go on with alice's session is the gateway's work to show.
"""

import secrets
from collections import OrderedDict
from dataclasses import dataclass

COOKIE_NAME = "JSESSIONID"


@dataclass(slots=True)
class OwnSession:
    """One visitor's session: who the front door named when it began, and how many requests it has seen."""

    owner: str | None
    visits: int = 0


class OwnSessions:
    """Every session that is remembered, oldest first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._sessions: OrderedDict[str, OwnSession] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sessions)

    def visit(self, presented: str | None, user: str | None) -> tuple[str, OwnSession]:
        """The session of this cookie value, or a new one begun by `user`; counts the visit."""
        session = self._sessions.get(presented) if presented else None
        if presented is None or session is None:
            presented, session = secrets.token_hex(16).upper(), OwnSession(owner=user)
            self._sessions[presented] = session
            while len(self._sessions) > self._limit:
                self._sessions.popitem(last=False)
        session.visits += 1
        return presented, session
