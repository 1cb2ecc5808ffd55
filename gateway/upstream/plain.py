"""A fast path for the heads of plain answers: it looks known header lines up instead of parsing them again.

Most answers are plain: HTTP/1.1, the head arrives in one piece, one Content-Length and no other framing, no hop-by-hop field except
``Connection: keep-alive`` or ``close``, and no field that signs in to a connection. Owns which heads are plain.
Must never accept a head that the strict parser refuses: for every other head the result is None, and the strict parser reads it from its
first byte. Parsed lines are remembered (``gateway.memo``), but never the line of a cookie, which is a secret, or a long line.
Rules from: RFC 9112 §4 to 6.
"""

import re
from typing import Final

from gateway.memo import Memo
from gateway.policy.http.messages import Fields

LARGEST_PLAIN_HEAD: Final = 8192
MOST_PLAIN_FIELDS: Final = 64

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.1 ([2-5][0-9][0-9]) ([\x20-\x7e]*)\Z")
_TEXT: Final = rb"[\x21-\x7e\x80-\xff]"
_VALUE: Final = rb"((?:" + _TEXT + rb"(?:[\x20\t\x21-\x7e\x80-\xff]*" + _TEXT + rb")?)?)"
_LINE: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*" + _VALUE + rb"[ \t]*\Z")
_LENGTH: Final = re.compile(rb"[0-9]{1,18}\Z")
_NOT_PLAIN: Final = frozenset((
    b"transfer-encoding", b"upgrade", b"trailer", b"te", b"keep-alive", b"proxy-connection", b"content-length", b"connection",
    b"www-authenticate", b"authentication-info", b"persistent-auth",
))  # fmt: skip
_BARE: Final = (204, 205, 304)


PlainHead = tuple[int, bytes, Fields, int, bool, int]
"""The head of a plain answer: status, reason, fields, length of the body, whether the connection stays open, where the body begins."""

_Line = tuple[tuple[bytes, bytes], int, bool]
"""One line: the field; the length if it is Content-Length, else -1; and False if it closes the connection, else True."""


def plain_head(received: bytes) -> PlainHead | None:
    """The head at the beginning of these bytes; None if it is not whole, or not plain."""
    end = received.find(b"\r\n\r\n", 0, LARGEST_PLAIN_HEAD)
    if end < 0:
        return None
    first, *lines = received[:end].split(b"\r\n")
    start = _starts[first]
    if start is None or len(lines) > MOST_PLAIN_FIELDS:
        return None
    status, reason = start
    length, keeps = -1, True
    fields = []
    for text in lines:
        line = _lines[text]
        if line is None:
            return None
        pair, of_length, stays = line
        if of_length >= 0:
            if length >= 0:
                return None
            length = of_length
        elif not stays:
            keeps = False
        fields.append(pair)
    return None if length < 0 else (status, reason, tuple(fields), length, keeps, end + 4)


def _start(line: bytes) -> tuple[int, bytes] | None:
    found = _STATUS_LINE.match(line)
    if found is None or int(found[1]) in _BARE:
        return None
    return int(found[1]), found[2]


def _read(line: bytes) -> _Line | None:
    found = _LINE.match(line)
    if found is None:
        return None
    pair = found[1], found[2]
    name = found[1].lower()
    if name == b"content-length":
        if not _LENGTH.match(found[2]):
            return None
        length = int(found[2])
        return (found[1], b"%d" % length), length, True
    if name == b"connection":
        value = found[2].lower()
        return (pair, -1, value == b"keep-alive") if value in (b"keep-alive", b"close") else None
    return None if name in _NOT_PLAIN else (pair, -1, True)


def _is_stored(line: bytes, _parsed: _Line | None) -> bool:
    """``Set-Cookie`` lines contain secrets and are not stored."""
    return line[:4].lower() != b"set-"


_starts: Final = Memo(_start)
_lines: Final = Memo(_read, is_stored=_is_stored)
