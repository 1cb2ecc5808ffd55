"""What the gateway gives a browser to keep: the pass, the start of a hand-off, its ticket, and three smaller notes.

Owns the form of every sealed value, and the short memory of opened passes. Must never let a cookie's value into a ``repr``,
and must never half-read a note: anything odd is no note. The seal itself is ``policy.session.seal``, whose names are also found here.
"""

import base64
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import ClassVar

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
"""Bytes of a pass that is remembered: no browser keeps a longer cookie, but other clients send what was sealed of long Okta cookies."""


Cookies = tuple[SessionCookie, ...]


@dataclass(frozen=True, slots=True)
class Pass(Note):
    """What an app host's cookie holds: the Okta cookies of the browser and whose they were; ``issued_at`` in Unix seconds.

    ``browser``: the id that the login host knows this browser by, "" where it had none. ``epoch``: the names of the memories of revocations
    that this pass was made under (``policy.session.revocation_epoch``).
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
    """A hand-off that an app host began: for which app (authority text), where to afterwards, by which browser, when.

    ``epoch``: as in a pass; of the process that began, and of the pass that the browser had.
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
    """The login host's answer to a start: for one app host (authority text), one browser, one use, until ``expires_at``.

    ``browser``, ``epoch``: what the pass will hold.
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
    """A redemption that waits for its user: the request as it came, for the browser with these sessions alone."""

    _kinds: ClassVar = (TEXT, TEXT, TEXT, BYTES, list_of(BYTES), NUMBER)
    method: str
    target: str = field(repr=False)
    content_type: str
    body: bytes = field(repr=False)
    fingerprints: tuple[bytes, ...]
    expires_at: float


@dataclass(frozen=True, slots=True)
class SignedOut(Note):
    """A sign-out in words: the cookies that ended, or must be carried for the reason ``unproven``, where to go then (or ""), which app."""

    _kinds: ClassVar = (COOKIES, TEXT, TEXT, TEXT, NUMBER)
    cookies: Cookies
    unproven: str
    then: str
    app: str
    expires_at: float


@dataclass(slots=True)
class OpenedPass:
    """A pass that was presented; ``stale``: sealed under an older key, so set it anew.

    ``marks``: what its cookies are known by; ``counts_under``: the epoch in which every revocation since it was made is known;
    ``known``: what else follows from it. The caller notes all three here, to be forgotten with the pass.
    """

    held: Pass
    stale: bool
    marks: Marks | None = field(default=None, compare=False)
    counts_under: object = field(default=None, compare=False)
    known: object = field(default=None, compare=False)


class Passes:
    """Seals passes and opens them; the ones opened last are kept open, because the same browser comes again at once.

    Kept by the whole text and the host, so that nothing is found that would not open; only what did open is kept. The ring
    of a sealer never changes, so an entry is as good as its seal: a ring without a key comes with a memory without its passes.
    """

    __slots__ = ("_largest", "_opened", "_sealer")

    def __init__(self, sealer: Sealer, largest: int = 10_000) -> None:
        """``largest``: how many passes are kept open; 0 keeps none.

        One takes about 3 kB on Identity Engine, and at most 12: text of more than ``LONGEST_KEPT`` is opened anew each time.
        """
        self._sealer = sealer
        self._largest = largest
        self._opened: OrderedDict[tuple[str, str | bytes], OpenedPass] = OrderedDict()

    def seal(self, host: str, held: Pass) -> str:
        """The value of the pass cookie for this host (authority text)."""
        return self._sealer.seal("pass", host, held.packed())

    def open(self, host: str, text: str | bytes) -> OpenedPass | None:
        """The pass in a cookie's value, or None where it is none of ours for this host."""
        key = (host, text)
        found = self._opened.get(key)
        if found is not None:
            self._opened.move_to_end(key)
            return found
        opened = self._sealer.open("pass", host, text)
        held = Pass.unpacked(opened.payload) if opened is not None else None
        if opened is None or held is None:
            return None
        found = OpenedPass(held, opened.stale)
        if len(text) > LONGEST_KEPT:
            return found
        self._opened[key] = found
        if len(self._opened) > self._largest:
            self._opened.popitem(last=False)
        return found


def nonce_hash(nonce: str) -> str:
    """What starts and tickets hold of a browser's nonce; the nonce itself stays in its cookie."""
    digest = hashlib.blake2b(nonce.encode("utf-8", "surrogatepass"), digest_size=16, person=b"gateway nonce").digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
