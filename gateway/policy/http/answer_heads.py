"""The head of an answer, read from its bytes: strict in what frames a message, patient with what old servers write beside it.

A head is read the same way however it was cut into packets. Where it is odd and still means one thing (lines that end with LF alone, a name
with a byte that names must not have, a folded line, framing on an answer that has no body), it is read, and the connection is not used
again. Where two parsers could see two messages, the answer is refused, and the fault says by which rule.

Owns what the head of an answer may be, and what it says of the body. Must never repair a field that frames a message, nor pass on a name
that is none. Rules from: RFC 9112 §2.2 (LF alone), §4, §5.1 (blank before a colon), §5.2 (folded lines), §6; RFC 9110 §15.
"""

import re
from collections.abc import Sequence
from enum import Enum
from typing import Final

from gateway.policy.http.bodies import StatusKind, has_body, kind_of_status
from gateway.policy.http.messages import Fields
from gateway.policy.learned import Learned

MOST_FIELDS: Final = 500
_EMPTY_LINE: Final = re.compile(rb"\n\r?\n")
_BEGINNING: Final = b"HTTP/1."
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([0-9]{3})(?: ([\t\x20-\xff]*))?\Z")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_LINE: Final = re.compile(rb"(" + _TOKEN + rb"):([\t\x20-\x7e\x80-\xff]*)\Z")
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


class AnswerHead:
    """A head as read. ``fields``: all of them, framing and hop included; ``length`` of the body where it is known.

    ``announces_body``: the fields say that there is one, whether or not the status allows it. ``keeps``: the server would go on.
    ``is_odd``: nothing may follow on this connection. ``may_bind``: a field is there that may sign a user in to the connection.
    """

    __slots__ = ("announces_body", "fields", "framing", "is_odd", "keeps", "kind", "length", "may_bind", "reason", "status")

    def __init__(self, first: "_StatusLine", fields: Fields, framing: Framing, length: int | None) -> None:
        """Nothing odd yet, and the server would go on; written out, because a frozen dataclass takes three times as long."""
        _, self.status, self.reason, self.kind = first
        self.fields = fields
        self.framing = framing
        self.length = length
        self.announces_body = self.keeps = True
        self.is_odd = self.may_bind = False


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
    """The lines, and whether they end with LF alone; none where they end in both ways, or a CR stands by itself."""
    if b"\r" not in text:
        return text[:-2].split(b"\n"), True
    if text.count(b"\r\n") == text.count(b"\n") == text.count(b"\r"):
        return text[:-4].split(b"\r\n"), False
    return [], False


class _ReadFields:
    """What the lines of fields say."""

    __slots__ = ("codings", "dropped_at", "is_odd", "lengths", "lines", "may_bind", "words")

    def __init__(self, is_odd: bool) -> None:
        self.dropped_at = 0  # as many lines there were when the last one was dropped: one that is folded onto it goes with it
        self.lines: list[tuple[bytes, bytes]] = []
        self.lengths: list[bytes] = []
        self.codings: list[bytes] = []
        self.words: set[bytes] = set()
        self.is_odd = is_odd
        self.may_bind = False


def _read_fields(lines: Sequence[bytes], read: _ReadFields) -> AnswerFault | None:
    """Read all lines behind the first."""
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
    """A line that is no field as it stands: joined to the one before, mended, dropped, or a fault."""
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
        read.may_bind = True  # whoever looks for that looks at every line
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
        # There is no body, whichever of the two is believed.
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
    # RFC 9112 §6.1: chunks are not known to HTTP/1.0, and nothing may follow them there.
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
    if not codings or codings == [b"identity"]:  # RFC 2616 §3.6: not coded at all
        return Framing.CLOSE, None
    return (Framing.CHUNKED, None) if codings == [b"chunked"] else AnswerFault.TRANSFER_ENCODING


def _with_plain_length(line: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """A Content-Length without zeros in front; any other field as it is."""
    return (line[0], line[1].lstrip(b"0") or b"0") if line[0].lower() == b"content-length" else line


class _Meant(Enum):
    """What a line has to do with the message, beside its own meaning."""

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
"""Whether it is HTTP/1.1; the status, the reason, and what the status is the beginning of."""


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


class _Fields(Learned[bytes, _Field]):
    """Lines as read. Those of cookies are secrets, and not kept."""

    __slots__ = ()

    def __missing__(self, key: bytes) -> _Field:
        return _read_field(key) if key[:4].lower() == b"set-" else super().__missing__(key)


_fields: Final = _Fields(_read_field, _LONGEST_LEARNT)
_first_lines: Final = Learned(_read_first_line)
