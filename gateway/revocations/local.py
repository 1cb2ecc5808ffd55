"""Revocations of one process: bounded dictionaries with a time to live.

Owns the memory that every other kind of Revocations keeps in front. Must never forget one because it was looked up seldom, and
counts what its bound made it forget: a forgotten revocation leaves Okta's word alone to judge by.
"""

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from gateway.policy.session.session import Fingerprint
from gateway.revocations.interface import Kin, Listener, Remembered, Revocation, Unsubscribe

REMEMBERED_SECONDS = 12 * 3600.0
LARGEST = 200_000

Key = TypeVar("Key")


class Heard(Generic[Key]):
    """When each key was last heard of, for a while. One time to live for all: so the dictionary's order is that of their ends.

    A plain dictionary, because every request looks into it three times and hardly ever finds anything.
    """

    __slots__ = ("_at", "_largest", "_monotonic", "_seconds", "forgotten", "known")

    def __init__(self, largest: int, seconds: float, monotonic: Callable[[], float]) -> None:
        """At most ``largest`` keys, ``seconds`` long; ``forgotten`` counts those that the bound pushed out before their end.

        ``known``: all that were heard of, those that are over included.
        """
        self._at: dict[Key, float] = {}
        self.known = self._at.keys()
        self._largest = largest
        self._seconds = seconds
        self._monotonic = monotonic
        self.forgotten = 0

    def note(self, key: Key, age_seconds: float = 0.0) -> float | None:
        """The key was heard of so long ago, unless it is known to have been heard of since.

        Returns the monotonic second of the last key that the bound pushed out for it; None where it pushed out none.
        """
        now, gone = self._monotonic(), None
        at = max(now - age_seconds, self._at.pop(key, now - age_seconds))
        while self._at and (len(self._at) >= self._largest or self._is_over(next(iter(self._at.values())), now)):
            eldest = self._at.pop(next(iter(self._at)))
            if not self._is_over(eldest, now):
                self.forgotten += 1
                gone = eldest
        self._at[key] = at
        return gone

    def drop(self, key: Key) -> None:
        """Never mind what was heard of the key."""
        self._at.pop(key, None)

    def since(self, key: Key) -> float | None:
        """The monotonic second at which the key was last heard of; None where that is too long ago, or it never was."""
        at = self._at.get(key)
        return at if at is not None and not self._is_over(at, self._monotonic()) else None

    def _is_over(self, at: float, now: float) -> bool:
        return now >= at + self._seconds


