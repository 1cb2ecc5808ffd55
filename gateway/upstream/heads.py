"""Heads of HTTP/1.1 messages as bytes, exactly as given.

Owns the spelling of a head in both directions, and the framing that an answer gets towards our client. Must never write bytes that would
make another message of it: what comes from outside passed ``head_is_clean`` or a strict parser. Rules from: RFC 9112 §6 (body length), §9.3
(persistence), RFC 9110 §6.6.1 (Date), §8.6 (Content-Length).
"""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from gateway.policy.http.messages import Fields
from gateway.policy.learned import Learned

_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_FORBIDDEN: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_REASONS: Final = {status.value: status.phrase.encode("ascii") for status in HTTPStatus}
NO_BODY: Final = (204, 304)
_OTHER: Final = 0
_DATE: Final = 1
_LENGTH: Final = 2


@dataclass(frozen=True, slots=True)
class AnswerTerms:
    """What of a request decides how its answer is framed: HEAD or not, HTTP/1.1 or 1.0, and whether its client would go on."""

    is_head: bool = False
    is_modern: bool = True
    keeps: bool = True


_ASKED: Final = tuple(AnswerTerms(bool(bits & 1), bool(bits & 2), bool(bits & 4)) for bits in range(8))


def asked_of(is_head: bool, is_modern: bool, keeps: bool) -> AnswerTerms:
    """The same, made once."""
    return _ASKED[is_head + 2 * is_modern + 4 * keeps]


AnswerHead = tuple[bytes, bool, bool, bool]
"""A head as it goes out, and what it says of the body: none at all, in chunks; and whether the connection goes on behind it."""


def head_is_clean(reason: bytes, fields: Fields) -> bool:
    """Whether these bytes can be written as a head without becoming another message."""
    return not _FORBIDDEN.search(reason) and all(_TOKEN.match(name) and not _FORBIDDEN.search(value) for name, value in fields)


def answer_head(status: int, reason: bytes, fields: Fields, asked: AnswerTerms, *, keeps: bool = True) -> AnswerHead:
    """The head of an answer with these end-to-end fields in order; framing, Connection, and Date where it is missing are added.

    ``reason`` empty: the usual one. Without a Content-Length the body is chunked, or ends with the connection on HTTP/1.0.
    """
    parts = [_status_line(status, reason)]
    has_date = has_length = False
    for name, value in fields:
        parts += (name, b": ", value, b"\r\n")
        kind = _kinds[name]
        if kind == _DATE:
            has_date = True
        elif kind == _LENGTH:
            has_length = True
    is_bare = asked.is_head or status in NO_BODY or status < 200
    keeps = keeps and asked.keeps
    is_chunked = False
    if status >= 200:
        if not has_date:
            parts.append(_date_line(int(time.time())))
        if not is_bare and not has_length:
            if asked.is_modern:
                is_chunked = True
                parts.append(b"Transfer-Encoding: chunked\r\n")
            else:
                keeps = False
        if keeps != asked.is_modern:
            parts.append(b"Connection: keep-alive\r\n" if keeps else b"Connection: close\r\n")
    parts.append(b"\r\n")
    return b"".join(parts), is_bare, is_chunked, keeps


def _kind(name: bytes) -> int:
    return {b"date": _DATE, b"content-length": _LENGTH}.get(name.lower(), _OTHER)


_kinds: Final = Learned(_kind)


@lru_cache(maxsize=4)
def _date_line(second: int) -> bytes:
    return b"Date: %b\r\n" % formatdate(second, usegmt=True).encode("ascii")


@lru_cache(maxsize=256)
def _status_line(status: int, reason: bytes) -> bytes:
    return b"HTTP/1.1 %d %b\r\n" % (status, reason or _REASONS.get(status, b""))


def request_head(method: str, target: str, fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The head of a request with these fields in order; ``target`` is the origin-form, to the byte, which a character of it is.

    ValueError where a field would break its line: whatever let it come so far, it goes no further.
    """
    return f"{method} {target} HTTP/1.1\r\n".encode("latin-1") + field_lines(fields)


def field_lines(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """These fields as lines, and the empty one behind them. ValueError as ``request_head``."""
    parts: list[bytes] = []
    for name, value in fields:
        parts += (name, b": ", value, b"\r\n")
    lines = len(parts) // 4 + 1
    parts.append(b"\r\n")
    text = b"".join(parts)
    if text.count(b"\n") != lines or text.count(b"\r") != lines:
        raise ValueError("a line break within a line of a head")
    return text


def chunk(piece: bytes) -> bytes:
    """A piece of a body as one chunk; never of an empty one, which would end it."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


LAST_CHUNK: Final = b"0\r\n\r\n"
