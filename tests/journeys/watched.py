"""Who a browser belongs to, by what the org knows and what the browser was given: the truth that the gateway is held to.

A session counts from the moment at which an answer first brings one of its cookies into the browser; a renewed cookie of the same
session is no new sign-in. Owns what is written down when the gateway breaks its promise (``Truth.broken``).
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from gateway.dev.standin import Org, OrgSession, Row, User, fingerprint
from gateway.dev.standin.activation import PREFIX as ACTIVATION_PREFIX
from gateway.dev.standin.activation import shown as path_shown
from gateway.dev.standin.clock import Clock
from gateway.dev.standin.journal import Journal
from gateway.dev.standin.sessions import SessionStore
from gateway.policy.http.cookies import PENDING_NAME
from tests.journeys.person import FORM_TYPE, HR, LOGIN, NAVIGATION, SESSION_NAMES, Jar, Person, Reply

TTL_SECONDS = 10.0
"""The default of ``session.ttl``: for so long an app may be told of a session that ended at Okta."""
SLOW_SECONDS = 1.0
Heard = tuple[str, str, int, tuple[str, ...]]
"""Method and path of a request, the status of its answer, and the names of the cookies that it set or deleted."""

LOGIN_HOST, HR_HOST = (urlsplit(origin).hostname or "" for origin in (LOGIN, HR))
ASKING: ContextVar["WatchedPerson | None"] = ContextVar("asking", default=None)
"""The person whose request is being answered; tasks that the gateway begins for it know it too."""


class NotedSessions(SessionStore):
    """Writes down when each session ended. ``lacks_factor``: the next one that begins is nobody's until a factor is shown.

    ``ended_by_administrator``: those that nobody here ended, nor any other session of their users.
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
        """When it ended or will end, in the org's time."""
        return min(self.ended_at.get(session, session.expires_at), session.expires_at)

    def is_alive(self, session: OrgSession) -> bool:
        """Whether any half of it lives."""
        return self.end_of(session) > self._now()

    def _note(self, session: OrgSession) -> None:
        if session.is_over:
            self.ended_at.setdefault(session, self._now())


class WatchedOrg(Org):
    """An org whose sessions are written down."""

    def __init__(self, truth: "Truth", **how: object) -> None:
        super().__init__(**how)  # type: ignore[arg-type]  # whatever Org takes
        self.noted = NotedSessions(self.clock, self.sessions.lifetime_seconds, self.id)
        self.sessions = self.noted
        self.limits.per_minute = 1_000_000
        self.journal = WatchedJournal(truth)


@dataclass
class Truth:
    """``broken``: what the gateway did that it must never do. ``strange``: the tokens that strangers chose, by fingerprint.

    ``owners``: whose token it is, by fingerprint, where the org cannot know who asks. ``hearing_seconds``: how long one process may not
    have heard yet what another one was told; ``late``: how long after a change an app was still told the user before, in seconds.
    """

    broken: list[str] = field(default_factory=list)
    strange: set[str] = field(default_factory=set)
    people: list["WatchedPerson"] = field(default_factory=list)
    owners: dict[str, "WatchedPerson"] = field(default_factory=dict)
    hearing_seconds: float = 0.0
    late: list[float] = field(default_factory=list)

    def sent(self, row: Row) -> None:
        """A request reached the org: where it carries a token, no older session of the same browser may live.

        An activation link is judged like a password: by whose session its answer begins.
        """
        if row.token is None or row.path.endswith("/par") or row.path.startswith(ACTIVATION_PREFIX):
            return
        person = self.owners.get(row.token) or ASKING.get()
        if person is None:
            return
        if row.token in self.strange and row.token not in person.consents:
            self.broken.append(f"row {row.n}: a stranger's token was redeemed, and nobody said yes")
        cookies = set(row.cookies.values())
        for session in person.org.sessions.live():
            if cookies & {fingerprint(value) for value in (session.sid, session.idx) if value is not None}:
                self.broken.append(f"row {row.n}: {session.user.login}'s live cookie came with a token")
        for session in person.given:
            if person.org.noted.is_alive(session) and session not in person.superseded:
                self.broken.append(f"row {row.n}: {session.user.login}'s session of this browser was alive when a token was sent")


class WatchedJournal(Journal):
    """Looks at each request when it arrives, before the org acts on it."""

    def __init__(self, truth: Truth) -> None:
        super().__init__()
        self._truth = truth

    def record(self, row: Row) -> None:
        """As ``Journal``."""
        super().record(row)
        self._truth.sent(row)


