"""The layout of a value before it is sealed (a *note*): a compact JSON list of a version number and the fields.

This module owns the layout and its strict reading. It must never read a note in part: one field of an unexpected form makes it no note.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from gateway.policy.session.session import KEPT_NAMES, SessionCookie
from gateway.policy.session.squeezing import squeezed, unsqueezed


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
