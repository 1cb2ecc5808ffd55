"""Parses the answers on one connection to a server: heads, and bodies in pieces as they arrive.

    QUIET ── expect ──▶ HEAD ── 1xx: read on ──▶ HEAD ── fields ──▶ BODY ── its end ──▶ QUIET
                          └── 101, if the request asked for it ──▶ SWITCHED

Owns where an answer ends, and whether the connection may carry another request. Bytes that are not a valid answer raise ``Nonsense``, which
names the broken rule. After a malformed head nothing is passed on. In a malformed body, the bytes before the fault are passed on first,
however they were cut into packets. Bytes after the end of an answer are dropped, and the connection is not used again.
Must never look at the meaning of a field, except for framing, and whether it signs a user in to the connection.
Rules from: ``policy.http.answer_heads``, ``policy.http.chunks``; RFC 9112 §6 (length of a body), §9.6.
"""

from typing import Final

from gateway.errors import Nonsense
from gateway.policy.http.answer_heads import AnswerFault, AnswerHead, Framing, end_of_head, may_begin_answer, read_answer_head
from gateway.policy.http.bodies import Reuse, StatusKind, reuse_behind
from gateway.policy.http.chunks import Chunks
from gateway.policy.http.connection_auth import binds_connection
from gateway.policy.http.messages import Fields, Malformed
from gateway.upstream.plain import PlainHead, plain_head

LARGEST_HEAD_BYTES: Final = 256 * 1024
MOST_INTERIM: Final = 100
"""How many interim answers (1xx) may precede the final one. An app that works for half an hour may send 102 every twenty seconds."""
_MOST_EMPTY_LINES: Final = 4
"""How many bytes of line ends may precede an answer: some servers write a line end after the body of the answer before it."""


_LINE_ENDS: Final = b"\r\n"
_BEGINNING: Final = b"HTTP/1."


