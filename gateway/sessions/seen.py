"""The cookies that this process has seen as real sessions: their users, and the cookies that Okta has just set.

It answers one question: can this cookie be made up? A question to Okta about an unknown cookie is a guess and is limited. Unknown cookies
also do not pull other cookies into a revocation, and cannot push real revocations out of their bounded memory.
It must never be used to admit anybody: the session of a cookie that is known here may have ended long ago.
"""

from collections.abc import Callable, Iterable
from hashlib import blake2b
from os import urandom
from typing import NamedTuple

from cachetools import LRUCache, TTLCache

from gateway.policy.session.session import Fingerprint

ISSUED_SECONDS = 300.0
MOST_ISSUED = 20_000
DIGEST_BYTES = 16


class _Seen(NamedTuple):
    user_id: str
    has_ended: bool


class SeenCookies:
    """At most ``largest`` cookies for which Okta named a user (least recently used go first), and the cookies that it set minutes ago."""

    def __init__(self, largest: int, monotonic: Callable[[], float]) -> None:
        """No cookie is known yet. ``monotonic``: the clock in seconds.

        The entries have no time to live. It would take a third more memory and bring no more safety.
        """
        self._seen: LRUCache[Fingerprint, _Seen] = LRUCache(largest)
        self._issued: TTLCache[Fingerprint, None] = TTLCache(MOST_ISSUED, ISSUED_SECONDS, timer=monotonic)
        self._set: LRUCache[bytes, None] = LRUCache(largest)
        self._hash = blake2b(key=urandom(32), digest_size=DIGEST_BYTES)

    def issue(self, fingerprints: Iterable[Fingerprint]) -> None:
        """Note that Okta has just set these cookies in an answer that passed through this gateway."""
        for fingerprint in fingerprints:
            self._issued[fingerprint] = None

    def note_set(self, values: Iterable[bytes]) -> None:
        """Note that Okta has set cookies with these values. Only keyed hashes are stored, so the values cannot be read from memory."""
        for value in values:
            self._set[self._digest(value)] = None

    def was_set(self, value: bytes) -> bool:
        """Whether Okta has set a cookie with this value, as far as this process remembers."""
        return self._digest(value) in self._set

    def _digest(self, value: bytes) -> bytes:
        hashed = self._hash.copy()
        hashed.update(value)
        return hashed.digest()

    def name(self, fingerprints: Iterable[Fingerprint], user_id: str) -> None:
        """Note that Okta named this user for these cookies."""
        seen = _Seen(user_id, has_ended=False)
        for fingerprint in fingerprints:
            self._seen[fingerprint] = seen

    def end(self, fingerprints: Iterable[Fingerprint]) -> None:
        """Note that Okta said that these cookies no longer carry a session."""
        for fingerprint in fingerprints:
            self._issued.pop(fingerprint, None)
            seen = self._seen.get(fingerprint)
            if seen is not None:
                self._seen[fingerprint] = seen._replace(has_ended=True)

    def user_of(self, fingerprint: Fingerprint) -> str | None:
        """The user that Okta last named for this cookie, even if the session has ended; None if it never named one."""
        seen = self._seen.get(fingerprint)
        return seen.user_id if seen is not None else None

    def are_new(self, fingerprints: Iterable[Fingerprint]) -> bool:
        """Whether Okta set one of these cookies within the last minutes, and has not named a user for any of them yet."""
        fingerprints = tuple(fingerprints)
        return any(one in self._issued for one in fingerprints) and all(one not in self._seen for one in fingerprints)

    def is_known(self, fingerprints: Iterable[Fingerprint]) -> bool:
        """Whether one of these cookies was a session by Okta's last answer about it."""
        return self.known_of(fingerprints) is not None

    def known_of(self, fingerprints: Iterable[Fingerprint]) -> Fingerprint | None:
        """The first of these cookies that was a session by Okta's last answer about it; None if there is none."""
        for fingerprint in fingerprints:
            if fingerprint in self._issued or ((seen := self._seen.get(fingerprint)) is not None and not seen.has_ended):
                return fingerprint
        return None
