"""A published revocation as entries of the shared state: parts by kind, so that no kind pushes out another.

Owns the kinds, how long each is kept, and which part of a revocation belongs to which kind. Pure: values in, values out.
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Final, NamedTuple

from gateway.revocations import REMEMBERED_SECONDS, Revocation

REVOKED: Final = "revoked.known"
UNSEEN: Final = "revoked.unseen"
"""Cookies that Okta never named anybody for: anybody can invent them."""
HELD: Final = "revoked.held"
KIN: Final = "revoked.kin"
MOVED: Final = "revoked.moved"
"""News of a moment: they revoke nobody."""
FORGOTTEN: Final = "revoked.forgotten"
"""One entry: ``FORGOTTEN_PART`` at the age of the youngest revocation that the bound of ``REVOKED`` pushed out."""
KINDS: Final = (REVOKED, UNSEEN, HELD, KIN, MOVED, FORGOTTEN)

MOVED_SECONDS: Final = 120.0
"""Longer than anything is spared for a redemption that is under way."""
DOUBTED_SECONDS: Final = 3600.0
"""Longer than an answer of Okta's is believed: for whoever was cut off from the others meanwhile."""


class Part(NamedTuple):
    """What one entry holds: its kind, the revocation, and for how many seconds it is kept."""

    kind: str
    revocation: Revocation
    seconds: float = REMEMBERED_SECONDS


FORGOTTEN_PART: Final = Part(FORGOTTEN, Revocation(forgotten=True))


def parts_of(revocation: Revocation) -> Iterator[Part]:
    """The parts of this revocation, each of one kind; together they say the same."""
    known = tuple(one for one in revocation.fingerprints if one not in revocation.unseen)
    unseen = tuple(one for one in revocation.fingerprints if one in revocation.unseen)
    revokes = Revocation(
        known,
        revocation.session_mark,
        revocation.user_id,
        spared_for=revocation.spared_for,
        everybody=revocation.everybody,
        began_before=revocation.began_before,
    )
    if revokes != Revocation(spared_for=revocation.spared_for):
        yield Part(REVOKED, revokes)
    if unseen:
        yield Part(UNSEEN, Revocation(unseen, unseen=unseen, spared_for=revocation.spared_for))
    if revocation.held or revocation.released:
        yield Part(HELD, Revocation(held=revocation.held, released=revocation.released))
    if revocation.kin is not None:
        yield Part(KIN, Revocation(kin=revocation.kin))
    if revocation.moved is not None:
        yield Part(MOVED, Revocation(moved=revocation.moved), MOVED_SECONDS)
    if revocation.doubted:
        yield Part(MOVED, Revocation(doubted=revocation.doubted), DOUBTED_SECONDS)
    if revocation.forgotten:
        yield FORGOTTEN_PART


def key_of(written: bytes) -> bytes:
    """The key of the entry that holds these bytes: the same revocation again takes the place of the one before."""
    return blake2b(written, digest_size=16).digest()
