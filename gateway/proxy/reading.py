"""Reading the answers of a server behind the gateway: strict, one message after the other, its body in pieces as they arrive.

    QUIET ── expect ──▶ HEAD ── 1xx: read on ──▶ HEAD ── fields ──▶ BODY ── its end ──▶ QUIET
                          └── 101, where it was asked for ──▶ SWITCHED

Owns what counts as an answer, where it ends, and whether another may follow on the same connection. What llhttp does not accept, and every
framing that two parsers could read in two ways, is ``Nonsense``: never repaired, never passed on. Must never look at what a field means
beyond its framing, and whether it signs a user in to the connection. The parser sees heads and chunks; a body of known length is counted.
Bytes behind the end of an answer are dropped, and then the connection is not used again.
Rules from: RFC 9112 §6 (length of a body), §9.6; RFC 9110 §15 (status codes), §15.2 (interim answers); ATTACKS S16, S3, U3.
"""

import re
from enum import Enum
from typing import Final

import httptools

from gateway.core.messages import Fields
from gateway.errors import Nonsense
from gateway.policy.http.bodies import Reuse, StatusKind, has_body, kind_of_status, reuse_behind
from gateway.policy.http.connection_auth import binds_connection
from gateway.proxy.plain import PlainHead, plain_head

LARGEST_HEAD_BYTES: Final = 256 * 1024
MOST_FIELDS: Final = 500
_FORBIDDEN: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_END_OF_HEAD: Final = b"\r\n\r\n"
MOST_INTERIM: Final = 100
"""So many interim answers may come before the final one: an app that works for half an hour may say 102 every twenty seconds."""


class Framing(Enum):
    """How the end of a body is known."""

    NONE = "none"
    LENGTH = "length"
    CHUNKED = "chunked"
    CLOSE = "close"


