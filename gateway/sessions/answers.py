"""What Okta answered lately, and what of it may still be believed: the dictionary look-up that a request costs.

Owns the cache. Must never wait, hold a raw cookie, or give back an answer about a revoked cookie, session or user. A revocation is
looked up on every reading, not only when it arrives: so no answer that comes late can bring back what was revoked.
"""

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from math import inf
from typing import NamedTuple

from gateway.clock import Clock
from gateway.policy.hooks.hook_trust import HookTrust
from gateway.policy.session.cache import Entry, EntryState, Lifetimes, entry_of, state
from gateway.policy.session.judging import FACTOR_PENDING
from gateway.policy.session.revocation_epoch import EVER, RevocationEpoch
from gateway.policy.session.session import (
    Finding,
    Fingerprint,
    Fingerprinter,
    Marks,
    NoSession,
    Session,
    SessionCookie,
    Unknown,
    key_of,
    parts_of,
)
from gateway.revocations import Revocation, Revocations
from gateway.sessions.asking import OktaReply

Cookies = tuple[SessionCookie, ...]

NO_COOKIE = NoSession("no_cookie")
REPEATED = NoSession("repeated")
"""A name occurs twice: the cookies are asked about one by one, and this memory holds no answer for all of them."""
REVOKED = NoSession("revoked")
UNDECIDED = Unknown("undecided")


def is_session_revoked(revocations: Revocations, fingerprinter: Fingerprinter, session_id: str) -> bool:
    """Whether the session with this id is revoked by it; a release before this one published the id itself."""
    return revocations.has_session(fingerprinter.of_session(session_id)) or revocations.has_session(session_id)


@dataclass(frozen=True, slots=True)
class SessionRules:
    """The ``[session]`` table of the config; seconds. ``kin_seconds`` must outlast a session. ``epoch``: the memory of revocations.

    ``with_hook``: how long an answer is believed while ``Sessions.hook_trust`` covers it; None: no longer than any other.
    """

    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    max_entries: int = 100_000
    keep_alive: float = 0.0
    kin_seconds: float = 12 * 3600.0
    epoch: RevocationEpoch = EVER
    with_hook: Lifetimes | None = None


class KnownAnswer(NamedTuple):
    """Where the answer about some cookies lies, the answer if there is one that is not dead yet, and what it is worth.

    A tuple, because one is made for every request and a frozen dataclass takes twice as long.
    """

    key: bytes
    entry: Entry | None
    worth: EntryState


class Good(NamedTuple):
    """An answer stays what it is until this monotonic second, unless something changes in the memory before."""

    changes: int
    until: float