class LocalRevocations:
    """What this process was told. ``remembered_seconds`` must outlast a session; each kind keeps at most ``largest`` entries."""

    def __init__(self, monotonic: Callable[[], float], remembered_seconds: float = REMEMBERED_SECONDS, largest: int = LARGEST) -> None:
        """``monotonic``: seconds, the clock that Sessions uses too."""
        self.is_shared = False
        self._monotonic = monotonic
        self._cookies: Heard[Fingerprint] = Heard(largest, remembered_seconds, monotonic)
        self._unseen: Heard[Fingerprint] = Heard(largest, remembered_seconds, monotonic)
        self._sessions: Heard[str] = Heard(largest, remembered_seconds, monotonic)
        self._users: Heard[str] = Heard(largest, remembered_seconds, monotonic)
        self._held: Heard[Fingerprint] = Heard(largest, remembered_seconds, monotonic)
        self._everybody: Heard[None] = Heard(1, remembered_seconds, monotonic)
        self._began_before: dict[str | None, float] = {}
        self._largest = largest
        self._horizon: Heard[None] = Heard(1, remembered_seconds, monotonic)
        self._kin: list[Kin] = []
        self._listeners: dict[object, Listener] = {}

    def poll(self) -> None:
        """There is nobody else to hear."""

    async def publish(self, revocation: Revocation) -> None:
        """Remember it; there is nobody else to tell."""
        self.remember(revocation)

    def remember(self, revocation: Revocation) -> None:
        """Remember a revocation and tell the listeners; hearing it again begins its time anew."""
        self.hear(Remembered(revocation, 0.0))

    def hear(self, heard: Remembered) -> None:
        """Remember a revocation at its age and tell the listeners."""
        before = self.forgotten_since()
        self._note(*heard)
        self._tell(heard.revocation)
        if self.forgotten_since() != before and not heard.revocation.forgotten:
            self._tell(Revocation(forgotten=True))

    def _tell(self, revocation: Revocation) -> None:
        for listener in tuple(self._listeners.values()):
            listener(revocation)

    def has_cookie(self, fingerprints: Iterable[Fingerprint]) -> bool:
        """Whether any of these cookies is revoked."""
        fingerprints = tuple(fingerprints)
        if self._cookies.known.isdisjoint(fingerprints) and self._unseen.known.isdisjoint(fingerprints):
            return False  # so it is nearly always
        return any(self._cookies.since(one) is not None or self._unseen.since(one) is not None for one in fingerprints)

    def has_session(self, mark: str) -> bool:
        """Whether the session that this mark stands for is revoked."""
        return self._sessions.since(mark) is not None

    def is_held(self, fingerprints: Iterable[Fingerprint]) -> bool:
        """Whether it is not known of any of these cookies whose they are."""
        return not self._held.known.isdisjoint(fingerprints)

    def user_since(self, user_id: str) -> float | None:
        """The monotonic second at which a revocation of this user was last heard of; None where there is none."""
        return self._users.since(user_id)

    def began_before(self, names: Iterable[str]) -> float | None:
        """The latest Unix second of Okta's before which sessions of this user, or everybody's, are revoked; None where there is none."""
        if not self._began_before:
            return None
        heard = [self._began_before.get(name) for name in names if self._users.since(name) is not None]
        if self._everybody.since(None) is not None:
            heard.append(self._began_before.get(None))
        return max((second for second in heard if second is not None), default=None)

    def everybody_since(self) -> float | None:
        """The monotonic second at which everybody was last revoked; None where that never was."""
        return self._everybody.since(None)

    def forgotten_since(self) -> float | None:
        """The monotonic second of the youngest revocation that a bound pushed out; None where none was."""
        return self._horizon.since(None)

    def known_kin(self) -> tuple[Kin, ...]:
        """The kin that this memory heard of before anybody listened, oldest first."""
        return tuple(self._kin)

    def subscribe(self, listener: Listener) -> Unsubscribe:
        """Call ``listener`` with every revocation, right after it is remembered; returns what ends that."""
        mark = object()
        self._listeners[mark] = listener

        def unsubscribe() -> None:
            self._listeners.pop(mark, None)

        return unsubscribe

    def _note(self, revocation: Revocation, age_seconds: float) -> None:
        gone: list[float | None] = []
        for fingerprint in revocation.fingerprints:
            if fingerprint in revocation.unseen:
                self._unseen.note(fingerprint, age_seconds)  # anybody can invent them: what they push out sends nobody to a hand-off
            else:
                gone.append(self._cookies.note(fingerprint, age_seconds))
        if revocation.session_mark is not None:
            gone.append(self._sessions.note(revocation.session_mark, age_seconds))
        if revocation.user_id is not None:
            gone.append(self._users.note(revocation.user_id, age_seconds))
        youngest_gone = max((at for at in gone if at is not None), default=None)
        if youngest_gone is not None:
            self._horizon.note(None, self._monotonic() - youngest_gone)
        if revocation.began_before is not None:
            for name in (revocation.user_id, None):  # None: everybody
                if name is not None or revocation.everybody:
                    self._note_began_before(name, revocation.began_before)
        for fingerprint in revocation.held:
            self._held.note(fingerprint, age_seconds)
        for fingerprint in revocation.released:
            self._held.drop(fingerprint)
        if revocation.kin is not None and not self._listeners:
            self._kin.append(revocation.kin)
        if revocation.everybody:
            self._everybody.note(None, age_seconds)
        if revocation.forgotten:
            self._horizon.note(None, age_seconds)

    def _note_began_before(self, name: str | None, second: float) -> None:
        """``name``: None for everybody. An event that comes late takes nothing back."""
        latest = max(second, self._began_before.pop(name, second))
        if len(self._began_before) >= self._largest:
            self._began_before.pop(next(iter(self._began_before)))
        self._began_before[name] = latest

    @property
    def ready(self) -> bool:
        """Always: one process cannot be away from itself."""
        return True

    @property
    def forgotten(self) -> int:
        """How many revocations the bound pushed out before their time, oldest first."""
        return self._cookies.forgotten + self._unseen.forgotten + self._sessions.forgotten + self._users.forgotten
