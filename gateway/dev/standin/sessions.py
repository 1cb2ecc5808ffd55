"""The org's sessions: each has a `sid` half (v1) and, on Identity Engine, an `idx` half.

Owns: which cookie values are valid, for which user, and until when.
Must never: read a request or write a header.
Rules: the Sessions API (Session object), the guide "Understand how sessions work after the upgrade" (either cookie carries the
session), recorded answers of a preview org (ids).

    open ──▶ [sid + idx] ──end_idx──▶ [sid]  ──end_sid──▶ gone
                 │  └──────end_sid──▶ [idx]  ──end_idx──▶ gone
                 └── end, or expiresAt has passed ───────▶ gone

A session lives for `lifetime_seconds` from its last use (Okta's idle time), and at most for `max_lifetime_seconds` from its beginning. A
use is a refresh, or a navigation with this session. Whether `GET /sessions/me` restarts Okta's idle time is not documented; here it does
not. A use right after another one changes nothing, as recorded.
"""

import base64
import json
import secrets
from dataclasses import dataclass, field

from gateway.dev.standin.clock import Clock
from gateway.dev.standin.users import User

NOTHING_MOVES_SECONDS = 5.0


@dataclass(slots=True, eq=False)
class OrgSession:
    """One session. A half whose value is None has ended. `idp_id` is the external provider that opened it, or None.

    `xids` is a second id. It is in a cookie, and in the links of answers to calls by id.

    `clients` are the OpenID Connect clients that its user signed in to, each with the issuer of its tokens.

    `factor_at` is the time of the last factor, and `password_at` of a password after the first; seconds since 1970.
    """

    id: str
    user: User
    created_at: float
    expires_at: float
    xids: str
    sid: str | None = field(repr=False)
    idx: str | None = field(repr=False)
    status: str = "ACTIVE"
    amr: tuple[str, ...] = ("pwd",)
    idp_id: str | None = None
    password_at: float | None = None
    factor_at: float | None = None
    clients: dict[str, str] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """True when both halves have ended."""
        return self.sid is None and self.idx is None


class SessionStore:
    """All live sessions, found by cookie value or by id. The lifetimes may be changed at any time."""

    def __init__(self, clock: Clock, lifetime_seconds: float, org_id: str) -> None:
        self._clock = clock
        self.lifetime_seconds = lifetime_seconds
        self.max_lifetime_seconds: float | None = None
        self._org_id = org_id
        self._sessions: list[OrgSession] = []

    def open(self, user: User, *, with_idx: bool) -> OrgSession:
        """Begin a session of `user`, with an `idx` half on Identity Engine."""
        now = self._clock.now()
        session_id = ("idx" if with_idx else "101") + secrets.token_urlsafe(16)
        xids, sid = ("102" + secrets.token_urlsafe(16) for _ in range(2))
        session = OrgSession(session_id, user, now, self._end(now, now), xids, sid, None)
        self._sessions.append(session)
        if with_idx:
            self.renew_idx(session)
        return session

    def renew_idx(self, session: OrgSession) -> str:
        """Give the session a new `idx` value, and return it. The old value is no longer valid."""
        session.idx = idx_value(self._org_id, session.id)
        return session.idx

    def active(self) -> list[OrgSession]:
        """Return the sessions that are alive now, oldest first."""
        now = self._clock.now()
        self._sessions = [session for session in self._sessions if not session.is_over and session.expires_at > now]
        return list(self._sessions)

    def by_sid(self, value: str) -> OrgSession | None:
        """Return the live session whose `sid` half has this cookie value."""
        return next((session for session in self.active() if session.sid == value), None)

    def by_idx(self, value: str) -> OrgSession | None:
        """Return the live session whose `idx` half has this cookie value."""
        return next((session for session in self.active() if session.idx == value), None)

    def by_id(self, session_id: str) -> OrgSession | None:
        """Return the live session with this id; the values of `sid` and `xids` are ids too."""
        return next((session for session in self.active() if session_id in (session.id, session.sid, session.xids)), None)

    def of_user(self, user: User) -> list[OrgSession]:
        """Return the live sessions of one user."""
        return [session for session in self.active() if session.user.id == user.id]

    def refresh(self, session: OrgSession) -> None:
        """Extend the session by a whole lifetime from now. Within seconds of the last time, nothing changes."""
        end = self._end(session.created_at, self._clock.now())
        if end >= session.expires_at + NOTHING_MOVES_SECONDS:
            session.expires_at = end

    def _end(self, created_at: float, used_at: float) -> float:
        end = used_at + self.lifetime_seconds
        return end if self.max_lifetime_seconds is None else min(end, created_at + self.max_lifetime_seconds)

    def verify(self, session: OrgSession) -> None:
        """Note that the user gave a password and a factor now."""
        session.password_at = session.factor_at = self._clock.now()
        session.amr = ("pwd", "mfa")

    def end_sid(self, session: OrgSession) -> None:
        """End only the `sid` half."""
        session.sid = None

    def end_idx(self, session: OrgSession) -> None:
        """End only the `idx` half."""
        session.idx = None

    def end(self, session: OrgSession) -> None:
        """End both halves."""
        session.sid = session.idx = None


def idx_value(org_id: str, xsid: str) -> str:
    """Return a new cookie value that looks like Okta's: a compact JWE (RFC 7516 §3.1) of some 800 characters.

    Only its header can be read: its `xsid` is the id of the session, which stays when the value is renewed. The rest is random.
    """
    header = {"zip": "DEF", "ver": "1", "alias": "sessioncookie", "oid": org_id, "enc": "A256GCM", "alg": "dir", "xsid": xsid}
    head = base64.urlsafe_b64encode(json.dumps(header, separators=(",", ":")).encode()).rstrip(b"=").decode()
    return f"{head}..{secrets.token_urlsafe(12)}.{secrets.token_urlsafe(384)}.{secrets.token_urlsafe(16)}"
