"""The sealed values that the gateway stores in a browser: the pass, the start and the ticket of a hand-off, and three smaller ones.

This module owns the fields of each value, and the cache of opened passes. It must never show a cookie's value in a ``repr``, and never
read a damaged value in part. The encryption is in ``policy.session.seal``; its names are exported here too.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from typing import ClassVar

from gateway.memo import RecentCache
from gateway.policy.session.seal import PURPOSES, Opened, Purpose, Sealer
from gateway.policy.session.sealed_notes import BYTES, COOKIES, NUMBER, TEXT, Note, list_of
from gateway.policy.session.session import Marks, SessionCookie

__all__ = [
    "PURPOSES",
    "Confirmation",
    "Opened",
    "OpenedPass",
    "Pass",
    "Passes",
    "Pending",
    "Purpose",
    "Sealer",
    "SignedOut",
    "Start",
    "Ticket",
    "nonce_hash",
]

LONGEST_KEPT = 4096
"""Bytes. A longer pass is not cached. Browsers do not keep a longer cookie, but other clients can send one with long Okta cookies."""


Cookies = tuple[SessionCookie, ...]


@dataclass(frozen=True, slots=True)
class Pass(Note):
    """The value of an app host's cookie: the browser's Okta cookies, and their user and session. ``issued_at``: Unix seconds.

    ``browser``: the browser's id at the login host, or "". ``epoch``: the names of the revocation memories under which this pass was made
    (``policy.session.revocation_epoch``).
    """

    _form: ClassVar[int] = 2
    _kinds: ClassVar = (COOKIES, TEXT, TEXT, NUMBER, TEXT, TEXT)
    cookies: Cookies
    user_id: str
    session_id: str
    issued_at: float
    browser: str = ""
    epoch: str = ""


@dataclass(frozen=True, slots=True)
class Start(Note):
    """The start of a hand-off: the app (authority text), the target after it, a hash of the browser's nonce, and the time.

    ``epoch``: as in a pass; the names of the process that began the hand-off, and those in the pass that the browser had.
    """

    _form: ClassVar[int] = 2
    _kinds: ClassVar = (TEXT, TEXT, TEXT, NUMBER, TEXT)
    app: str
    target: str
    nonce_hash: str
    issued_at: float
    epoch: str = ""


@dataclass(frozen=True, slots=True)
class Ticket(Note):
    """The login host's answer to a start. It is valid for one app host (authority text), one browser and one use, until ``expires_at``.

    ``browser``, ``epoch``: these fields of the pass that is made from it.
    """

    _form: ClassVar[int] = 2
    _kinds: ClassVar = (TEXT, TEXT, TEXT, COOKIES, TEXT, TEXT, TEXT, NUMBER, TEXT, TEXT)
    id: str
    app: str
    nonce_hash: str
    cookies: Cookies
    user_id: str
    session_id: str
    target: str
    expires_at: float
    browser: str = ""
    epoch: str = ""


@dataclass(frozen=True, slots=True)
class Pending(Note):
    """Sessions of this browser whose end at Okta is not proven yet."""

    _kinds: ClassVar = (COOKIES,)
    cookies: Cookies


@dataclass(frozen=True, slots=True)
class Confirmation(Note):
    """A redemption that waits for the user's confirmation: the request as it came.

    ``fingerprints``: the key of the browser's record, then the fingerprints of its session cookies. It is valid only if all are the same.
    """

    _kinds: ClassVar = (TEXT, TEXT, TEXT, BYTES, list_of(BYTES), NUMBER)
    method: str
    target: str = field(repr=False)
    content_type: str
    body: bytes = field(repr=False)
    fingerprints: tuple[bytes, ...]
    expires_at: float


@dataclass(frozen=True, slots=True)
class SignedOut(Note):
    """The result of a sign-out, for the page that reports it.

    ``cookies``: the sessions that ended. If ``unproven`` is not empty, it says why their end is not proven, and the browser must keep them
    in its pending cookie. ``then``: the next address, or "". ``app``: the app where it began.
    """

    _kinds: ClassVar = (COOKIES, TEXT, TEXT, TEXT, NUMBER)
    cookies: Cookies
    unproven: str
    then: str
    app: str
    expires_at: float


@dataclass(slots=True)
class OpenedPass:
    """A pass that a browser presented. ``stale``: it is sealed under an older key, so set it again under the newest one.

    The caller stores three results here, so that they are forgotten together with the pass. ``marks``: the fingerprints of its cookies.
    ``counts_under``: the revocation epoch under which the pass was accepted. ``known``: any further result.
    """

    held: Pass
    stale: bool
    marks: Marks | None = field(default=None, compare=False)
    counts_under: object = field(default=None, compare=False)
    known: object = field(default=None, compare=False)


class Passes:
    """Seals and opens passes. It caches the passes that were opened last, because the same browser soon sends the same pass again.

    The cache key is the whole sealed text and the host, and only passes that did open are cached. The keys of a sealer never change, so a
    cached pass stays valid. New keys come with a new ``Passes`` object, and so with an empty cache.
    """

    __slots__ = ("_opened", "_sealer")

    def __init__(self, sealer: Sealer, most: int = 10_000) -> None:
        """``most``: how many passes the cache holds.

        One pass takes about 3 kB on Identity Engine, and at most 12 kB. A text of more than ``LONGEST_KEPT`` bytes is never cached.
        """
        self._sealer = sealer
        self._opened: RecentCache[tuple[str, str | bytes], OpenedPass] = RecentCache(most // 2)

    def seal(self, host: str, held: Pass) -> str:
        """The value of the pass cookie for this host (authority text)."""
        return self._sealer.seal("pass", host, held.packed())

    def open(self, host: str, text: str | bytes) -> OpenedPass | None:
        """The pass in a cookie's value; None if the gateway did not seal it for this host."""
        key = (host, text)
        found = self._opened.get(key)
        if found is not None:
            return found
        opened = self._sealer.open("pass", host, text)
        held = Pass.unpacked(opened.payload) if opened is not None else None
        if opened is None or held is None:
            return None
        found = OpenedPass(held, opened.stale)
        if len(text) <= LONGEST_KEPT:
            self._opened.keep(key, found)
        return found


def nonce_hash(nonce: str) -> str:
    """The hash of a browser's nonce for starts and tickets. The nonce itself is only in the browser's cookie."""
    digest = hashlib.blake2b(nonce.encode("utf-8", "surrogatepass"), digest_size=16, person=b"gateway nonce").digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
