"""The head of an answer, read from its bytes: strict in what frames a message, patient with what old servers write beside it.

A head is read the same way however it was cut into packets. Where it is odd and still means one thing (lines that end with LF alone, a name
with a byte that names must not have, a folded line, framing on an answer that has no body), it is read, and the connection is not used
again. Where two parsers could see two messages, the answer is refused, and the fault says by which rule.

Owns what the head of an answer may be, and what it says of the body. Must never repair a field that frames a message, nor pass on a name
that is none. Rules from: RFC 9112 §2.2 (LF alone), §4, §5.1 (blank before a colon), §5.2 (folded lines), §6; RFC 9110 §15.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from gateway.core.learned import Learned
from gateway.core.messages import Fields
from gateway.policy.http.bodies import StatusKind, has_body, kind_of_status

MOST_FIELDS: Final = 500
_EMPTY_LINE: Final = re.compile(rb"\n\r?\n")
_BEGINNING: Final = b"HTTP/1."
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([0-9]{3})(?: ([\t\x20-\xff]*))?\Z")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_LINE: Final = re.compile(rb"(" + _TOKEN + rb"):(.*)\Z", re.DOTALL)
_NOT_OF_A_NAME: Final = bytes(byte for byte in range(256) if not re.fullmatch(_TOKEN, bytes((byte,))))
_LONGEST_LENGTH: Final = 18
_LONGEST_LEARNT: Final = 256
_FRAMING: Final = frozenset(b"content-length transfer-encoding connection keep-alive proxy-connection upgrade te trailer".split())
"""Fields that must not be misspelt, folded or dropped: they say where the message ends, and what becomes of the connection."""


class AnswerFault(Enum):
    """The rule by which something is no answer."""

    STATUS_LINE = "status_line"
    STATUS = "status"
    LINE_ENDS = "line_ends"
    CONTROL_BYTE = "control_byte"
    NO_COLON = "no_colon"
    FRAMING_NAME = "framing_name"
    TOO_MANY_FIELDS = "too_many_fields"
    CONTENT_LENGTH = "content_length"
    TRANSFER_ENCODING = "transfer_encoding"
    TWO_FRAMINGS = "two_framings"
    INTERIM_BODY = "interim_body"


class Framing(Enum):
    """How the end of a body is known."""

    NONE = "none"
    LENGTH = "length"
    CHUNKED = "chunked"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class AnswerHead:
    """A head as read. ``fields``: all of them, framing and hop included; ``length`` of the body where it is known.

    ``announces_body``: the fields say that there is one, whether or not the status allows it. ``keeps``: the server would go on.
    ``is_odd``: nothing may follow on this connection.
    """

    status: int
    reason: bytes
    kind: StatusKind
    fields: Fields
    framing: Framing
    length: int | None
    announces_body: bool
    keeps: bool
    is_odd: bool


def end_of_head(received: bytes | bytearray, since: int = 0) -> int:
    """Where the body begins, behind the first empty line; -1 where that is not there yet.

    ``since``: so many bytes were looked at before.
    """
    found = _EMPTY_LINE.search(received, max(0, since - 2))
    return -1 if found is None else found.end()


def may_begin_answer(received: bytes | bytearray) -> bool:
    """Whether these first bytes may be those of a status line."""
    return received.startswith(_BEGINNING[: len(received)])


def read_answer_head(text: bytes, is_head: bool) -> AnswerHead | AnswerFault:
    """A head with the empty line at its end. ``is_head``: it answers HEAD."""
    lines, is_odd = _lines(text)
    if _CONTROL.search(text):
        return AnswerFault.CONTROL_BYTE
    if not lines:
        return AnswerFault.LINE_ENDS
    first = _STATUS_LINE.match(lines[0])
    if first is None:
        return AnswerFault.STATUS_LINE
    if len(lines) - 1 > MOST_FIELDS:
        return AnswerFault.TOO_MANY_FIELDS
    kind = kind_of_status(int(first[2]))
    if kind is StatusKind.INVALID:
        return AnswerFault.STATUS
    read = _read_fields(lines[1:])
    if isinstance(read, AnswerFault):
        return read
    is_odd = is_odd or read.is_odd
    return _judged(int(first[2]), first[3] or b"", kind, read, is_odd, is_modern=first[1] == b"1", is_head=is_head)


def _lines(text: bytes) -> tuple[list[bytes], bool]:
    """The lines, and whether they end with LF alone; none where they end in both ways, or a CR stands by itself."""
    if b"\r" not in text:
        return text[:-2].split(b"\n"), True
    if text.count(b"\r\n") == text.count(b"\n") == text.count(b"\r"):
        return text[:-4].split(b"\r\n"), False
    return [], False


class _ReadFields:
    """What the lines of fields say."""

    __slots__ = ("codings", "dropped_at", "is_odd", "lengths", "lines", "words")

    def __init__(self) -> None:
        self.dropped_at = 0  # as many lines there were when the last one was dropped: one that is folded onto it goes with it
        self.lines: list[tuple[bytes, bytes]] = []
        self.lengths: list[bytes] = []
        self.codings: list[bytes] = []
        self.words: set[bytes] = set()
        self.is_odd = False


def _read_fields(lines: Sequence[bytes]) -> _ReadFields | AnswerFault:
    read = _ReadFields()
    for text in lines:
        name, value, lowered = _fields[text]
        if not lowered:
            fault = _read_odd_line(text, read)
            if fault is not None:
                return fault
            continue
        read.lines.append((name, value))
        if lowered not in _FRAMING:
            continue
        if lowered == b"content-length":
            read.lengths.append(value)
        elif lowered == b"transfer-encoding":
            read.codings.append(value.lower())
        elif lowered == b"connection":
            read.words.update(word.strip(b" \t").lower() for word in value.split(b","))
    return read


def _read_odd_line(text: bytes, read: _ReadFields) -> AnswerFault | None:
    """A line that is no field as it stands: joined to the one before, mended, dropped, or a fault."""
    read.is_odd = True
    if text[:1] in (b" ", b"\t"):
        if not read.lines:
            return AnswerFault.NO_COLON
        if read.dropped_at == len(read.lines):
            return None
        name, value = read.lines[-1]
        if name.lower() in _FRAMING:
            return AnswerFault.FRAMING_NAME
        read.lines[-1] = name, b" ".join((value, text.strip(b" \t"))).strip(b" ")
        return None
    name, colon, value = text.partition(b":")
    if not colon:
        return AnswerFault.NO_COLON
    meant = name.translate(None, _NOT_OF_A_NAME).lower()
    if meant in _FRAMING or meant.startswith((b"content-length", b"transfer-encoding")):
        return AnswerFault.FRAMING_NAME
    bare = name.rstrip(b" \t")
    if _LINE.match(bare + b":"):
        read.lines.append((bare, value.strip(b" \t")))
    else:
        read.dropped_at = len(read.lines)
    return None


def _judged(
    status: int, reason: bytes, kind: StatusKind, read: _ReadFields, is_odd: bool, *, is_modern: bool, is_head: bool
) -> AnswerHead | AnswerFault:
    framed = _framing(read.lengths, read.codings)
    is_final = kind is StatusKind.FINAL
    is_empty = is_final and not has_body(status, is_head)
    keeps = b"close" not in read.words and (is_modern or b"keep-alive" in read.words)
    if isinstance(framed, AnswerFault):
        if not is_empty:
            return framed
        # There is no body, whichever of the two is believed.
        fields = tuple(line for line in read.lines if line[0].lower() != b"content-length")
        return AnswerHead(status, reason, kind, fields, Framing.NONE, None, announces_body=True, keeps=False, is_odd=True)
    framing, length = framed
    announces_body = framing is Framing.CHUNKED or bool(length)
    if announces_body and not is_final and kind is not StatusKind.SWITCHING:
        return AnswerFault.INTERIM_BODY
    # RFC 9112 §6.1: chunks are not known to HTTP/1.0, and nothing may follow them there.
    is_odd = is_odd or (framing is Framing.CHUNKED and not is_modern)
    fields = tuple(read.lines) if length is None else tuple(map(_with_plain_length, read.lines))
    return AnswerHead(
        status, reason, kind, fields, framing if is_final and not is_empty else Framing.NONE, length, announces_body, keeps, is_odd
    )


def _framing(lengths: Sequence[bytes], codings: Sequence[bytes]) -> tuple[Framing, int | None] | AnswerFault:
    if lengths and codings:
        return AnswerFault.TWO_FRAMINGS
    if len(lengths) > 1 or (lengths and (not lengths[0].isdigit() or len(lengths[0]) > _LONGEST_LENGTH)):
        return AnswerFault.CONTENT_LENGTH
    if lengths:
        return Framing.LENGTH, int(lengths[0])
    if not codings or codings == [b"identity"]:  # RFC 2616 §3.6: not coded at all
        return Framing.CLOSE, None
    return (Framing.CHUNKED, None) if codings == [b"chunked"] else AnswerFault.TRANSFER_ENCODING


def _with_plain_length(line: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """A Content-Length without zeros in front; any other field as it is."""
    return (line[0], line[1].lstrip(b"0") or b"0") if line[0].lower() == b"content-length" else line


_Field = tuple[bytes, bytes, bytes]
"""A field's name and value, and its name in lower case, which is empty where the line is no field as it stands."""


def _read_field(line: bytes) -> _Field:
    found = _LINE.match(line)
    return (b"", b"", b"") if found is None else (found[1], found[2].strip(b" \t"), found[1].lower())


class _Fields(Learned[bytes, _Field]):
    """Lines as read. Those of cookies are secrets, and not kept."""

    __slots__ = ()

    def __missing__(self, key: bytes) -> _Field:
        return _read_field(key) if key[:4].lower() == b"set-" else super().__missing__(key)


_fields: Final = _Fields(_read_field, _LONGEST_LEARNT)
