"""Decoder for a chunked body that arrives piece by piece.

    SIZE ── data ──▶ DATA ── its line end ──▶ SIZE ── 0 ──▶ TRAILER ── an empty line ──▶ whole

Finds where such a body ends. Chunk extensions and trailers count against one bound, and are dropped. It must never repair anything. These
are refused: a size that two servers could read differently, a line that ends with LF alone, an invalid trailer, a trailer that is a framing
field. Blanks after a size are accepted in responses only, because some old servers pad sizes with blanks. Sources: RFC 9112 §7.1 (chunks),
§7.1.1 (blanks), §7.1.2 (trailers may be discarded). httptools also decodes chunks, but does not tell where a message ends.
"""

import re
from enum import Enum
from typing import Final

from gateway.memo import Memo
from gateway.policy.http.messages import Malformed

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED: Final = rb'"(?:[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"'
_SIZE: Final = re.compile(rb"([0-9a-fA-F]{1,15})(?:;" + _TOKEN + rb"(?:=(?:" + _TOKEN + rb"|" + _QUOTED + rb"))?)*\Z")
_PADDED_SIZE: Final = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?\Z")
_LAST: Final = b"0\r\n\r\n"
_DIGITS: Final = b"0123456789abcdefABCDEF"
_PLAIN_SIZE: Final = re.compile(rb"[0-9a-fA-F]{1,15}\Z")
_LONGEST_PLAIN: Final = 15 + len(b"\r\n")
_FRAMING: Final = (b"content-length:", b"transfer-encoding:")
_TRAILER: Final = re.compile(_TOKEN + rb":[\t\x20-\x7e\x80-\xff]*\Z")
_LONGEST_SIZE_LINE: Final = 4096
_MOST_TRAILERS: Final = 100
_BAD: Final = Malformed(400, "chunk")
_TRAILERS: Final = Malformed(431, "fields_too_large")


class _Stage(Enum):
    SIZE = "size"
    DATA = "data"
    DATA_END = "data_end"
    TRAILER = "trailer"
    WHOLE = "whole"


def _plain_size(text: bytes) -> int:
    return int(text, 16) if _PLAIN_SIZE.match(text) else 0


_sizes: Final = Memo(_plain_size)
"""The size in a chunk's first line; 0 if it is the last chunk, or has an extension, or is not a size."""


def _taken_whole(received: bytes, at: int, pieces: list[bytes]) -> int:
    """Take all chunks that are complete and have no extensions. Returns the position of the first other one."""
    while True:
        begin = received.find(b"\r\n", at, at + _LONGEST_PLAIN) + 2
        size = _sizes[received[at : begin - 2]] if begin > 1 else 0
        if not size or not received.startswith(b"\r\n", begin + size):
            return at
        pieces.append(received[begin : begin + size])
        at = begin + size + 2


class Chunks:
    """The decoder of one body. Call ``feed`` until ``is_whole``. ``is_odd``: a size was not spelled as the RFC demands."""

    __slots__ = ("_besides", "_is_answer", "_left", "_line", "_most_besides", "_stage", "_trailers", "is_odd")

    def __init__(self, most_besides: int, *, is_answer: bool = False) -> None:
        """``most_besides``: the most bytes of trailers and chunk extensions together; in a response, which may go on for days, of trailers
        only.
        """
        self._is_answer = is_answer
        self.is_odd = False
        self._most_besides = most_besides
        self._stage = _Stage.SIZE
        self._left = 0
        self._besides = 0
        self._trailers = 0
        self._line = b""

    @property
    def is_whole(self) -> bool:
        """Whether the body has ended."""
        return self._stage is _Stage.WHOLE

    def feed(self, received: bytes, pieces: list[bytes]) -> bytes | Malformed:
        """Decode these bytes and add the data to ``pieces``. Returns the bytes after the end of the body, or why it is refused (400,
        431).
        """
        at = 0
        while at < len(received) and self._stage is not _Stage.WHOLE:
            if self._stage is _Stage.SIZE and not self._line:
                at = _taken_whole(received, at, pieces)
                if received.startswith(_LAST, at):
                    self._stage = _Stage.WHOLE
                    return received[at + len(_LAST) :]
            if self._stage is _Stage.DATA:
                until = min(len(received), at + self._left)
                pieces.append(received[at:until])
                self._left -= until - at
                at = until
                if not self._left:
                    self._stage = _Stage.DATA_END
                continue
            end = received.find(b"\n", at)
            piece = received[at:] if end < 0 else received[at : end + 1]
            at += len(piece)
            refusal = self._takes(piece)
            if refusal is not None:
                return refusal
        return received[at:]

    def _takes(self, piece: bytes) -> Malformed | None:
        """Process a piece of a line that is not data."""
        line = self._line + piece
        if self._stage is _Stage.TRAILER:
            self._besides += len(piece)
            if self._besides > self._most_besides:
                return _TRAILERS
        elif self._stage is _Stage.SIZE:
            if len(line) > _LONGEST_SIZE_LINE or line[:1] not in _DIGITS:
                return _BAD
        elif len(line) > len(b"\r\n"):
            return _BAD
        if not line.endswith(b"\n"):
            self._line = line
            return None
        self._line = b""
        return self._ends(line[:-2]) if line.endswith(b"\r\n") else _BAD

    def _ends(self, line: bytes) -> Malformed | None:
        """Process a complete line, without its line end."""
        if self._stage is _Stage.SIZE:
            found = _SIZE.match(line)
            if found is None and self._is_answer:
                found = _PADDED_SIZE.match(line)
                self.is_odd = True
            if found is None:
                return _BAD
            # Extensions of a response are not counted: an event stream may go on for days.
            if not self._is_answer:
                self._besides += len(line) - len(found[1])
            self._left = int(found[1], 16)
            self._stage = _Stage.DATA if self._left else _Stage.TRAILER
            return _TRAILERS if self._besides > self._most_besides else None
        if self._stage is _Stage.DATA_END:
            self._stage = _Stage.SIZE
            return _BAD if line else None
        if not line:
            self._stage = _Stage.WHOLE
            return None
        self._trailers += 1
        if self._trailers > _MOST_TRAILERS:
            return _TRAILERS
        return None if _TRAILER.match(line) and not line.lower().startswith(_FRAMING) else _BAD
