"""Strict parser for the head of a response of an app's server or the org: status line, fields, and how its body ends (framing).

The result never depends on how the head was cut into packets. Some old servers send odd heads that still have one meaning: lines that end
with LF only, a name with a forbidden byte, a folded line, framing fields on a response without a body. Such a head is accepted, but its
connection is not used again (``is_odd``). If two parsers could see two different messages, the response is refused, and ``AnswerFault``
names the rule.

Must never repair a field that frames a message, and never pass on an invalid field name. Sources: RFC 9112 §2.2 (LF alone), §4, §5.1 (blank
before a colon), §5.2 (folded lines), §6; RFC 9110 §15.
"""

import re
from collections.abc import Sequence
from enum import Enum
from typing import Final

from gateway.memo import Memo
from gateway.policy.http.bodies import StatusKind, has_body, kind_of_status
from gateway.policy.http.messages import Fields

MOST_FIELDS: Final = 500
_EMPTY_LINE: Final = re.compile(rb"\n\r?\n")
_BEGINNING: Final = b"HTTP/1."
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([0-9]{3})(?: ([\t\x20-\xff]*))?\Z")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_LINE: Final = re.compile(rb"(" + _TOKEN + rb"):([\t\x20-\x7e\x80-\xff]*)\Z")
_NOT_OF_A_NAME: Final = bytes(byte for byte in range(256) if not re.fullmatch(_TOKEN, bytes((byte,))))
_LONGEST_LENGTH: Final = 18
_LONGEST_CACHED: Final = 256
_FRAMING: Final = frozenset(b"content-length transfer-encoding connection keep-alive proxy-connection upgrade te trailer".split())
"""Fields that decide where the message ends and what happens to the connection. Their lines must not be misspelt, folded or dropped."""


class AnswerFault(Enum):
    """Why the bytes are not a valid response."""

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
    """How the receiver knows where a body ends."""

    NONE = "none"
    LENGTH = "length"
    CHUNKED = "chunked"
    CLOSE = "close"


class AnswerHead:
    """A parsed head. ``fields``: all fields, also hop-by-hop ones. ``length``: of the body, if it is known.

    ``announces_body``: the fields say that there is a body, even if the status does not allow one. ``keeps``: the server keeps the
    connection open. ``is_odd``: the connection must not be used again. ``may_bind``: some field could sign a user in to the connection
    (NTLM, Negotiate).
    """

    __slots__ = ("announces_body", "fields", "framing", "is_odd", "keeps", "kind", "length", "may_bind", "reason", "status")

    def __init__(self, first: "_StatusLine", fields: Fields, framing: Framing, length: int | None) -> None:
        """Not a dataclass, because a frozen one takes three times as long."""
        _, self.status, self.reason, self.kind = first
        self.fields = fields
        self.framing = framing
        self.length = length
        self.announces_body = self.keeps = True
        self.is_odd = self.may_bind = False


def end_of_head(received: bytes | bytearray, since: int = 0) -> int:
    """The position of the body, after the first empty line; -1 if the head is not complete.

    ``since``: how many bytes were searched before.
    """
    found = _EMPTY_LINE.search(received, max(0, since - 2))
    return -1 if found is None else found.end()


def may_begin_answer(received: bytes | bytearray) -> bool:
    """Whether these first bytes can be the beginning of a status line."""
    return received.startswith(_BEGINNING[: len(received)])


def read_answer_head(text: bytes, is_head: bool) -> AnswerHead | AnswerFault:
    """The parsed head. ``text`` includes the empty line at its end. ``is_head``: it is the response to a HEAD request."""
    lines, is_odd = _lines(text)
    if not lines:
        return AnswerFault.CONTROL_BYTE if _CONTROL.search(text) else AnswerFault.LINE_ENDS
    first = _first_lines[lines[0]]
    if isinstance(first, AnswerFault):
        return first
    if len(lines) - 1 > MOST_FIELDS:
        return AnswerFault.TOO_MANY_FIELDS
    read = _ReadFields(is_odd)
    fault = _read_fields(lines, read)
    return _judged(first, read, is_head) if fault is None else fault


def _lines(text: bytes) -> tuple[list[bytes], bool]:
    """The lines, and whether they end with LF alone. No lines if both line ends occur, or a CR without LF."""
    if b"\r" not in text:
        return text[:-2].split(b"\n"), True
    if text.count(b"\r\n") == text.count(b"\n") == text.count(b"\r"):
        return text[:-4].split(b"\r\n"), False
    return [], False


class _ReadFields:
    """The fields that were read so far, and what they say about the message."""

    __slots__ = ("codings", "dropped_at", "is_odd", "lengths", "lines", "may_bind", "words")

    def __init__(self, is_odd: bool) -> None:
        self.dropped_at = 0  # ``len(lines)`` when a line was last dropped: a line folded onto that one is dropped too
        self.lines: list[tuple[bytes, bytes]] = []
        self.lengths: list[bytes] = []
        self.codings: list[bytes] = []
        self.words: set[bytes] = set()
        self.is_odd = is_odd
        self.may_bind = False


def _read_fields(lines: Sequence[bytes], read: _ReadFields) -> AnswerFault | None:
    """Read all lines after the status line."""
    taken = read.lines
    for text in lines[1:]:
        pair, meant = _fields[text]
        if meant is _PLAIN:
            taken.append(pair)
        elif meant is _ODD:
            fault = _read_odd_line(text, read)
            if fault is not None:
                return fault
        else:
            taken.append(pair)
            _read_framing(pair[1], meant, read)
    return None


