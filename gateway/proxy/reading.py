"""Reading the answers of a server behind the gateway: strict, one message after the other, its body in pieces as they arrive.

    QUIET ── expect ──▶ HEAD ── 1xx: read on ──▶ HEAD ── fields ──▶ BODY ── its end ──▶ QUIET
                          └── 101, where it was asked for ──▶ SWITCHED

Owns what counts as an answer, where it ends, and whether another may follow on the same connection. What llhttp does not accept, and every
framing that two parsers could read in two ways, is ``Nonsense``: never repaired, never passed on. Must never look at what a field means
beyond its framing. A body of known length does not pass the parser again after its first piece: it is counted.
Rules from: RFC 9112 §6 (length of a body), §9.6; ATTACKS S16, S3, U3.
"""

import re
from enum import Enum
from typing import Final

import httptools

from gateway.core.messages import Fields
from gateway.errors import Nonsense
from gateway.proxy.plain import PlainHead, plain_head

LARGEST_HEAD_BYTES: Final = 256 * 1024
MOST_FIELDS: Final = 500
_FORBIDDEN: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_NO_BODY: Final = (204, 304)


class Framing(Enum):
    """How the end of a body is known."""

    NONE = "none"
    LENGTH = "length"
    CHUNKED = "chunked"
    CLOSE = "close"


class AnswerReader:
    """The answers on one connection. After ``feed``: ``has_head``, ``pieces`` and ``is_whole`` say what it brought; take them.

    ``status``, ``reason``, ``fields`` (all of them, framing and hop included), ``length`` (None: not known) are of the final answer.
    """

    __slots__ = (
        "_bare", "_head", "_head_bytes", "_is_parsed", "_left", "_lines", "_names_upgrade", "_parser", "_seen", "fields",
        "framing", "has_head", "is_whole", "keeps", "length", "pieces", "reason", "status",
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
        self._bare = False
        self._names_upgrade = False
        self._head = b""
        self._head_bytes = 0
        self._is_parsed = True
        self._left = 0
        self._seen = 0

    def expect(self, *, bare: bool, upgrade: bool = False) -> None:
        """A request was sent: one answer may come. ``bare``: it was HEAD; ``upgrade``: it may be 101."""
        self.is_whole = self.has_head = False
        self._bare = bare
        self._names_upgrade = upgrade
        self._head_bytes = 0
        self._is_parsed = True
        self.status = 0

    def feed(self, received: bytes) -> bytes:
        """Read what arrived; returns what follows a 101 and is no HTTP any more. Raises ``Nonsense``."""
        if self.is_whole:
            raise Nonsense("unasked")
        if self.has_head and self.framing is not Framing.CHUNKED:
            self._count(received)
            return b""
        if self._bare:
            return self._feed_bare(received)
        if not self._head_bytes and not self.has_head and (head := plain_head(received)) is not None:
            self._begin_plain(head, received)
            return b""
        try:
            self._parser.feed_data(received)
        except httptools.HttpParserUpgrade as switch:
            return self._switched(received[switch.args[0] :])
        except httptools.HttpParserError as error:
            raise _as_nonsense(error) from error
        if self.status == 101:
            raise Nonsense("unasked_upgrade")
        self._head_bytes += 0 if self.has_head else len(received)
        if self._head_bytes > LARGEST_HEAD_BYTES:
            raise Nonsense("head_too_large")
        if self.has_head and self.framing is Framing.LENGTH and not self.is_whole:
            self._left = (self.length or 0) - self._seen
        return b""

    def _begin_plain(self, head: PlainHead, received: bytes) -> None:
        """The parser sees nothing of a plain answer: it stands where it stood, before the next one."""
        self.status, self.reason, self.fields, length, self.keeps, start = head
        self.has_head, self.framing, self._is_parsed = True, Framing.LENGTH, False
        self._left = self.length = length
        body = received[start:]
        if body:
            self._count(body)
        elif not length:
            self._renew()

    def end(self) -> bool:
        """The connection ended in order; whether that is the end of the answer, and not one in the middle."""
        if self.has_head and self.framing is Framing.CLOSE:
            self.is_whole = True
        return self.is_whole

    def _feed_bare(self, received: bytes) -> bytes:
        """The parser would wait for the body that HEAD's answers announce and do not have: it sees the head alone."""
        self._head += received
        while not self.has_head and (end := self._head.find(b"\r\n\r\n")) >= 0:
            head, self._head = self._head[: end + 4], self._head[end + 4 :]
            try:
                self._parser.feed_data(head)
            except httptools.HttpParserError as error:
                raise _as_nonsense(error) from error
        if len(self._head) > LARGEST_HEAD_BYTES:
            raise Nonsense("head_too_large")
        if self.has_head:
            if self._head:
                raise Nonsense("unasked")
            self._renew()
        return b""

    def _count(self, received: bytes) -> None:
        if self.framing is Framing.CLOSE:
            self.pieces.append(received)
            return
        if len(received) > self._left:
            raise Nonsense("unasked")
        self._left -= len(received)
        self.pieces.append(received)
        if not self._left:
            self._renew()

    def _renew(self) -> None:
        """The answer is whole, and the parser was not told."""
        self.is_whole = True
        if self._is_parsed:
            self._head = b""
            self._parser = httptools.HttpResponseParser(self)

    def _switched(self, rest: bytes) -> bytes:
        if not self._names_upgrade or self.status != 101:
            raise Nonsense("unasked_upgrade")
        self.is_whole = True
        self.keeps = False
        return rest

    # What httptools calls, in this order; an exception in here comes out of ``feed_data``.

    def on_message_begin(self) -> None:
        """A message begins."""
        if self.is_whole:
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
        if self.status < 200 and self.status != 101:
            return
        self.has_head = True
        self.framing, self.length = _framing(self.status, self._lines, self._bare)
        self._seen = 0
        self.keeps = self.framing is not Framing.CLOSE and bool(self._parser.should_keep_alive())
        is_empty = self.status == 204
        self.fields = tuple(pair for pair in self._lines if not is_empty or pair[0].lower() != b"content-length")

    def on_body(self, piece: bytes) -> None:
        """A piece of the body, without its chunk."""
        self._seen += len(piece)
        self.pieces.append(piece)

    def on_message_complete(self) -> None:
        """The message ended; an interim one makes room for the next."""
        self.is_whole = self.has_head


def _framing(status: int, fields: list[tuple[bytes, bytes]], bare: bool) -> tuple[Framing, int | None]:
    lengths: list[bytes] = []
    codings: list[bytes] = []
    for name, value in fields:
        if len(name) in (14, 17):
            lowered = name.lower()
            if lowered == b"content-length":
                lengths.append(value)
            elif lowered == b"transfer-encoding":
                codings.append(value)
    if len(lengths) > 1 or (lengths and (codings or not lengths[0].isdigit() or len(lengths[0]) > 18)):
        raise Nonsense("content_length")
    if codings and (len(codings) > 1 or codings[0].lower() != b"chunked"):
        raise Nonsense("transfer_encoding")
    length = int(lengths[0]) if lengths else None
    if bare or status in _NO_BODY or status < 200:
        return Framing.NONE, length
    if codings:
        return Framing.CHUNKED, None
    return (Framing.CLOSE, None) if length is None else (Framing.LENGTH, length)


def _as_nonsense(error: httptools.HttpParserError) -> Nonsense:
    """The reason of our own where one of the functions above refused, else a word for llhttp's."""
    cause = error.__context__
    return cause if isinstance(cause, Nonsense) else Nonsense("unparsable")
