"""Writes the heads of HTTP/1.1 requests and answers as bytes. Fields are written exactly as given.

Owns how a head is written in both directions, and the framing of answers to the client. Must never write bytes that a parser would read
as two messages (response splitting): fields from outside have passed ``head_is_clean`` or a strict parser before.
Rules from: RFC 9112 §6 (body length), §9.3 (persistence), RFC 9110 §6.6.1 (Date), §8.6 (Content-Length).
"""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from gateway.memo import Memo
from gateway.policy.http.messages import Fields

_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_FORBIDDEN: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_REASONS: Final = {status.value: status.phrase.encode("ascii") for status in HTTPStatus}
NO_BODY: Final = (204, 304)
_OTHER: Final = 0
_DATE: Final = 1
_LENGTH: Final = 2


@dataclass(frozen=True, slots=True)
class AnswerTerms:
    """The properties of a request that decide how its answer is framed.

    ``is_head``: the method is HEAD. ``is_modern``: HTTP/1.1, not 1.0. ``keeps``: the client's connection may stay open.
    """

    is_head: bool = False
    is_modern: bool = True
    keeps: bool = True


_ALL_TERMS: Final = tuple(AnswerTerms(bool(bits & 1), bool(bits & 2), bool(bits & 4)) for bits in range(8))


def terms_of(is_head: bool, is_modern: bool, keeps: bool) -> AnswerTerms:
    """The ``AnswerTerms`` with these values; all eight of them are made once."""
    return _ALL_TERMS[is_head + 2 * is_modern + 4 * keeps]


AnswerHead = tuple[bytes, bool, bool, bool]
"""The bytes of a head; whether no body follows; whether the body is chunked; whether the connection stays open after the answer."""


def head_is_clean(reason: bytes, fields: Fields) -> bool:
    """Whether these values can be written into a head: names are tokens, and no value holds a line break or another control byte."""
    return not _FORBIDDEN.search(reason) and all(_TOKEN.match(name) and not _FORBIDDEN.search(value) for name, value in fields)


def answer_head(status: int, reason: bytes, fields: Fields, terms: AnswerTerms, *, keeps: bool = True) -> AnswerHead:
    """The head of an answer with these end-to-end fields in order. Framing, Connection, and a missing Date are added.

    ``reason`` empty: the usual phrase. Without a Content-Length the body is chunked; for HTTP/1.0 it ends with the connection.
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
    is_bare = terms.is_head or status in NO_BODY or status < 200
    keeps = keeps and terms.keeps
    is_chunked = False
    if status >= 200:
        if not has_date:
            parts.append(_date_line(int(time.time())))
        if not is_bare and not has_length:
            if terms.is_modern:
                is_chunked = True
                parts.append(b"Transfer-Encoding: chunked\r\n")
            else:
                keeps = False
        if keeps != terms.is_modern:
            parts.append(b"Connection: keep-alive\r\n" if keeps else b"Connection: close\r\n")
    parts.append(b"\r\n")
    return b"".join(parts), is_bare, is_chunked, keeps


def _kind(name: bytes) -> int:
    return {b"date": _DATE, b"content-length": _LENGTH}.get(name.lower(), _OTHER)


_kinds: Final = Memo(_kind)


@lru_cache(maxsize=4)
def _date_line(second: int) -> bytes:
    return b"Date: %b\r\n" % formatdate(second, usegmt=True).encode("ascii")


@lru_cache(maxsize=256)
def _status_line(status: int, reason: bytes) -> bytes:
    return b"HTTP/1.1 %d %b\r\n" % (status, reason or _REASONS.get(status, b""))


def request_head(method: str, target: str, fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The head of a request with these fields in order. ``target``: the origin-form; each of its characters is one byte (Latin-1).

    Raises ValueError if a field holds a line break. This is the last check before the wire, in case an earlier one has a hole.
    """
    return f"{method} {target} HTTP/1.1\r\n".encode("latin-1") + field_lines(fields)


def field_lines(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """These fields as lines, with the empty line after them. Raises ValueError as ``request_head``."""
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
    """A piece of a body as one chunk. ``piece`` must not be empty: an empty chunk would end the body."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


LAST_CHUNK: Final = b"0\r\n\r\n"
