"""Which cookies are known to be sessions, beside what may be believed of them: whose they were, and which Okta has just set.

Owns that memory. Must never answer for a session: a cookie that is known here may have ended long ago. What it is for: only
cookies that nobody knows can be guesses, can be kin of nobody, and take nothing from the memory of real revocations.
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
    """At most ``largest`` cookies that Okta named a user for, the longest unused forgotten first; and those it set minutes ago."""

    def __init__(self, largest: int, monotonic: Callable[[], float]) -> None:
        """Begin with no cookie known; a time to live for each would cost a third more memory, and nobody would be the safer."""
        self._seen: LRUCache[Fingerprint, _Seen] = LRUCache(largest)
        self._issued: TTLCache[Fingerprint, None] = TTLCache(MOST_ISSUED, ISSUED_SECONDS, timer=monotonic)
        self._set: LRUCache[bytes, None] = LRUCache(largest)
        self._hash = blake2b(key=urandom(32), digest_size=DIGEST_BYTES)

    def issue(self, fingerprints: Iterable[Fingerprint]) -> None:
        """Okta has just set these cookies in an answer that passed through this gateway."""
        for fingerprint in fingerprints:
            self._issued[fingerprint] = None

    def note_set(self, values: Iterable[bytes]) -> None:
        """Okta has set cookies with these values; nothing else is said of them, and which they are cannot be read from this memory."""
        for value in values:
            self._set[self._digest(value)] = None

    def was_set(self, value: bytes) -> bool:
        """Whether Okta has set a cookie with this value, as far as it is remembered."""
        return self._digest(value) in self._set

    def _digest(self, value: bytes) -> bytes:
        hashed = self._hash.copy()
        hashed.update(value)
        return hashed.digest()

    def name(self, fingerprints: Iterable[Fingerprint], user_id: str) -> None:
        """Okta named this user for these cookies."""
        seen = _Seen(user_id, has_ended=False)
        for fingerprint in fingerprints:
            self._seen[fingerprint] = seen

    def end(self, fingerprints: Iterable[Fingerprint]) -> None:
        """Okta said that these cookies carry no session any more."""
        for fingerprint in fingerprints:
            self._issued.pop(fingerprint, None)
            seen = self._seen.get(fingerprint)
            if seen is not None:
                self._seen[fingerprint] = seen._replace(has_ended=True)

    def user_of(self, fingerprint: Fingerprint) -> str | None:
        """The user whom Okta last named for this cookie, ended or not; None where it never named any."""
        seen = self._seen.get(fingerprint)
        return seen.user_id if seen is not None else None

    def are_new(self, fingerprints: Iterable[Fingerprint]) -> bool:
        """Whether Okta set one of these cookies a moment ago, and has named nobody for any of them yet."""
        fingerprints = tuple(fingerprints)
        return any(one in self._issued for one in fingerprints) and all(one not in self._seen for one in fingerprints)

    def is_known(self, fingerprints: Iterable[Fingerprint]) -> bool:
        """Whether one of these cookies was a session when Okta last spoke of it."""
        return self.known_of(fingerprints) is not None

    def known_of(self, fingerprints: Iterable[Fingerprint]) -> Fingerprint | None:
        """The first of these cookies that was a session when Okta last spoke of it."""
        for fingerprint in fingerprints:
            if fingerprint in self._issued or ((seen := self._seen.get(fingerprint)) is not None and not seen.has_ended):
                return fingerprint
        return None