def _read_framing(value: bytes, meant: "_Meant", read: _ReadFields) -> None:
    if meant is _Meant.LENGTH:
        read.lengths.append(value)
    elif meant is _Meant.CODING:
        read.codings.append(value.lower())
    elif meant is _Meant.CONNECTION:
        read.words.update(word.strip(b" \t").lower() for word in value.split(b","))
    else:
        read.may_bind = True


def _read_odd_line(text: bytes, read: _ReadFields) -> AnswerFault | None:
    """Handle a line that is not a valid field: join it to the line before, mend it, drop it, or return a fault."""
    read.is_odd = True
    if _CONTROL.search(text):
        return AnswerFault.CONTROL_BYTE
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
        read.may_bind = True  # it may be such a field: the exact check looks at every line again
    else:
        read.dropped_at = len(read.lines)
    return None


def _judged(first: "_StatusLine", read: _ReadFields, is_head: bool) -> AnswerHead | AnswerFault:
    is_modern, status, _, kind = first
    framed = _framing(read.lengths, read.codings)
    is_final = kind is StatusKind.FINAL
    is_empty = is_final and not has_body(status, is_head)
    if isinstance(framed, AnswerFault):
        if not is_empty:
            return framed
        # The status allows no body, so the bad framing does not matter.
        found = AnswerHead(first, tuple(line for line in read.lines if line[0].lower() != b"content-length"), Framing.NONE, None)
        found.is_odd, found.keeps, found.may_bind = True, False, read.may_bind
        return found
    framing, length = framed
    announces_body = framing is Framing.CHUNKED or bool(length)
    if announces_body and not is_final and kind is not StatusKind.SWITCHING:
        return AnswerFault.INTERIM_BODY
    is_padded = length is not None and read.lengths[0].startswith(b"0")
    fields = tuple(map(_with_plain_length, read.lines)) if is_padded else tuple(read.lines)
    found = AnswerHead(first, fields, framing if is_final and not is_empty else Framing.NONE, length)
    found.announces_body = announces_body
    words = read.words
    found.keeps = is_modern if not words else b"close" not in words and (is_modern or b"keep-alive" in words)
    # RFC 9112 §6.1: HTTP/1.0 does not know chunked bodies, so its connection must not be used after one.
    found.is_odd = read.is_odd or (framing is Framing.CHUNKED and not is_modern)
    found.may_bind = read.may_bind
    return found


def _framing(lengths: Sequence[bytes], codings: Sequence[bytes]) -> tuple[Framing, int | None] | AnswerFault:
    if lengths and codings:
        return AnswerFault.TWO_FRAMINGS
    if len(lengths) > 1 or (lengths and (not lengths[0].isdigit() or len(lengths[0]) > _LONGEST_LENGTH)):
        return AnswerFault.CONTENT_LENGTH
    if lengths:
        return Framing.LENGTH, int(lengths[0])
    if not codings or codings == [b"identity"]:  # RFC 2616 §3.6: "identity" means no coding
        return Framing.CLOSE, None
    return (Framing.CHUNKED, None) if codings == [b"chunked"] else AnswerFault.TRANSFER_ENCODING


def _with_plain_length(line: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """A ``Content-Length`` without leading zeros; any other field unchanged."""
    return (line[0], line[1].lstrip(b"0") or b"0") if line[0].lower() == b"content-length" else line


class _Meant(Enum):
    """What a field line means for the framing and the connection."""

    PLAIN = "plain"
    ODD = "odd"
    LENGTH = "length"
    CODING = "coding"
    CONNECTION = "connection"
    BINDING = "binding"


_PLAIN: Final = _Meant.PLAIN
_ODD: Final = _Meant.ODD
_MEANT: Final = {
    b"content-length": _Meant.LENGTH,
    b"transfer-encoding": _Meant.CODING,
    b"connection": _Meant.CONNECTION,
    b"www-authenticate": _Meant.BINDING,
    b"authentication-info": _Meant.BINDING,
    b"persistent-auth": _Meant.BINDING,
}
_Field = tuple[tuple[bytes, bytes], _Meant]
_StatusLine = tuple[bool, int, bytes, StatusKind]
"""Whether it is HTTP/1.1; the status code; the reason phrase; the kind of the status."""


def _read_field(line: bytes) -> _Field:
    found = _LINE.match(line)
    if found is None:
        return (b"", b""), _ODD
    return (found[1], found[2].strip(b" \t")), _MEANT.get(found[1].lower(), _PLAIN)


def _read_first_line(line: bytes) -> _StatusLine | AnswerFault:
    if _CONTROL.search(line):
        return AnswerFault.CONTROL_BYTE
    found = _STATUS_LINE.match(line)
    if found is None:
        return AnswerFault.STATUS_LINE
    kind = kind_of_status(int(found[2]))
    return AnswerFault.STATUS if kind is StatusKind.INVALID else (found[1] == b"1", int(found[2]), found[3] or b"", kind)


def _is_stored(line: bytes, _parsed: _Field) -> bool:
    """``Set-Cookie`` lines contain secrets and are not stored."""
    return line[:4].lower() != b"set-"


_fields: Final = Memo(_read_field, _LONGEST_CACHED, is_stored=_is_stored)
_first_lines: Final = Memo(_read_first_line)