class AnswerReader:
    """The answers on one connection. After ``feed``: ``has_head``, ``pieces`` and ``is_whole`` say what it brought; take them.

    ``status``, ``reason``, ``fields`` (all of them, framing and hop included), ``length`` (None: not known) are of the final answer.
    ``keeps``: another request may follow at once. ``rests``: it may once the server has been silent for a while. ``binds``: the answer
    names a scheme that signs a user in to the connection.
    """

    __slots__ = (
        "_bare", "_head_bytes", "_heads", "_is_doubtful", "_is_parsed", "_left", "_lines", "_names_upgrade", "_parser", "_tail", "binds",
        "fields", "framing", "has_head", "is_whole", "keeps", "length", "pieces", "reason", "rests", "status",
    )  # fmt: skip

    def __init__(self) -> None:
        """Nothing is expected yet: whatever comes is nonsense."""
        self._parser = httptools.HttpResponseParser(self)
        self.is_whole = True
        self.pieces: list[bytes] = []
        self.fields: Fields = ()
        self._lines: list[tuple[bytes, bytes]] = []
        self.status = 0
        self.reason = b""
        self.length: int | None = None
        self.framing = Framing.NONE
        self.has_head = False
        self.keeps = True
        self.rests = False
        self.binds = False
        self._bare = False
        self._names_upgrade = False
        self._tail = b""
        self._head_bytes = 0
        self._heads = 0
        self._is_doubtful = False
        self._is_parsed = True
        self._left = 0

    def expect(self, *, bare: bool, upgrade: bool = False) -> None:
        """A request was sent: one answer may come. ``bare``: it was HEAD; ``upgrade``: it may be 101."""
        self.is_whole = self.has_head = self.rests = self.binds = self._is_doubtful = False
        self._bare = bare
        self._names_upgrade = upgrade
        self._head_bytes = self._heads = 0
        self._is_parsed = True
        self._tail = b""
        self.status = 0

    def feed(self, received: bytes) -> bytes:
        """Read what arrived; returns what follows a 101 and is no HTTP any more. Raises ``Nonsense``."""
        if self.is_whole:
            raise Nonsense("unasked")
        if self.has_head:
            self._feed_body(received)
            return b""
        if not self._head_bytes and not self._bare and (head := plain_head(received)) is not None:
            self._begin_plain(head, received)
            return b""
        while not self.has_head and received:
            received = self._feed_head(received)
        if self.status == 101:
            return self._switched(received)
        if self.has_head:
            self._begin_body(received)
        return b""

    def _feed_head(self, received: bytes) -> bytes:
        """Give the parser one head, or what is there of it; returns what stands behind it."""
        known = self._tail + received
        end = known.find(_END_OF_HEAD)
        until = len(received) if end < 0 else end + len(_END_OF_HEAD) - len(self._tail)
        self._tail = known[-3:] if end < 0 else b""
        self._head_bytes += until
        self._heads += end >= 0
        if self._heads > MOST_INTERIM + 1:
            raise Nonsense("too_many_interim")
        try:
            self._parser.feed_data(received[:until])
        except httptools.HttpParserUpgrade:
            pass  # the end of a 101
        except httptools.HttpParserError as error:
            if self.status != 101 or isinstance(error.__context__, Nonsense):
                raise _as_nonsense(error) from error
        if self._head_bytes > LARGEST_HEAD_BYTES:
            raise Nonsense("head_too_large")
        return received[until:]

    def _begin_body(self, received: bytes) -> None:
        """The head is there, and these bytes behind it."""
        if self.framing is Framing.NONE or (self.framing is Framing.LENGTH and not self._left):
            self._end(received)
        elif received:
            self._feed_body(received)

    def _feed_body(self, received: bytes) -> None:
        if self.framing is not Framing.CHUNKED:
            return self._count(received)
        try:
            self._parser.feed_data(received)
        except httptools.HttpParserError as error:
            if not self.is_whole:
                raise _as_nonsense(error) from error
            self._end(received)

    def _end(self, behind: bytes) -> None:
        """The answer is whole; bytes behind it are nobody's."""
        if behind:
            self.keeps = self.rests = False
        self._renew()

    def _begin_plain(self, head: PlainHead, received: bytes) -> None:
        """The parser sees nothing of a plain answer: it stands where it stood, before the next one."""
        self.status, self.reason, self.fields, length, self.keeps, start = head
        self.has_head, self.framing, self._is_parsed = True, Framing.LENGTH, False
        self._left = self.length = length
        self._begin_body(received[start:])

    def end(self) -> bool:
        """The connection ended in order; whether that is the end of the answer, and not one in the middle."""
        if self.has_head and self.framing is Framing.CLOSE:
            self.is_whole = True
        return self.is_whole

    def _count(self, received: bytes) -> None:
        if self.framing is Framing.CLOSE:
            self.pieces.append(received)
            return
        left = self._left
        self._left -= len(received)
        if self._left > 0:
            self.pieces.append(received)
        elif self._left == 0:
            self.pieces.append(received)
            self._renew()
        else:
            self.pieces.append(received[:left])
            self._end(received[left:])

    def _renew(self) -> None:
        """The answer is whole, and the parser was not told, or has seen what it may not remember."""
        self.is_whole = True
        if self._is_parsed:
            self._parser = httptools.HttpResponseParser(self)

    def _switched(self, rest: bytes) -> bytes:
        if not self._names_upgrade:
            raise Nonsense("unasked_upgrade")
        self.is_whole = True
        self.keeps = self.rests = False
        return rest

    # What httptools calls, in this order; an exception in here comes out of ``feed_data``.

    def on_message_begin(self) -> None:
        """A message begins."""
        if self.has_head:
            raise Nonsense("unasked")
        self._lines = []
        self.reason = b""

    def on_status(self, reason: bytes) -> None:
        """A part of the reason phrase."""
        self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field line; those behind the body (trailers) are dropped."""
        if not self.has_head:
            self._lines.append((name, value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        """The head is there: its framing decides."""
        self.status = self._parser.get_status_code()
        if len(self._lines) > MOST_FIELDS:
            raise Nonsense("too_many_fields")
        if _FORBIDDEN.search(b" ".join([value for _, value in self._lines])) or _FORBIDDEN.search(self.reason):
            raise Nonsense("field")
        kind = kind_of_status(self.status)
        if kind is StatusKind.INVALID:
            raise Nonsense("status")
        framing, length = _framing(self._lines)
        announces_body = framing is Framing.CHUNKED or bool(length)
        if kind is StatusKind.INTERIM or kind is StatusKind.UNKNOWN_INTERIM:
            if announces_body:
                raise Nonsense("interim_body")
            self._is_doubtful = self._is_doubtful or kind is StatusKind.UNKNOWN_INTERIM
            return
        self._take_head(framing, length, announces_body)

    def _take_head(self, framing: Framing, length: int | None, announces_body: bool) -> None:
        """The head of the final answer, or of a 101."""
        status, is_empty = self.status, self.status == 204 or self.status == 205
        self.has_head = True
        self.length = length
        self.framing = framing if status != 101 and has_body(status, self._bare) else Framing.NONE
        self._left = length or 0
        reuse = Reuse.NEVER if self._is_doubtful else reuse_behind(status, self._bare, announces_body)
        is_open = self.framing is not Framing.CLOSE and bool(self._parser.should_keep_alive())
        self.keeps = is_open and reuse is Reuse.AT_ONCE
        self.rests = is_open and reuse is Reuse.AFTER_SILENCE
        self.binds = binds_connection(tuple(self._lines))
        fields = tuple(pair for pair in self._lines if not is_empty or pair[0].lower() != b"content-length")
        # Some clients read a body behind 205, and some do not: both find that it is empty.
        self.fields = (*fields, (b"Content-Length", b"0")) if status == 205 else fields

    def on_body(self, piece: bytes) -> None:
        """A piece of the body, without its chunk."""
        self.pieces.append(piece)

    def on_message_complete(self) -> None:
        """The message ended; an interim one makes room for the next."""
        self.is_whole = self.has_head


def _framing(fields: list[tuple[bytes, bytes]]) -> tuple[Framing, int | None]:
    """What these fields say of the body; a Content-Length among them is written anew, without zeros in front."""
    lengths: list[bytes] = []
    codings: list[bytes] = []
    for index, (name, value) in enumerate(fields):
        if len(name) in (14, 17):
            lowered = name.lower()
            if lowered == b"content-length":
                lengths.append(value)
                fields[index] = name, value.lstrip(b"0") or b"0"
            elif lowered == b"transfer-encoding":
                codings.append(value)
    if len(lengths) > 1 or (lengths and (codings or not lengths[0].isdigit() or len(lengths[0]) > 18)):
        raise Nonsense("content_length")
    if codings and (len(codings) > 1 or codings[0].lower() != b"chunked"):
        raise Nonsense("transfer_encoding")
    if codings:
        return Framing.CHUNKED, None
    return (Framing.LENGTH, int(lengths[0])) if lengths else (Framing.CLOSE, None)


def _as_nonsense(error: httptools.HttpParserError) -> Nonsense:
    """The reason of our own where one of the functions above refused, else a word for llhttp's."""
    cause = error.__context__
    return cause if isinstance(cause, Nonsense) else Nonsense("unparsable")
