"""The split of a revocation into entries of the shared state. Each part has a kind with its own bound, so no kind can push out another.

This module owns the kinds, how long each is stored, and which part of a revocation belongs to which kind.
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Final, NamedTuple

from gateway.revocations import REMEMBERED_SECONDS, Revocation

REVOKED: Final = "revoked.known"
UNSEEN: Final = "revoked.unseen"
"""Cookies for which Okta never named a user, so anybody may have made them up."""
HELD: Final = "revoked.held"
ROTATION: Final = "revoked.kin"
MOVED: Final = "revoked.moved"
"""Short-lived messages that revoke nothing."""
FORGOTTEN: Final = "revoked.forgotten"
"""A single entry: ``FORGOTTEN_PART``, with the age of the newest revocation that was dropped because ``REVOKED`` was full."""
KINDS: Final = (REVOKED, UNSEEN, HELD, ROTATION, MOVED, FORGOTTEN)

MOVED_SECONDS: Final = 120.0
"""Longer than a redemption can spare open connections."""
DOUBTED_SECONDS: Final = 3600.0
"""Longer than any answer of Okta is cached, so that a process that was cut off from the others still receives the message in time."""


class Part(NamedTuple):
    """The content of one entry: its kind, the revocation, and for how many seconds it is stored."""

    kind: str
    revocation: Revocation
    seconds: float = REMEMBERED_SECONDS


FORGOTTEN_PART: Final = Part(FORGOTTEN, Revocation(forgotten=True))


def parts_of(revocation: Revocation) -> Iterator[Part]:
    """The parts of this revocation, each of one kind. Together they mean the same as the whole."""
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
    if revocation.rotation is not None:
        yield Part(ROTATION, Revocation(rotation=revocation.rotation))
    if revocation.moved is not None:
        yield Part(MOVED, Revocation(moved=revocation.moved), MOVED_SECONDS)
    if revocation.doubted:
        yield Part(MOVED, Revocation(doubted=revocation.doubted), DOUBTED_SECONDS)
    if revocation.forgotten:
        yield FORGOTTEN_PART


def key_of(written: bytes) -> bytes:
    """The key of the entry with these bytes. It is a hash, so a repeated revocation replaces the earlier entry."""
    return blake2b(written, digest_size=16).digest()
