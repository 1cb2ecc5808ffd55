"""Checks the session of everything that stays open (WebSockets, event streams, long answers), for as long as it is open.

    registered ── answer fresh ──▶ looked at a second later        ── expiresAt passed, no session, another user ──▶ cut
                       ├── ended ─▶ Okta is asked, few at a time   ── Okta does not say ──▶ stays, until expiresAt
                       └── its user was heard of: looked at at once, and asked about before the others

A normal request is checked when it arrives; an open connection sends no new request, so it is checked here. Owns these repeated checks
and their rate: thousands of idle sockets must not use up the rate limit that other users need. Must never keep a session alive at Okta
(an open connection is not activity), nor treat "Okta does not say" as an end. A revocation of cookies does not wait for this check:
``edge.open_connections`` closes the connections at once.

A redemption replaces the browser's session. Connections of the old session stay open ("spared") until the user of the new session is
known. If it is the same user, they go on under the new cookies. If not, they are closed before the answer with the new session is
delivered::

    revoked, spared ──▶ moved: the same user ──▶ held under the new cookies, which the browser's record names
          │                 └─ another, nobody, or no record ──▶ cut
          └── 30 seconds without a word ──▶ cut
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from gateway.clock import Clock
from gateway.edge.open_connections import OpenConnections
from gateway.errors import OutsideFailed
from gateway.okta import browser_fields_of
from gateway.policy.http.messages import RequestHead
from gateway.policy.session.browser_id import browser_key
from gateway.policy.session.browser_record import BrowserRecord
from gateway.policy.session.session import Finding, Fingerprint, NoSession, Session, SessionCookie
from gateway.revocations import Moved, Revocation
from gateway.sessions import Sessions

LOOK_SECONDS = 1.0
QUESTIONS_AT_A_LOOK = 5
"""At most this many questions to Okta for each check, so about this many each second.

With more than 50 open sessions the checks come later than the ttl.
"""

NAMED_SECONDS = 0.05
"""Seconds from an event about a user to the check of what that user has open. All events of this time share one check."""
NAMED_AT_ONCE = 20
"""At most this many questions about such users are running, while Okta's rate limit is not short. When one ends, the next begins."""

SPARED_SECONDS = 30.0
"""How long a connection stays open while a redemption is running, in seconds."""

RecordOf = Callable[[str], Awaitable[BrowserRecord]]
"""The record of the browser with this id. Raises ``OutsideFailed``."""


class SessionWatch(NamedTuple):
    """A session that admitted a request, its cookies, their fingerprints, and the request's head.

    ``browser``: the id of the browser, or "".
    """

    fingerprints: tuple[Fingerprint, ...]
    cookies: tuple[SessionCookie, ...]
    session: Session
    head: RequestHead
    browser: str = ""


@dataclass(slots=True)
class _Open:
    """The open connections under the same cookies. ``count``: how many there are; ``head``: the head of the first one's request."""

    fingerprints: tuple[Fingerprint, ...]
    cookies: tuple[SessionCookie, ...]
    session: Session
    head: RequestHead
    browser: str = ""
    count: int = 0


class _Stay(NamedTuple):
    """A connection that is being moved to new cookies: the fingerprints of its old cookies, its browser's id, and its user."""

    key: tuple[Fingerprint, ...]
    browser: str
    user_id: str


