"""Receives the head of a request before it is complete: finds its end, and refuses early what cannot become a head.

Before the head ends, twice the size limit of a complete head may arrive: a complete head that is too large gets a more precise answer. Each
byte is examined a bounded number of times, however many packets bring it. Source: RFC 9112 §2.2 (one empty line before a head is accepted).
"""

import re
from typing import Final

from gateway.policy.http.messages import HeadLimits, Malformed
from gateway.policy.http.request_heads import begins_badly, goes_on_badly

END: Final = b"\r\n\r\n"
_LINE_END: Final = b"\r\n"
_BARE_LF: Final = re.compile(rb"(?<!\r)\n")
_NO_METHOD: Final = re.compile(rb"[^!#$%&'*+\-.^_`|~0-9A-Za-z]")
_NO_TARGET: Final = re.compile(rb"[\x00-\x20\x7f]")


class HeadArrival:
    """The state of one connection: for one head after the other, each in a buffer that begins with it."""

    __slots__ = ("_blanks", "_checked", "_leading", "_limits", "_line_end", "_searched", "_seen")

    def __init__(self, limits: HeadLimits) -> None:
        """Nothing has arrived yet."""
        self._limits = limits
        self.over()

    def over(self) -> None:
        """The head was complete and is no longer in the buffer. Begin with the next one."""
        self._blanks = self._checked = self._leading = self._searched = self._seen = 0
        self._line_end = -1

    def without_empty_lines(self, buffer: bytes) -> bytes | Malformed:
        """The buffer without empty lines at its beginning; 400 if there was more than one."""
        rest = buffer.lstrip(_LINE_END)
        self._leading += len(buffer) - len(rest)
        return Malformed(400, "empty_lines") if self._leading > len(_LINE_END) else rest

    def end_of(self, buffer: bytes) -> int:
        """The position where the head ends, before its empty line; -1 if it is not complete."""
        return buffer.find(END, self._searched)

    def refusal(self, buffer: bytes) -> Malformed | None:
        """Why an incomplete head is refused now (400, 414, 431); None if the gateway waits for more bytes."""
        if self._line_end < 0:
            self._line_end = buffer.find(_LINE_END, self._searched)
        line_end = self._line_end
        if self._is_none(buffer, line_end):
            return Malformed(400, "unparsable")
        line_bytes, fields_bytes = self._limits.parsed_line_bytes, self._limits.fields_bytes
        if line_end < 0 and len(buffer) > 2 * line_bytes:
            return Malformed(414, "request_line_too_long")
        self._searched = max(0, len(buffer) - len(END) + 1)
        return Malformed(431, "fields_too_large") if len(buffer) > 2 * (line_bytes + fields_bytes) else None

    def _is_none(self, buffer: bytes, line_end: int) -> bool:
        """Whether these bytes can never become a head."""
        if _BARE_LF.search(buffer, self._searched) is not None:
            return True
        if line_end < 0:
            return self._begins_badly(buffer)
        if not self._checked and begins_badly(buffer[:line_end], True):
            return True
        start = max(self._checked, line_end + len(_LINE_END))
        last = buffer.rfind(_LINE_END, self._searched) + len(_LINE_END)
        self._checked = max(start, last)
        return last > start and goes_on_badly(buffer[start:last])

    def _begins_badly(self, buffer: bytes) -> bool:
        """Whether the buffer cannot be the beginning of a request line. Inside the method or the target only new bytes are examined."""
        seen, self._seen = self._seen, len(buffer)
        if seen and self._blanks < 2 and buffer.find(b" ", seen) < 0:
            return (_NO_TARGET if self._blanks else _NO_METHOD).search(buffer, seen) is not None
        self._blanks = buffer.count(b" ")
        return begins_badly(buffer, False)
