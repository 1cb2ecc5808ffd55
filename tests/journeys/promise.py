"""The rules that generated scenarios are checked against: in one browser, one user at a time, whichever source says who is signed in.

1. No token reaches the org together with an older session of its browser, or before that session has ended. A token that an attacker chose
   reaches the org only after the user said yes.
2. The user that an app is told is the user of the newest session that was confirmed for this browser.
3. An attacker's token ends no session.
4. While nothing fails, one more sign-in leaves exactly one session of the browser: the new one.

Owns these rules, and the list of violations. ``watched`` feeds it when the gateway stands in front of the org and sees the cookies
(``test_one_user``). ``test_one_user_by_proofs`` feeds it when browsers reach the org directly. These two modules say what a day consists
of.
"""

from collections.abc import Collection, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol

from gateway.dev.standin import Org, OrgSession, Row, User, fingerprint
from gateway.dev.standin.activation import PREFIX as ACTIVATION_PREFIX
from gateway.dev.standin.clock import Clock
from gateway.dev.standin.journal import Journal
from gateway.dev.standin.sessions import SessionStore


class NotedSessions(SessionStore):
    """A session store that records when each session ended. ``lacks_factor``: the next session has no user until a factor is given.

    ``ended_by_administrator``: sessions that only an administrator ended. No browser here ended them, or another session of the same user.
    """

    def __init__(self, clock: Clock, lifetime_seconds: float, org_id: str) -> None:
        super().__init__(clock, lifetime_seconds, org_id)
        self._now = clock.now
        self.ended_at: dict[OrgSession, float] = {}
        self.ended_by_administrator: set[OrgSession] = set()
        self.lacks_factor = False

    def open(self, user: User, *, with_idx: bool) -> OrgSession:
        """As ``SessionStore``."""
        session = super().open(user, with_idx=with_idx)
        if self.lacks_factor:
            session.status, self.lacks_factor = "MFA_REQUIRED", False
        return session

    def end_sid(self, session: OrgSession) -> None:
        """As ``SessionStore``."""
        super().end_sid(session)
        self._note(session)

    def end_idx(self, session: OrgSession) -> None:
        """As ``SessionStore``."""
        super().end_idx(session)
        self._note(session)

    def end(self, session: OrgSession) -> None:
        """As ``SessionStore``."""
        super().end(session)
        self._note(session)

    def end_of(self, session: OrgSession) -> float:
        """Return when a session ended or will end, in the org's time."""
        return min(self.ended_at.get(session, session.expires_at), session.expires_at)

    def is_alive(self, session: OrgSession) -> bool:
        """Return whether any half of the session lives."""
        return self.end_of(session) > self._now()

    def _note(self, session: OrgSession) -> None:
        if session.is_over:
            self.ended_at.setdefault(session, self._now())


class WatchedOrg(Org):
    """An org that records its sessions, and checks each request when it arrives."""

    def __init__(self, truth: "Truth", **how: object) -> None:
        super().__init__(**how)  # type: ignore[arg-type]  # whatever Org takes
        self.noted = NotedSessions(self.clock, self.sessions.lifetime_seconds, self.id)
        self.sessions = self.noted
        self.limits.per_minute = 1_000_000
        self.journal = PromiseJournal(truth)


class BrowserSessions(Protocol):
    """A user's browser.

    ``given``: its sessions in the order in which they came. ``superseded``: those of them that need not be closed. ``consents``: the
    tokens to which the user said yes, by fingerprint.
    """

    org: WatchedOrg
    given: list[OrgSession]
    superseded: set[OrgSession]
    consents: set[str]


ASKING: ContextVar[BrowserSessions | None] = ContextVar("asking", default=None)
"""The user whose request is being answered. Tasks that the gateway starts for this request see it too."""


@dataclass
class Truth:
    """The list of violations, and what is needed to find them.

    ``broken``: the violations. ``strange``: the tokens that attackers chose, by fingerprint. ``owners``: the owner of a token, by
    fingerprint, if the org cannot know who sends it. ``hearing_seconds``: how long a process may take to hear what another one was told.
    ``late``: how long after a change an app was still told the user before, in seconds.
    """

    broken: list[str] = field(default_factory=list)
    strange: set[str] = field(default_factory=set)
    people: list[BrowserSessions] = field(default_factory=list)
    owners: dict[str, BrowserSessions] = field(default_factory=dict)
    hearing_seconds: float = 0.0
    late: list[float] = field(default_factory=list)

    def sent(self, row: Row) -> None:
        """Check a request that reached the org: if it has a token, no older session of the same browser may live.

        An activation link is checked like a password: by the user of the session that its answer begins.
        """
        if row.token is None or row.path.endswith("/par") or row.path.startswith(ACTIVATION_PREFIX):
            return
        person = self.owners.get(row.token) or ASKING.get()
        if person is None:
            return
        if row.token in self.strange and row.token not in person.consents:
            self.broken.append(f"row {row.n}: a stranger's token was redeemed, and nobody said yes")
        cookies = set(row.cookies.values())
        for session in person.org.sessions.active():
            if cookies & {fingerprint(value) for value in (session.sid, session.idx) if value is not None}:
                self.broken.append(f"row {row.n}: {session.user.login}'s live cookie came with a token")
        for session in person.given:
            if person.org.noted.is_alive(session) and session not in person.superseded:
                self.broken.append(f"row {row.n}: {session.user.login}'s session of this browser was alive when a token was sent")

    def told(self, login: str, allowed: Collection[str]) -> None:
        """Check the user that an app was told. ``allowed``: the users of this browser at that time."""
        if login not in allowed:
            self.broken.append(f"the app was told {login}, where only {sorted(allowed)} had signed in last")

    def stranger_ended(self, session: OrgSession) -> None:
        """Record a violation: an attacker's token ended a session."""
        self.broken.append(f"a stranger's token ended {session.user.login}'s session")

    def ended_well(self, login: str, status: int, shown: str | None, living: Sequence[OrgSession]) -> None:
        """Check one more sign-in without failures: its status, the user that the app showed, and the browser's living sessions."""
        if (status, shown) != (200, login):
            self.broken.append(f"one more sign-in in fair weather ended with {status}, and the app showed {shown}")
        if [session.user.login for session in living] != [login]:
            self.broken.append(f"after one more sign-in these live: {living}")

    def is_kept(self) -> None:
        """Raise AssertionError if any rule was broken so far."""
        if self.broken:
            raise AssertionError(self.broken[0])


class PromiseJournal(Journal):
    """A journal that checks each request when it arrives, before the org carries it out."""

    def __init__(self, truth: Truth) -> None:
        super().__init__()
        self._truth = truth

    def record(self, row: Row) -> None:
        """As ``Journal``."""
        super().record(row)
        self._truth.sent(row)
