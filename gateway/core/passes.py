"""What the gateway gives a browser to keep: the pass, the start of a hand-off, its ticket, and three smaller notes.

Owns the form of every sealed value, and the short memory of opened passes. Must never let a cookie's value into a ``repr``,
and must never half-read a note: anything odd is no note. The seal itself is ``core.seal``, whose names are also found here.
Rules from: DESIGN sections 2, 4, 5.3 and 6; ATTACKS C6, C7, C15.
"""

import base64
import hashlib
import json
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from gateway.core.seal import PURPOSES, Opened, Purpose, Sealer
from gateway.core.session import SESSION_NAMES, Marks, SessionCookie

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

_FORM = 1
LONGEST_KEPT = 4096
"""Bytes of a pass that is remembered: no browser keeps a longer cookie, but other clients send what was sealed of long Okta cookies."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one kind of field travels in JSON; ``read`` raises ValueError for what ``written`` would not have made."""

    written: Callable[[Any], Any]
    read: Callable[[Any], Any]


def _exactly(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise ValueError(kind.__name__)
        return value

    return read


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError("number")
    return float(value)


def _list_of(kind: _Kind) -> _Kind:
    def read(value: Any) -> Any:
        if type(value) is not list:
            raise ValueError("list")
        return tuple(kind.read(item) for item in value)

    return _Kind(lambda items: [kind.written(item) for item in items], read)


def _cookie(value: Any) -> SessionCookie:
    if type(value) is not list or len(value) != 2 or type(value[0]) is not str or value[0].encode("latin-1") not in SESSION_NAMES:
        raise ValueError("cookie")
    return SessionCookie(value[0].encode("latin-1"), _read_bytes(value[1]))


def _read_bytes(value: Any) -> bytes:
    if type(value) is not str:
        raise ValueError("bytes")
    return value.encode("latin-1")


_TEXT = _Kind(str, _exactly(str))
_TRUTH = _Kind(bool, _exactly(bool))
_NUMBER = _Kind(float, _number)
_BYTES = _Kind(lambda value: value.decode("latin-1"), _read_bytes)
_COOKIES = _list_of(_Kind(lambda cookie: [cookie.name.decode("latin-1"), cookie.value.decode("latin-1")], _cookie))


class _Note:
    """A value that is sealed: its fields in order as a compact JSON list behind the version of the form."""

    __slots__ = ()
    _kinds: ClassVar[tuple[_Kind, ...]] = ()

    def packed(self) -> bytes:
        """The value as bytes for the sealer."""
        values = [kind.written(getattr(self, name)) for kind, name in zip(self._kinds, self.__match_args__, strict=True)]
        return json.dumps([_FORM, *values], separators=(",", ":")).encode("ascii")

    __match_args__: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def unpacked(cls, payload: bytes) -> Self | None:
        """The value that ``packed`` made these bytes of; None for any others."""
        try:
            form, *values = _exactly(list)(json.loads(payload))
            if form != _FORM:
                return None
            return cls(*(kind.read(value) for kind, value in zip(cls._kinds, values, strict=True)))
        except (ValueError, RecursionError):
            return None


Cookies = tuple[SessionCookie, ...]


@dataclass(frozen=True, slots=True)
class Pass(_Note):
    """What an app host's cookie holds: the Okta cookies of the browser and whose they were; ``issued_at`` in Unix seconds."""

    _kinds: ClassVar = (_COOKIES, _TEXT, _TEXT, _NUMBER)
    cookies: Cookies
    user_id: str
    session_id: str
    issued_at: float


@dataclass(frozen=True, slots=True)
class Start(_Note):
    """A hand-off that an app host began: for which app (authority text), where to afterwards, by which browser, when."""

    _kinds: ClassVar = (_TEXT, _TEXT, _TEXT, _NUMBER)
    app: str
    target: str
    nonce_hash: str
    issued_at: float


@dataclass(frozen=True, slots=True)
class Ticket(_Note):
    """The login host's answer to a start: for one app host (authority text), one browser, one use, until ``expires_at``."""

    _kinds: ClassVar = (_TEXT, _TEXT, _TEXT, _COOKIES, _TEXT, _TEXT, _TEXT, _NUMBER)
    id: str
    app: str
    nonce_hash: str
    cookies: Cookies
    user_id: str
    session_id: str
    target: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class Pending(_Note):
    """Sessions of this browser whose end at Okta is not proven yet."""

    _kinds: ClassVar = (_COOKIES,)
    cookies: Cookies


@dataclass(frozen=True, slots=True)
class Confirmation(_Note):
    """A redemption that waits for its user: the request as it came, for the browser with these sessions alone."""

    _kinds: ClassVar = (_TEXT, _TEXT, _TEXT, _BYTES, _list_of(_BYTES), _NUMBER)
    method: str
    target: str = field(repr=False)
    content_type: str
    body: bytes = field(repr=False)
    fingerprints: tuple[bytes, ...]
    expires_at: float


@dataclass(frozen=True, slots=True)
class SignedOut(_Note):
    """A sign-out in words: the cookies that ended (``proven``) or must be carried (not), where to go then (or ""), which app."""

    _kinds: ClassVar = (_COOKIES, _TRUTH, _TEXT, _TEXT, _NUMBER)
    cookies: Cookies
    proven: bool
    then: str
    app: str
    expires_at: float


@dataclass(slots=True)
class OpenedPass:
    """A pass that was presented; ``stale``: sealed under an older key, so set it anew.

    ``marks``: what its cookies are known by, noted here by whoever makes fingerprints, to be forgotten with the pass.
    """

    held: Pass
    stale: bool
    marks: Marks | None = field(default=None, compare=False)


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