@dataclass
class WatchedPerson(Person):
    """A browser, and whose it is.

    ``given``: its sessions in the order in which they came. ``newest``: the last one that Okta has a user for; None once the person
    signed out. ``pending``: a later one that lacks a factor. ``superseded``: sessions of a user who signed in again without a token:
    the gateway takes them for renewed ones and never closes them. A session that only a lost
    memory knew is one of them too. ``planted``: a session that a sibling host put into the browser.
    ``is_restless``: something was begun since that may have ended the newest session. ``heard``: every answer.
    """

    org: WatchedOrg = field(kw_only=True)
    truth: Truth = field(kw_only=True)
    given: list[OrgSession] = field(default_factory=list)
    superseded: set[OrgSession] = field(default_factory=set)
    consents: set[str] = field(default_factory=set)
    newest: OrgSession | None = None
    pending: OrgSession | None = None
    planted: OrgSession | None = None
    is_restless: bool = False
    told_by: tuple[tuple[tuple[str, str], ...], OrgSession | None] = ((), None)
    told: list[str] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    _windows: list[set[str]] = field(default_factory=list)
    _last_allowed: dict[str, float] = field(default_factory=dict)

    async def ask(
        self,
        url: str,
        method: str = "GET",
        *,
        fields: Mapping[str, str] = NAVIGATION,
        site: str = "same-site",
        body: str | bytes = b"",
        content_type: str = FORM_TYPE,
        shown: Jar | None = None,
    ) -> Reply:
        """As ``Person``; whom an app was told must have been this browser's user at some moment of the request."""
        ASKING.set(self)
        host = urlsplit(url).hostname or ""
        proves = host == LOGIN_HOST and self.pending is not None and self.shows(self.pending, shown) and self.pending.status == "ACTIVE"
        proven = self.pending
        with self._window() as allowed:
            reply = await super().ask(url, method, fields=fields, site=site, body=body, content_type=content_type, shown=shown)
            if proves and reply.status and self.pending is proven:
                self._keep_in_mind()
                self.newest, self.pending = proven, None
                self._changed()
        self.heard.append(
            (method, path_shown(urlsplit(url).path), reply.status, tuple(line.partition("=")[0] for line in reply.set_cookies))
        )
        if host == HR_HOST and reply.status == 200 and reply.body.startswith("hello "):
            self._was_told(reply.body.removeprefix("hello "), allowed)
        return reply

    def shows(self, session: OrgSession, jar: Jar | None = None) -> bool:
        """Whether a request to the login host carries a cookie of this session."""
        return any(value in (session.sid, session.idx) for name, value in self.cookies(LOGIN_HOST, jar) if name in SESSION_NAMES)

    def is_planted_with(self, session: OrgSession, name: str, value: str) -> None:
        """A sibling host puts a cookie of this session of somebody else's into the browser."""
        self.is_planted(name, value)
        self.planted = session

    def signed_out(self) -> None:
        """The gateway has carried out a sign-out of the newest session."""
        self._keep_in_mind()
        self.newest = self.pending = None

    def is_forgotten(self) -> None:
        """The gateway's memory is lost: what the browser does not present any more, and does not carry, nobody can close."""
        if self.cookie(PENDING_NAME.decode()) is None:
            self.superseded |= {session for session in self.given if not self.shows(session)}

    def carries_or_shows_a_planted_cookie(self) -> bool:
        """Whether a hand-off may end the newest session: the browser shows another user's beside it, or carries both since it did."""
        planted = any(wide and name in SESSION_NAMES for _, wide, name in self.jar)
        return planted or self.cookie(PENDING_NAME.decode()) is not None

    def pass_shown(self) -> tuple[tuple[str, str], ...]:
        """The cookies that the app host gets from this browser."""
        return tuple(pair for pair in self.cookies(HR_HOST) if pair[0].startswith("__Host-gateway"))

    def own_living(self) -> list[OrgSession]:
        """The living sessions that this browser was given, less those of a user who signed in again."""
        return [session for session in self.given if self.org.noted.is_alive(session) and session not in self.superseded]

    def _keep(self, host: str, line: str) -> None:
        super()._keep(host, line)
        name, _, value = line.partition(";")[0].strip().partition("=")
        if host == LOGIN_HOST and name in SESSION_NAMES and value.strip('"') and self.cookie(name) == value.strip('"'):
            self._given(value.strip('"'))

    def _given(self, value: str) -> None:
        session = self.org.sessions.by_sid(value) or self.org.sessions.by_idx(value)
        if session is None or session in self.given:
            return
        self.superseded |= {known for known in self.given if known.user == session.user}
        self._keep_in_mind()
        self.given.append(session)
        if session is self.planted:
            self.superseded.add(session)  # Okta set another half of it; the stranger who opened it has the rest
        if session.status == "ACTIVE":
            self.newest, self.pending, self.is_restless = session, None, False
        else:
            self.pending = session
        if self.planted is not None and not self._is_still_planted(self.planted):
            self.planted = None
        self._changed()

    def _was_told(self, login: str, allowed: set[str]) -> None:
        self.told.append(login)
        late_seconds = asyncio.get_running_loop().time() - self._last_allowed.get(login, float("-inf"))
        if login not in allowed and late_seconds < self.truth.hearing_seconds:
            self.truth.late.append(late_seconds)
            return
        self.told_by = (self.pass_shown(), self.newest)
        if login not in allowed:
            self.truth.broken.append(f"the app was told {login}, where only {sorted(allowed)} had signed in last")

    def _keep_in_mind(self) -> None:
        """The next moment somebody else is the user; who was allowed until now?"""
        self._last_allowed |= dict.fromkeys(self._allowed(), asyncio.get_running_loop().time())

    def _allowed(self) -> set[str]:
        now, noted = self.org.clock.now(), self.org.noted
        found = set()
        newest_lives = self.newest is not None and noted.is_alive(self.newest)
        if self.newest is not None and noted.end_of(self.newest) + TTL_SECONDS + SLOW_SECONDS >= now:
            found.add(self.newest.user.login)
        if self.newest in noted.ended_by_administrator:
            # The same user's older session, for which an app still has a pass, is Okta's own yes.
            found |= {one.user.login for one in self.superseded if one.user == self.newest.user and noted.is_alive(one)}
        if self.pending is not None and self.pending.status == "ACTIVE":
            found.add(self.pending.user.login)
        if self.planted is not None and not newest_lives:
            found.add(self.planted.user.login)
        return found

    def _is_still_planted(self, session: OrgSession) -> bool:
        return any(wide and value in (session.sid, session.idx) for (_, wide, _), value in self.jar.items())

    @contextmanager
    def _window(self) -> Iterator[set[str]]:
        window = self._allowed()
        self._windows.append(window)
        try:
            yield window
        finally:
            # By identity: two windows may hold the same names.
            self._windows = [one for one in self._windows if one is not window]

    def _changed(self) -> None:
        for window in self._windows:
            window |= self._allowed()