class SessionWatcher:
    """All open connections of sessions in this process. Its timer runs only while something is open. Close it with ``aclose``."""

    def __init__(self, sessions: Sessions, open_connections: OpenConnections, clock: Clock, record_of: RecordOf) -> None:
        """``open_connections`` closes connections; ``record_of`` reads a browser's record, which names its cookies after a redemption."""
        self._record_of = record_of
        self._spared: dict[Fingerprint, float] = {}
        self._moved: dict[tuple[Fingerprint, ...], tuple[Fingerprint, ...]] = {}
        self._moving: dict[asyncio.Task[None], _Stay] = {}
        self._sessions = sessions
        self._open_connections = open_connections
        self._clock = clock
        self._open: dict[tuple[Fingerprint, ...], _Open] = {}
        self._asking: dict[tuple[Fingerprint, ...], asyncio.Task[None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._named: set[str] = set()
        self._due: dict[tuple[Fingerprint, ...], _Open] = {}
        self._soon: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def watched(self, watch: SessionWatch | None) -> Iterator[None]:
        """Check this session again and again until the block ends. If it ends, ``open_connections`` closes what the fingerprints hold."""
        if watch is None:
            yield
            return
        self.hold(watch)
        try:
            yield
        finally:
            self.release(watch)

    def hold(self, watch: SessionWatch) -> None:
        """Like ``watched`` without a block. The caller must call ``release`` at the end."""
        key = self._key(watch)
        found = self._open.get(key)
        if found is None:
            found = self._open[key] = _Open(*watch)
            self.look_soon()
        found.count += 1

    def release(self, watch: SessionWatch) -> None:
        """One connection of this session has ended."""
        key = self._key(watch)
        found = self._open[key]
        found.count -= 1
        if not found.count:
            del self._open[key]
            self._moved = {old: new for old, new in self._moved.items() if new != key} if self._moved else {}

    def _key(self, watch: SessionWatch) -> tuple[Fingerprint, ...]:
        return self._moved.get(watch.fingerprints, watch.fingerprints) if self._moved else watch.fingerprints

    def hear(self, revocation: Revocation) -> None:
        """Called right after each revocation is stored. Never waits.

        Connections under revoked cookies are spared, moved or forgotten. If the revocation names a user, that user's connections are
        checked soon.
        """
        if revocation.user_id is not None:
            self._named.add(revocation.user_id)
            if self._soon is None:
                self._soon = asyncio.get_running_loop().call_later(NAMED_SECONDS, self._look_at_named)
        if revocation.moved is not None:
            self._settle(revocation.moved)
        elif revocation.spared_for:
            self._spare(frozenset(revocation.fingerprints), revocation.spared_for)
        elif self._spared:
            for name in revocation.fingerprints:
                self._spared.pop(name, None)  # ``edge.open_connections`` has closed it

    def _spare(self, names: frozenset[Fingerprint], browser: str) -> None:
        """A redemption of this browser revokes these cookies: spare what this browser has open, and close the rest."""
        spared: set[Fingerprint] = set()
        cut: set[Fingerprint] = set()
        for watch in self._under(names):
            (spared if _is_of(watch, browser) else cut).update(watch.fingerprints)
        self._open_connections.close((names - spared) | cut)
        until = self._clock.monotonic() + SPARED_SECONDS
        self._spared.update(dict.fromkeys(spared, until))

    def _settle(self, moved: Moved) -> None:
        """The redemption is over: keep what the same user has open in the same browser, and close the rest."""
        stays: dict[tuple[Fingerprint, ...], str] = {}
        over: set[Fingerprint] = set()
        for watch in self._under(frozenset(moved.fingerprints)):
            if moved.user_id and watch.session.user_id == moved.user_id and _is_of(watch, moved.browser):
                stays[watch.fingerprints] = watch.browser
            else:
                over.update(watch.fingerprints)
        for stay in self._moving.values():  # the next redemption came before this one was held under its new cookies
            if browser_key(stay.browser).hex() == moved.browser and stay.user_id != moved.user_id:
                over.update(stay.key)
        staying = {name for key in stays for name in key}
        self._open_connections.close((set(moved.fingerprints) - staying) | over)
        for name in (*moved.fingerprints, *over):
            if name not in staying:
                self._spared.pop(name, None)
        for key, browser in stays.items():
            task = asyncio.create_task(self._go_on(key, browser, moved.user_id), name="going on under a new session")
            self._moving[task] = _Stay(key, browser, moved.user_id)
            task.add_done_callback(lambda done: self._moving.pop(done, None))

    async def _go_on(self, old: tuple[Fingerprint, ...], browser: str, user_id: str) -> None:
        """Hold the old cookies' connections under the browser's new cookies; close them if its record names another user, or none."""
        try:
            async with asyncio.timeout(SPARED_SECONDS):
                record = await self._record_of(browser)
        except (OutsideFailed, TimeoutError):
            record = BrowserRecord()
        new = self._sessions.fingerprints(record.cookies)
        if not new or record.user_id != user_id or self._sessions.is_revoked(record.cookies):
            self._open_connections.close(old)
        else:
            self._open_connections.move(old, new)
            self._rename(old, new, record.cookies)
        for name in old:
            self._spared.pop(name, None)

    def _rename(self, old: tuple[Fingerprint, ...], new: tuple[Fingerprint, ...], cookies: tuple[SessionCookie, ...]) -> None:
        """Replace the old cookies by the new ones in everything that is watched."""
        for answer, watch in tuple(self._open_connections.in_flight.items()):
            if isinstance(watch, SessionWatch) and watch.fingerprints == old:
                self._open_connections.in_flight[answer] = watch._replace(fingerprints=new, cookies=cookies)
        found = self._open.pop(old, None)
        if found is None:
            return
        there = self._open.get(new)
        if there is None:
            found.fingerprints, found.cookies = new, cookies
            self._open[new] = found
        else:
            there.count += found.count
        self._moved = {**{before: new if last == old else last for before, last in self._moved.items()}, old: new}

    def _under(self, names: frozenset[Fingerprint]) -> list["SessionWatch | _Open"]:
        """Everything open that one of these cookies admitted."""
        everything: list[SessionWatch | _Open] = [*self._open.values()]
        everything.extend(watch for watch in self._open_connections.in_flight.values() if isinstance(watch, SessionWatch))
        return [watch for watch in everything if not names.isdisjoint(watch.fingerprints)]

    def look_soon(self) -> None:
        """Something is open: check it in ``LOOK_SECONDS``, unless a check is planned already."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    async def aclose(self) -> None:
        """Stop all checks and running questions."""
        for timer in (self._timer, self._soon):
            if timer is not None:
                timer.cancel()
        self._timer = self._soon = None
        asking = (*self._asking.values(), *self._moving)
        for question in asking:
            question.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    def _look(self) -> None:
        """One check of everything that is open. Sessions whose cached answer is too old are asked about at Okta."""
        self._timer = None
        self._ask_due(QUESTIONS_AT_A_LOOK)
        held = self._adopted()
        for found in tuple(self._open.values()):
            if found.fingerprints not in self._open:
                continue  # it ended in this loop, together with a connection that was closed
            if self._spared and self._is_spared(found):
                continue
            finding = self._sessions.from_cache(found.cookies)
            if finding is not None:
                self._judge(found, finding)
            elif found.session.expires_at.timestamp() <= self._clock.wall():
                self._open_connections.close(found.fingerprints)
            elif found.fingerprints not in self._asking and len(self._asking) < QUESTIONS_AT_A_LOOK:
                self._ask(found)
        for watch in held:
            self.release(watch)
        if self._open or self._open_connections.in_flight:
            self.look_soon()

    def _look_at_named(self) -> None:
        """Check the connections of users that an event named: close those that are over, and ask Okta about the others."""
        self._soon, names, self._named = None, self._named, set()
        held = self._adopted()
        for found in tuple(self._open.values()):
            if names.isdisjoint(found.session.names) or found.fingerprints not in self._open or self._is_spared(found):
                continue
            finding = self._sessions.from_cache(found.cookies)
            if finding is not None:
                self._judge(found, finding)
            else:
                self._due[found.fingerprints] = found
        self._ask_due()
        for watch in held:
            self.release(watch)

    def _ask_due(self, at_a_look: int = 0) -> None:
        """Start waiting questions. ``at_a_look``: how many may run at once while Okta's rate limit is short."""
        most = at_a_look if self._sessions.is_rate_short else NAMED_AT_ONCE
        while self._due and len(self._asking) < most:
            found = self._due.pop(next(iter(self._due)))
            if found.fingerprints not in self._asking:
                self._ask(found)

    def _is_spared(self, found: _Open) -> bool:
        """Whether a running redemption still has to decide about this connection. If its time is over, the connection is closed here."""
        ends = [self._spared[name] for name in found.fingerprints if name in self._spared]
        if not ends or self._clock.monotonic() < max(ends):
            return bool(ends)
        for name in found.fingerprints:
            self._spared.pop(name, None)
        self._open_connections.close(found.fingerprints)
        return True

    def _adopted(self) -> tuple[SessionWatch, ...]:
        """Hold the short requests that are still open, for this one check; many requests of one session are checked once."""
        watches = tuple(watch for watch in self._open_connections.in_flight.values() if isinstance(watch, SessionWatch))
        for watch in watches:
            self.hold(watch)
        return watches

    def _ask(self, found: _Open) -> None:
        if found.fingerprints in self._open:  # put it last: if there are more sessions than questions, each one is asked about in turn
            self._open[found.fingerprints] = self._open.pop(found.fingerprints)
        question = asyncio.create_task(self._ask_okta(found), name="looking again")
        key = found.fingerprints
        self._asking[key] = question
        question.add_done_callback(lambda _: self._answered(key))

    def _answered(self, key: tuple[Fingerprint, ...]) -> None:
        self._asking.pop(key, None)
        self._ask_due()

    async def _ask_okta(self, found: _Open) -> None:
        fingerprints = found.fingerprints
        finding = await self._sessions.current(found.cookies, browser_fields_of(found.head), vouched=True)
        if found.fingerprints == fingerprints and not any(name in self._spared for name in fingerprints):
            self._judge(found, finding)  # else a redemption replaced these cookies while Okta was asked

    def _judge(self, found: _Open, finding: Finding) -> None:
        """Close what is open if its session has expired, has ended, or belongs to another user now."""
        if isinstance(finding, Session) and finding.user_id == found.session.user_id:
            found.session = finding
        is_over = found.session.expires_at.timestamp() <= self._clock.wall()
        is_another = isinstance(finding, Session) and finding.user_id != found.session.user_id
        if is_over or is_another or isinstance(finding, NoSession):
            self._open_connections.close(found.fingerprints)


def _is_of(watch: SessionWatch | _Open, browser: str) -> bool:
    """Whether this browser opened it; ``browser`` is the key of the browser's record."""
    return bool(watch.browser) and browser_key(watch.browser).hex() == browser
