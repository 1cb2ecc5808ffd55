"""Who is signed in in a browser, according to the org and to what the browser got. The tests compare the gateway with this.

A session counts from the moment when an answer first brings one of its cookies into the browser. A renewed cookie of the same session is no
new sign-in. Owns only this rule; what must hold is in ``promise``.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from gateway.dev.standin import OrgSession
from gateway.dev.standin.activation import shown as path_shown
from gateway.policy.http.cookies import PENDING_NAME
from tests.harness.person import FORM_TYPE, HR, LOGIN, NAVIGATION, SESSION_NAMES, Jar, Person, PersonReply
from tests.journeys.promise import ASKING, Truth, WatchedOrg

TTL_SECONDS = 10.0
"""The default of ``session.ttl``: how long an app may still be told the user of a session that ended at Okta."""
SLOW_SECONDS = 1.0
Heard = tuple[str, str, int, tuple[str, ...]]
"""Method and path of a request, the status of its answer, and the names of the cookies that it set or deleted."""

LOGIN_HOST, HR_HOST = (urlsplit(origin).hostname or "" for origin in (LOGIN, HR))


@dataclass
class WatchedPerson(Person):
    """A browser, and the sessions that it got.

    ``given``: its sessions in the order in which they came. ``newest``: the last one for which Okta names a user; None after a sign-out.
    ``pending``: a later session that lacks a factor. ``superseded``: sessions that the gateway never closes. They belong to a user who
    signed in again without a token (the gateway takes that for a renewal), or only a gateway's lost memory knew them. ``planted``: a
    session that a sibling host put into the browser. ``is_restless``: a request began since that may have ended the newest session.
    ``heard``: every answer.
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
    ) -> PersonReply:
        """As ``Person``. Also checks that the user that an app was told was this browser's user at some moment of the request."""
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
        """Return whether a request to the login host has a cookie of this session."""
        return any(value in (session.sid, session.idx) for name, value in self.cookies(LOGIN_HOST, jar) if name in SESSION_NAMES)

    def is_planted_with(self, session: OrgSession, name: str, value: str) -> None:
        """A sibling host puts a cookie of this session, which belongs to another user, into the browser."""
        self.is_planted(name, value)
        self.planted = session

    def signed_out(self) -> None:
        """The gateway has carried out a sign-out of the newest session."""
        self._keep_in_mind()
        self.newest = self.pending = None

    def is_forgotten(self) -> None:
        """The gateway's memory is lost. Sessions that are neither in the browser's cookies nor in its pending cookie cannot be closed."""
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
        """Return the living sessions that this browser got, without those in ``superseded``."""
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
        self.truth.told(login, allowed)

    def _keep_in_mind(self) -> None:
        """Remember which users an app may still be told, before another user becomes the user of this browser."""
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