class AnswerReader:
    """Parses the answers of one connection. After each ``feed``, look at ``has_head``, ``pieces`` and ``is_whole``, and take ``pieces``.

    ``status``, ``reason``, ``fields`` (all, with framing and hop-by-hop ones) and ``length`` (None: unknown) are of the final answer.
    ``keeps``: another request may be sent at once. ``rests``: another request may be sent after a time of silence. ``binds``: the answer
    names a scheme that signs a user in to the connection (NTLM, Negotiate).
    """

    __slots__ = (
        "_bare", "_chunks", "_head", "_head_bytes", "_heads", "_is_odd", "_left", "_names_upgrade", "binds", "fields", "framing",
        "has_head", "is_whole", "keeps", "length", "pieces", "reason", "rests", "status",
    )  # fmt: skip

    def __init__(self) -> None:
        """No answer is expected yet: any byte raises ``Nonsense``."""
        self.is_whole = True
        self.pieces: list[bytes] = []
        self.fields: Fields = ()
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
        self._head = bytearray()
        self._head_bytes = 0
        self._heads = 0
        self._is_odd = False
        self._left = 0
        self._chunks: Chunks | None = None

    def expect(self, *, bare: bool, upgrade: bool = False) -> None:
        """A request was sent, so one answer may come. ``bare``: the method was HEAD. ``upgrade``: the answer may be a 101."""
        self.is_whole = self.has_head = self.rests = self.binds = self._is_odd = False
        self._bare = bare
        self._names_upgrade = upgrade
        self._head_bytes = self._heads = 0
        self._chunks = None
        self.status = 0

    @property
    def is_untouched(self) -> bool:
        """Whether no byte of an answer has come since ``expect``. Line ends before an answer do not count."""
        return not (self.has_head or self._heads or self._head)

    def feed(self, received: bytes) -> bytes:
        """Parse what arrived; returns the bytes after a 101, which are not HTTP. Raises ``Nonsense``."""
        if self.is_whole:
            raise Nonsense("unasked")
        if self.has_head:
            self._feed_body(received)
            return b""
        if not self._head_bytes and not self._head and not self._bare and (head := plain_head(received)) is not None:
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
        """Take one head, or the part of it that has arrived; returns the bytes after it."""
        head = self._head
        if not head:
            if received[0] in _LINE_ENDS:
                received = self._without_empty_lines(received)
            end = end_of_head(received) if received.startswith(_BEGINNING) else -1
            if end >= 0:  # the usual case: the whole head arrived at once
                self._took(received[:end])
                return received[end:]
        before = len(head)
        head += received
        if not may_begin_answer(head):
            head.clear()
            raise Nonsense(AnswerFault.STATUS_LINE.value)
        end = end_of_head(head, before)
        if end < 0:
            if self._head_bytes + len(head) > LARGEST_HEAD_BYTES:
                raise Nonsense("head_too_large")
            return b""
        text = bytes(head[:end])
        head.clear()
        self._took(text)
        return received[end - before :]

    def _without_empty_lines(self, received: bytes) -> bytes:
        kept = received.lstrip(b"\r\n")
        if len(kept) < len(received):
            self._is_odd = True
            self._head_bytes += len(received) - len(kept)
            if not self._heads and self._head_bytes > _MOST_EMPTY_LINES:
                raise Nonsense(AnswerFault.STATUS_LINE.value)
        return kept

    def _took(self, text: bytes) -> None:
        """Parse a whole head."""
        self._heads += 1
        self._head_bytes += len(text)
        if self._head_bytes > LARGEST_HEAD_BYTES:
            raise Nonsense("head_too_large")
        if self._heads > MOST_INTERIM + 1:
            raise Nonsense("too_many_interim")
        head = read_answer_head(text, self._bare)
        if isinstance(head, AnswerFault):
            raise Nonsense(head.value)
        if head.kind is StatusKind.INTERIM or head.kind is StatusKind.UNKNOWN_INTERIM:
            self._is_odd = self._is_odd or head.is_odd or head.kind is StatusKind.UNKNOWN_INTERIM
            return
        self._take_head(head)

    def _take_head(self, head: AnswerHead) -> None:
        """Use the head of the final answer, or of a 101."""
        status = self.status = head.status
        self.has_head = True
        self.reason, self.framing, self.length = head.reason, head.framing, head.length
        self._left = head.length or 0
        if head.framing is Framing.CHUNKED:
            self._chunks = Chunks(LARGEST_HEAD_BYTES, is_answer=True)
        is_odd = head.is_odd or self._is_odd
        reuse = Reuse.NEVER if is_odd else reuse_behind(status, self._bare, head.announces_body)
        is_open = head.keeps and head.framing is not Framing.CLOSE
        self.keeps = is_open and reuse is Reuse.NOW
        self.rests = is_open and reuse is Reuse.AFTER_SILENCE
        self.binds = head.may_bind and binds_connection(head.fields)
        is_empty = status == 204 or status == 205
        fields = tuple([pair for pair in head.fields if pair[0].lower() != b"content-length"]) if is_empty else head.fields
        # Some clients expect a body after 205, some do not. With this field both read the same.
        self.fields = (*fields, (b"Content-Length", b"0")) if status == 205 else fields

    def _begin_body(self, received: bytes) -> None:
        """Begin the body. ``received``: the bytes that arrived with the head."""
        if self.framing is Framing.NONE or (self.framing is Framing.LENGTH and not self._left):
            self._end(received)
        elif received:
            self._feed_body(received)

    def _feed_body(self, received: bytes) -> None:
        chunks = self._chunks
        if chunks is None:
            return self._count(received)
        behind = chunks.feed(received, self.pieces)
        if isinstance(behind, Malformed):
            raise Nonsense(behind.reason)
        if chunks.is_odd:
            self.keeps = False
        if chunks.is_whole:
            self._end(behind)

    def _end(self, behind: bytes) -> None:
        """The answer is whole. Bytes after it belong to no request, so the connection is not used again."""
        if behind:
            self.keeps = self.rests = False
        self.is_whole = True

    def _begin_plain(self, head: PlainHead, received: bytes) -> None:
        self.status, self.reason, self.fields, length, self.keeps, start = head
        self.has_head, self.framing = True, Framing.LENGTH
        self._left = self.length = length
        self._begin_body(received[start:])

    def end(self) -> bool:
        """The connection was closed in order; True if that completes the answer, False if the answer was cut."""
        if self.has_head and self.framing is Framing.CLOSE:
            self.is_whole = True
        return self.is_whole

    def _count(self, received: bytes) -> None:
        if self.framing is Framing.CLOSE:
            self.pieces.append(received)
            return
        left = self._left
        self._left -= len(received)
        if self._left >= 0:
            self.pieces.append(received)
            if self._left == 0:
                self.is_whole = True
        else:
            self.pieces.append(received[:left])
            self._end(received[left:])

    def _switched(self, rest: bytes) -> bytes:
        if not self._names_upgrade:
            self.has_head = False
            raise Nonsense("unasked_upgrade")
        self.is_whole = True
        self.keeps = self.rests = False
        return rest
