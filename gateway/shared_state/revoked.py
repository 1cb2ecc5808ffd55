"""A revocation as entries of the shared state, and back: one entry without a value for each revoked key.

Owns the kinds of these entries. Must never join keys: each one has an age of its own. Pure: values in, values out.
"""

from collections.abc import Iterator

from gateway.core.session import Fingerprint
from gateway.revocations import Remembered, Revocation

COOKIE, UNSEEN, SESSION, USER = "revoked.cookie", "revoked.unseen", "revoked.session", "revoked.user"
KINDS = (COOKIE, UNSEEN, SESSION, USER)
"""Cookies that nobody was ever named for have a kind of their own: anybody can invent them, and they must push out no other."""


def entries_of(revocation: Revocation) -> Iterator[tuple[str, bytes]]:
    """The kind and the key of everything that this revocation revokes."""
    for fingerprint in revocation.fingerprints:
        yield (UNSEEN if fingerprint in revocation.unseen else COOKIE), fingerprint
    if revocation.session_id is not None:
        yield SESSION, _bytes(revocation.session_id)
    if revocation.user_id is not None:
        yield USER, _bytes(revocation.user_id)


def remembered(kind: str, key: bytes, age_seconds: float) -> Remembered:
    """The revocation of one key that was kept as this entry; ``kind`` is one of ``KINDS``."""
    age_seconds = max(0.0, age_seconds)
    match kind:
        case "revoked.session":
            return Remembered(Revocation(session_id=_text(key)), age_seconds)
        case "revoked.user":
            return Remembered(Revocation(user_id=_text(key)), age_seconds)
        case _:
            one = (Fingerprint(key),)
            return Remembered(Revocation(one, unseen=one if kind == UNSEEN else ()), age_seconds)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(key: bytes) -> str:
    return key.decode("utf-8", "surrogatepass")
