"""The layout of a value before it is sealed (a *note*): a compact JSON list of a version number and the fields.

This module owns the layout and its strict reading. It must never read a note in part: one field of an unexpected form makes it no note.

A note is compressed before it is sealed, so that it fits into a cookie.
Okta's cookies use about 64 different characters, so eight bits for each are too many. Only Huffman codes for single characters are used.
It must never replace a repeated string by a reference to its first occurrence. An attacker chooses the return path in a ticket; if that
path repeated a part of a secret, the shorter result would tell the attacker so (the attacks CRIME and BREACH).
Source: RFC 1951 §3.2 (Huffman codes).
"""

import json
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

from gateway.policy.session.session import KEPT_NAMES, SessionCookie

SQUEEZED_FROM_BYTES: Final = 1024
"""Smaller notes are not compressed, because they fit into a cookie anyway."""
LARGEST_NOTE_BYTES: Final = 256 * 1024
_MARK: Final = b"z"
"""The first byte of a compressed text. A JSON list never begins with it."""
_RAW: Final = -15
"""zlib's window size for a stream without header and checksum. The seal protects the bytes already."""


def squeezed(text: bytes) -> bytes:
    """The text of a note, compressed if it is long and becomes shorter by that."""
    if len(text) < SQUEEZED_FROM_BYTES:
        return text
    coder = zlib.compressobj(9, zlib.DEFLATED, _RAW, 9, zlib.Z_HUFFMAN_ONLY)
    return min(_MARK + coder.compress(text) + coder.flush(), text, key=len)


def unsqueezed(payload: bytes) -> bytes:
    """The original text. Raises ValueError if ``squeezed`` did not make these bytes."""
    if payload[:1] != _MARK:
        return payload
    coder = zlib.decompressobj(_RAW)
    try:
        text = coder.decompress(payload[1:], LARGEST_NOTE_BYTES)
    except zlib.error as error:
        raise ValueError("squeezed") from error
    if not coder.eof or coder.unused_data:
        raise ValueError("squeezed")
    return text


@dataclass(frozen=True, slots=True)
class NoteKind:
    """How one kind of field is written to JSON and read. ``read`` raises ValueError for a value that ``written`` does not make."""

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


def list_of(kind: NoteKind) -> NoteKind:
    """A list of fields of one kind."""

    def read(value: Any) -> Any:
        if type(value) is not list:
            raise ValueError("list")
        return tuple(kind.read(item) for item in value)

    return NoteKind(lambda items: [kind.written(item) for item in items], read)


def _cookie(value: Any) -> SessionCookie:
    if type(value) is not list or len(value) != 2 or type(value[0]) is not str or value[0].encode("latin-1") not in KEPT_NAMES:
        raise ValueError("cookie")
    return SessionCookie(value[0].encode("latin-1"), _read_bytes(value[1]))


def _read_bytes(value: Any) -> bytes:
    if type(value) is not str:
        raise ValueError("bytes")
    return value.encode("latin-1")


TEXT = NoteKind(str, _exactly(str))
NUMBER = NoteKind(float, _number)
BYTES = NoteKind(lambda value: value.decode("latin-1"), _read_bytes)
COOKIES = list_of(NoteKind(lambda cookie: [cookie.name.decode("latin-1"), cookie.value.decode("latin-1")], _cookie))


class Note:
    """A value that can be sealed. It is packed as a JSON list: the version ``_form``, then its fields. Long lists are compressed."""

    __slots__ = ()
    _form: ClassVar[int] = 1
    _kinds: ClassVar[tuple[NoteKind, ...]] = ()

    def packed(self) -> bytes:
        """The value as bytes for the sealer."""
        values = [kind.written(getattr(self, name)) for kind, name in zip(self._kinds, self.__match_args__, strict=True)]
        return squeezed(json.dumps([self._form, *values], separators=(",", ":")).encode("ascii"))

    __match_args__: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def unpacked(cls, payload: bytes) -> Self | None:
        """The value in bytes that ``packed`` made; None for any other bytes."""
        try:
            form, *values = _exactly(list)(json.loads(unsqueezed(payload)))
            if form != cls._form:
                return None
            return cls(*(kind.read(value) for kind, value in zip(cls._kinds, values, strict=True)))
        except (ValueError, RecursionError):
            return None