class Answers:
    """At most ``max_entries`` answers, the least recently used go first."""

    def __init__(self, revocations: Revocations, fingerprinter: Fingerprinter, rules: SessionRules, clock: Clock) -> None:
        """``revocations`` and ``clock`` are those of the whole process: both count by the same monotonic second."""
        self._revocations = revocations
        self._fingerprinter = fingerprinter
        self._lifetimes = rules.lifetimes
        self._with_hook = rules.with_hook
        self.hook_trust = HookTrust()
        self._monotonic = clock.monotonic
        self._largest = rules.max_entries
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()  # the least recently used first
        self._keys_with: dict[bytes, set[bytes]] = {}  # of each fingerprint the keys of several cookies that it is a part of
        self._changes = 0  # with each, what was good need not be so any more
        self._poll = revocations.poll if revocations.is_shared else None
        self._floor = -inf
        revocations.subscribe(self._hear)

    def __len__(self) -> int:
        self._forget_dead()
        return len(self._entries)

    def find(self, cookies: Cookies, *, despite_hold: bool = False, for_pass: bool = False) -> NoSession | Unknown | KnownAnswer:
        """As ``find_marked``, for cookies whose marks are not known."""
        return self.find_marked(self._fingerprinter.marks(cookies), despite_hold, for_pass)

    def find_marked(self, marks: Marks, despite_hold: bool = False, for_pass: bool = False) -> NoSession | Unknown | KnownAnswer:
        """What is known about cookies: that they carry no session, that it is undecided whose they are, or the answer about them.

        ``despite_hold``: for whoever decides it. ``for_pass``: they come out of a pass.
        """
        key = marks.key
        if not key:
            return NO_COOKIE
        if marks.is_repeated:
            return REPEATED
        if self._revocations.has_cookie(marks.fingerprints):
            return REVOKED
        if not despite_hold and self._revocations.is_held(marks.fingerprints):
            return UNDECIDED
        now = self._monotonic()
        entry = self._at(key, now)
        if entry is None:
            return KnownAnswer(key, None, EntryState.DEAD)
        if isinstance(entry.finding, Session):
            if self.is_over(entry.finding):
                return REVOKED
            if self._is_outdated(entry.finding, entry.asked_at):
                self.forget(key)
                return KnownAnswer(key, None, EntryState.DEAD)
        elif for_pass and not entry.for_pass:
            return KnownAnswer(key, None, EntryState.DEAD)
        return KnownAnswer(key, entry, state(entry, now))

    def seconds_left(self, marks: Marks) -> float:
        """For how long the answer about cookies with these marks is still believed; 0 where there is none, and where Okta did not say."""
        found = self.find_marked(marks)
        entry = found.entry if isinstance(found, KnownAnswer) else None
        return max(0.0, entry.fresh_until - self._monotonic()) if entry is not None else 0.0

    def good_until(self, marks: Marks) -> Good | None:
        """For how long ``find_marked`` would find the fresh session that it finds now; None where it finds none."""
        found = self.find_marked(marks)
        if not isinstance(found, KnownAnswer) or found.entry is None or found.worth is not EntryState.FRESH:
            return None
        entry, until = found.entry, self.hook_trust.until
        return Good(self._changes, entry.due_at if entry.without_hook is None else min(entry.due_at, until))

    def is_good(self, good: Good) -> bool:
        """Whether that is still so."""
        if self._poll is not None:
            self._poll()
        return good.changes == self._changes and self._monotonic() < good.until

    def session(self, fingerprints: tuple[Fingerprint, ...]) -> Session | None:
        """The session that Okta last named for exactly these cookies, believed or not."""
        entry = self._at(key_of(fingerprints), self._monotonic()) if fingerprints else None
        return entry.finding if entry is not None and isinstance(entry.finding, Session) else None

    def believed(self, cookies: Cookies, asked: OktaReply, *, despite_hold: bool = True) -> Finding:
        """An answer, less what a revocation, or a hold, that came after its question has to say about it."""
        finding, own = asked.finding, self._fingerprinter.all(cookies)
        if self._revocations.has_cookie(own):
            return REVOKED
        if not despite_hold and self._revocations.is_held(own):
            return UNDECIDED
        if isinstance(finding, Session) and (self.is_over(finding) or self._is_outdated(finding, asked.asked_at)):
            return REVOKED
        return finding

    def has_session_ended(self, session_id: str) -> bool:
        """Whether this session of Okta's is revoked by its id."""
        return is_session_revoked(self._revocations, self._fingerprinter, session_id)

    def is_over(self, session: Session) -> bool:
        """Whether this session is revoked by its id, or because Okta created it before its user's, or everybody's, sessions were ended."""
        if self.has_session_ended(session.id):
            return True
        before = self._revocations.began_before(session.names)
        # Okta names whole seconds: a session of the very second in which they were ended may have begun after it, and is asked about.
        return before is not None and session.created_at is not None and session.created_at.timestamp() + 1.0 <= before

    def must_ask_again(self, asked: OktaReply) -> bool:
        """Whether the user of this answer was heard of after the question, so that Okta must be asked once more."""
        found, at = asked.finding, asked.asked_at
        return isinstance(found, Session) and not self.is_over(found) and at > self._floor and self._is_outdated(found, at)

    def keep(self, key: bytes, asked: OktaReply, finding: Finding, shortage: float, *, for_pass: bool = False) -> None:
        """Write an answer down for as long as it may be believed; one that was revoked meanwhile leaves nothing behind.

        "Okta does not say" leaves an older answer as it is, to be believed to its end but not asked about again before that.
        """
        if isinstance(finding, Unknown):
            entry = self._at(key, self._monotonic())
            if entry is not None:
                self._write(key, replace(entry, due_at=entry.fresh_until))
        elif finding == REVOKED:
            self.forget(key)
        else:
            self._write(key, replace(self._entry(asked, finding, shortage), for_pass=for_pass))

    def forget(self, *keys: bytes) -> None:
        """Drop answers."""
        self._changes += 1
        for key in keys:
            self._drop(key)

    def forget_with(self, fingerprints: tuple[Fingerprint, ...]) -> None:
        """Drop the answers about these cookies, and about any set of cookies that one of them is in."""
        for fingerprint in fingerprints:
            self.forget(fingerprint, *self._keys_with.get(fingerprint, ()))

    def forget_nobody(self, fingerprints: tuple[Fingerprint, ...], *, waiting_only: bool = False) -> None:
        """Drop the answers that exactly these cookies, or one of them, carry no session.

        ``waiting_only``: only those that a second factor was missing. It may have been shown since.
        """
        for key in {key_of(fingerprints), *fingerprints}:
            entry = self._entries.get(key)
            if entry is not None and (entry.finding == FACTOR_PENDING or (not waiting_only and isinstance(entry.finding, NoSession))):
                self.forget(key)

    def _at(self, key: bytes, now: float) -> Entry | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.without_hook is not None and not self.hook_trust.covers(entry.asked_at, now):
            entry = entry.without_hook
        if now >= entry.grace_until:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry

    def _hear(self, revocation: Revocation) -> None:
        self._changes += 1
        if revocation.everybody or revocation.forgotten:
            moments = self._revocations.everybody_since(), self._revocations.forgotten_since()
            self._floor = max((self._floor, *(moment for moment in moments if moment is not None)))

    def _entry(self, asked: OktaReply, finding: Session | NoSession, shortage: float) -> Entry:
        entry = entry_of(finding, self._lifetimes, shortage, asked.asked_at, asked.wall)
        if self._with_hook is None or not isinstance(finding, Session) or not self.hook_trust.covers(asked.asked_at, self._monotonic()):
            return entry
        return replace(entry_of(finding, self._with_hook, shortage, asked.asked_at, asked.wall), without_hook=entry)

    def _write(self, key: bytes, entry: Entry) -> None:
        self._changes += 1
        self._drop(key)
        if self._monotonic() < entry.grace_until:
            self._entries[key] = entry
            for fingerprint in parts_of(key):
                self._keys_with.setdefault(fingerprint, set()).add(key)
        self._forget_dead()
        if len(self._entries) > self._largest:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: bytes) -> None:
        if self._entries.pop(key, None) is None:
            return
        for fingerprint in parts_of(key):
            keys = self._keys_with.get(fingerprint, set())
            keys.discard(key)
            if not keys:
                self._keys_with.pop(fingerprint, None)

    def _forget_dead(self) -> None:
        """Drop the dead at the end that is used least: whoever is used is asked about again before it dies."""
        now = self._monotonic()
        while self._entries and now >= next(iter(self._entries.values())).grace_until:
            self._drop(next(iter(self._entries)))

    def _is_outdated(self, session: Session, asked_at: float) -> bool:
        if asked_at <= self._floor:
            return True
        by_id, by_login = map(self._revocations.user_since, session.names)  # a call to Okta may name the user by login
        return (by_id is not None and asked_at <= by_id) or (by_login is not None and asked_at <= by_login)
