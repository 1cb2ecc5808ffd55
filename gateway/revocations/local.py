"""The memory of revocations in one process: bounded dictionaries with a time to live.

It must never drop a revocation because it is seldom looked up. If it is full it drops the oldest one, and counts that. After that only
Okta's answers decide about that session, so passes from before go through a hand-off (``forgotten_since``).
"""

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from gateway.policy.session.session import Fingerprint
from gateway.revocations.interface import Listener, Remembered, Revocation, Rotation, Unsubscribe

REMEMBERED_SECONDS = 12 * 3600.0
LARGEST = 200_000

Key = TypeVar("Key")


class ArrivalTimes(Generic[Key]):
    """The time at which each key last arrived. All keys have the same time to live, so the dictionary is ordered by their ends.

    It is a plain dictionary, because every request looks into it three times and hardly ever finds anything.
    """

    __slots__ = ("_at", "_largest", "_monotonic", "_seconds", "forgotten", "known")

    def __init__(self, largest: int, seconds: float, monotonic: Callable[[], float]) -> None:
        """At most ``largest`` keys, each for ``seconds``. ``forgotten`` counts the keys that were dropped before their end.

        ``known``: a view of all keys, including those that have ended but are not dropped yet.
        """
        self._at: dict[Key, float] = {}
        self.known = self._at.keys()
        self._largest = largest
        self._seconds = seconds
        self._monotonic = monotonic
        self.forgotten = 0

    def note(self, key: Key, age_seconds: float = 0.0) -> float | None:
        """Note that the key arrived ``age_seconds`` ago, unless a later arrival is known.

        Returns the monotonic second of the last key that was dropped to make room; None if none was dropped before its end.
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
        """Remove the key."""
        self._at.pop(key, None)

    def since(self, key: Key) -> float | None:
        """The monotonic second at which the key last arrived; None if it never did, or if it has ended."""
        at = self._at.get(key)
        return at if at is not None and not self._is_over(at, self._monotonic()) else None

    def _is_over(self, at: float, now: float) -> bool:
        return now >= at + self._seconds


class LocalRevocations:
    """The revocations that this process knows. ``remembered_seconds`` must be longer than a session; at most ``largest`` of each kind."""

    def __init__(self, monotonic: Callable[[], float], remembered_seconds: float = REMEMBERED_SECONDS, largest: int = LARGEST) -> None:
        """``monotonic``: the clock in seconds, the same as that of the session cache."""
        self.is_shared = False
        self._monotonic = monotonic
        self._cookies: ArrivalTimes[Fingerprint] = ArrivalTimes(largest, remembered_seconds, monotonic)
        self._unseen: ArrivalTimes[Fingerprint] = ArrivalTimes(largest, remembered_seconds, monotonic)
        self._sessions: ArrivalTimes[str] = ArrivalTimes(largest, remembered_seconds, monotonic)
        self._users: ArrivalTimes[str] = ArrivalTimes(largest, remembered_seconds, monotonic)
        self._held: ArrivalTimes[Fingerprint] = ArrivalTimes(largest, remembered_seconds, monotonic)
        self._everybody: ArrivalTimes[None] = ArrivalTimes(1, remembered_seconds, monotonic)
        self._began_before: dict[str | None, float] = {}
        self._largest = largest
        self._horizon: ArrivalTimes[None] = ArrivalTimes(1, remembered_seconds, monotonic)
        self._rotations: list[Rotation] = []
        self._listeners: dict[object, Listener] = {}

    def poll(self) -> None:
        """It does nothing: no other process publishes here."""

    async def publish(self, revocation: Revocation) -> None:
        """Remember a revocation. There is no other process to tell."""
        self.remember(revocation)

    def remember(self, revocation: Revocation) -> None:
        """Remember a revocation from now on, and call the listeners. A repetition restarts its time to live."""
        self.hear(Remembered(revocation, 0.0))

    def hear(self, heard: Remembered) -> None:
        """Remember a revocation of another process with its age, and call the listeners."""
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
            return False  # the usual case, made fast
        return any(self._cookies.since(one) is not None or self._unseen.since(one) is not None for one in fingerprints)

    def has_session(self, mark: str) -> bool:
        """Whether the session with this ``session_mark`` is revoked."""
        return self._sessions.since(mark) is not None

    def is_held(self, fingerprints: Iterable[Fingerprint]) -> bool:
        """Whether any of these cookies is held: its user is not known yet."""
        return not self._held.known.isdisjoint(fingerprints)

    def user_since(self, user_id: str) -> float | None:
        """The monotonic second of the last revocation of this user: its arrival less its age; None if there is none."""
        return self._users.since(user_id)

    def began_before(self, names: Iterable[str]) -> float | None:
        """The latest Unix second, by Okta's clock, before which the sessions of this user, or of everybody, are revoked; None: none."""
        if not self._began_before:
            return None
        heard = [self._began_before.get(name) for name in names if self._users.since(name) is not None]
        if self._everybody.since(None) is not None:
            heard.append(self._began_before.get(None))
        return max((second for second in heard if second is not None), default=None)

    def everybody_since(self) -> float | None:
        """The monotonic second of the last revocation of everybody: its arrival less its age; None if there is none."""
        return self._everybody.since(None)

    def forgotten_since(self) -> float | None:
        """The monotonic second of the newest revocation that was dropped because the memory was full; None if there is none."""
        return self._horizon.since(None)

    def known_rotations(self) -> tuple[Rotation, ...]:
        """The rotations that arrived before the first call of ``subscribe``, oldest first."""
        return tuple(self._rotations)

    def subscribe(self, listener: Listener) -> Unsubscribe:
        """Call ``listener`` with every revocation, right after it is remembered. Returns a function that ends the subscription."""
        mark = object()
        self._listeners[mark] = listener

        def unsubscribe() -> None:
            self._listeners.pop(mark, None)

        return unsubscribe

    def _note(self, revocation: Revocation, age_seconds: float) -> None:
        gone: list[float | None] = []
        for fingerprint in revocation.fingerprints:
            if fingerprint in revocation.unseen:
                self._unseen.note(fingerprint, age_seconds)  # may be made up: dropping such cookies must not invalidate passes
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
        if revocation.rotation is not None and not self._listeners:
            self._rotations.append(revocation.rotation)
        if revocation.everybody:
            self._everybody.note(None, age_seconds)
        if revocation.forgotten:
            self._horizon.note(None, age_seconds)

    def _note_began_before(self, name: str | None, second: float) -> None:
        """``name``: None for everybody. A late event never moves the second back."""
        latest = max(second, self._began_before.pop(name, second))
        if len(self._began_before) >= self._largest:
            self._began_before.pop(next(iter(self._began_before)))
        self._began_before[name] = latest

    @property
    def ready(self) -> bool:
        """Always True, because there are no other processes."""
        return True

    @property
    def forgotten(self) -> int:
        """How many revocations were dropped before their end because the memory was full."""
        return self._cookies.forgotten + self._unseen.forgotten + self._sessions.forgotten + self._users.forgotten
