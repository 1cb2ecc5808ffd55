"""The cache of Okta's answers. A request that the cache can answer costs one dictionary look-up.

It must never wait, hold a raw cookie, or return an answer about a revoked cookie, session or user. Revocations are checked at every read,
not only when they arrive. So an answer that arrives late cannot make a revoked session valid again.
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
"""The finding if a cookie name occurs twice. Okta is asked about each cookie alone, so there is no cached answer for all of them."""
REVOKED = NoSession("revoked")
UNDECIDED = Unknown("undecided")


def is_session_revoked(revocations: Revocations, fingerprinter: Fingerprinter, session_id: str) -> bool:
    """Whether the session with this id is revoked. It also checks the plain id, because an older release published that."""
    return revocations.has_session(fingerprinter.of_session(session_id)) or revocations.has_session(session_id)


@dataclass(frozen=True, slots=True)
class SessionRules:
    """The ``[session]`` table of the config; times in seconds. ``family_seconds`` must be longer than a session lasts.

    ``epoch``: the epoch of this process's memory of revocations. ``with_hook``: the lifetimes of an answer while ``Sessions.hook_trust``
    covers it; None: the same as for others.
    """

    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    max_entries: int = 100_000
    keep_alive: float = 0.0
    family_seconds: float = 12 * 3600.0
    epoch: RevocationEpoch = EVER
    with_hook: Lifetimes | None = None


class KnownAnswer(NamedTuple):
    """The cache key of some cookies, the cached answer (None: there is none), and the answer's state.

    It is a tuple, because one is made for every request, and a frozen dataclass takes twice as long.
    """

    key: bytes
    entry: Entry | None
    worth: EntryState


class ValidUntil(NamedTuple):
    """An answer stays the same until this monotonic second, as long as the counter ``changes`` stays the same."""

    changes: int
    monotonic: float


class Answers:
    """At most ``max_entries`` answers. The least recently used one is dropped first."""

    def __init__(self, revocations: Revocations, fingerprinter: Fingerprinter, rules: SessionRules, clock: Clock) -> None:
        """``revocations`` and ``clock`` are shared by the whole process, so both use the same monotonic seconds."""
        self._revocations = revocations
        self._fingerprinter = fingerprinter
        self._lifetimes = rules.lifetimes
        self._with_hook = rules.with_hook
        self.hook_trust = HookTrust()
        self._monotonic = clock.monotonic
        self._largest = rules.max_entries
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()  # the least recently used first
        self._keys_with: dict[bytes, set[bytes]] = {}  # fingerprint: the keys of sets of cookies that contain it
        self._changes = 0  # counts the changes; each one may make a ``ValidUntil`` invalid
        self._poll = revocations.poll if revocations.is_shared else None
        self._floor = -inf
        revocations.subscribe(self._hear)

    def __len__(self) -> int:
        self._forget_dead()
        return len(self._entries)

    def find(self, cookies: Cookies, *, despite_hold: bool = False, for_pass: bool = False) -> NoSession | Unknown | KnownAnswer:
        """The same as ``find_marked``, for cookies whose marks are not computed yet."""
        return self.find_marked(self._fingerprinter.marks(cookies), despite_hold, for_pass)

    def find_marked(self, marks: Marks, despite_hold: bool = False, for_pass: bool = False) -> NoSession | Unknown | KnownAnswer:
        """The cached answer about cookies. ``NoSession`` if there are none, or if they are revoked or repeated; ``Unknown`` if held.

        ``despite_hold``: ignore a hold; for the caller that decides whose the cookies are. ``for_pass``: the cookies come from a pass.
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
        """How many seconds the answer about these cookies stays valid; 0 if there is no answer."""
        found = self.find_marked(marks)
        entry = found.entry if isinstance(found, KnownAnswer) else None
        return max(0.0, entry.fresh_until - self._monotonic()) if entry is not None else 0.0

    def valid_until(self, marks: Marks) -> ValidUntil | None:
        """How long ``find_marked`` returns the same fresh answer; None if there is no fresh answer now."""
        found = self.find_marked(marks)
        if not isinstance(found, KnownAnswer) or found.entry is None or found.worth is not EntryState.FRESH:
            return None
        entry, until = found.entry, self.hook_trust.until
        return ValidUntil(self._changes, entry.due_at if entry.without_hook is None else min(entry.due_at, until))

    def is_valid(self, valid_until: ValidUntil) -> bool:
        """Whether a result of ``valid_until`` still holds."""
        if self._poll is not None:
            self._poll()
        return valid_until.changes == self._changes and self._monotonic() < valid_until.monotonic

    def session(self, fingerprints: tuple[Fingerprint, ...]) -> Session | None:
        """The session that Okta last named for exactly these cookies, even if it is revoked or no longer fresh."""
        entry = self._at(key_of(fingerprints), self._monotonic()) if fingerprints else None
        return entry.finding if entry is not None and isinstance(entry.finding, Session) else None

    def current_finding(self, cookies: Cookies, reply: OktaReply, *, despite_hold: bool = True) -> Finding:
        """The finding of an answer, corrected by any revocation or hold that came after its question."""
        finding, own = reply.finding, self._fingerprinter.all(cookies)
        if self._revocations.has_cookie(own):
            return REVOKED
        if not despite_hold and self._revocations.is_held(own):
            return UNDECIDED
        if isinstance(finding, Session) and (self.is_over(finding) or self._is_outdated(finding, reply.asked_at)):
            return REVOKED
        return finding

    def has_session_ended(self, session_id: str) -> bool:
        """Whether the Okta session with this id is revoked."""
        return is_session_revoked(self._revocations, self._fingerprinter, session_id)

    def is_over(self, session: Session) -> bool:
        """Whether this session is revoked by its id, or was created before all sessions of its user, or of everybody, were ended."""
        if self.has_session_ended(session.id):
            return True
        before = self._revocations.began_before(session.names)
        # Okta names whole seconds. A session of the same second may have begun after that moment, so it is not over; Okta is asked.
        return before is not None and session.created_at is not None and session.created_at.timestamp() + 1.0 <= before

    def must_ask_again(self, reply: OktaReply) -> bool:
        """Whether a revocation of this answer's user arrived after the question was sent, so that Okta must be asked once more."""
        found, at = reply.finding, reply.asked_at
        return isinstance(found, Session) and not self.is_over(found) and at > self._floor and self._is_outdated(found, at)

    def keep(self, key: bytes, reply: OktaReply, finding: Finding, shortage: float, *, for_pass: bool = False) -> None:
        """Cache an answer for as long as it is valid. If it was revoked meanwhile, the entry is dropped.

        ``Unknown`` keeps an older answer to its end, but that answer is not asked about again before then.
        """
        if isinstance(finding, Unknown):
            entry = self._at(key, self._monotonic())
            if entry is not None:
                self._write(key, replace(entry, due_at=entry.fresh_until))
        elif finding == REVOKED:
            self.forget(key)
        else:
            self._write(key, replace(self._entry(reply, finding, shortage), for_pass=for_pass))

    def forget(self, *keys: bytes) -> None:
        """Drop the answers with these keys."""
        self._changes += 1
        for key in keys:
            self._drop(key)

    def forget_with(self, fingerprints: tuple[Fingerprint, ...]) -> None:
        """Drop the answers about these cookies, and about every set of cookies that contains one of them."""
        for fingerprint in fingerprints:
            self.forget(fingerprint, *self._keys_with.get(fingerprint, ()))

    def forget_nobody(self, fingerprints: tuple[Fingerprint, ...], *, waiting_only: bool = False) -> None:
        """Drop "no session" answers about exactly these cookies together, and about each of them alone.

        ``waiting_only``: drop only "a second factor is missing". The user may have shown it since.
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

    def _entry(self, reply: OktaReply, finding: Session | NoSession, shortage: float) -> Entry:
        entry = entry_of(finding, self._lifetimes, shortage, reply.asked_at, reply.wall)
        if self._with_hook is None or not isinstance(finding, Session) or not self.hook_trust.covers(reply.asked_at, self._monotonic()):
            return entry
        return replace(entry_of(finding, self._with_hook, shortage, reply.asked_at, reply.wall), without_hook=entry)

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
        """Drop dead entries at the least recently used end. An entry in use is renewed before it dies, so this end is enough."""
        now = self._monotonic()
        while self._entries and now >= next(iter(self._entries.values())).grace_until:
            self._drop(next(iter(self._entries)))

    def _is_outdated(self, session: Session, asked_at: float) -> bool:
        if asked_at <= self._floor:
            return True
        by_id, by_login = map(self._revocations.user_since, session.names)  # a call to Okta may name the user by login
        return (by_id is not None and asked_at <= by_id) or (by_login is not None and asked_at <= by_login)
