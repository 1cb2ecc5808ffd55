"""The bytes of a head before it is whole: what is there already, and whether more of it is waited for.

Owns how much may arrive before a head ends (twice what a whole head may have: who comes whole gets a better answer), and what may stand
before it. What can never become a head is refused at once. Each byte is looked at a bounded number of times, however many packets bring it.
Rules from: RFC 9112 §2.2 (one empty line is forgiven).
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
    """One head after the other, each in a buffer that begins with it."""

    __slots__ = ("_blanks", "_checked", "_leading", "_limits", "_line_end", "_searched", "_seen")

    def __init__(self, limits: HeadLimits) -> None:
        """Nothing has arrived."""
        self._limits = limits
        self.over()

    def over(self) -> None:
        """The head is whole, and taken out of the buffer."""
        self._blanks = self._checked = self._leading = self._searched = self._seen = 0
        self._line_end = -1

    def without_empty_lines(self, buffer: bytes) -> bytes | Malformed:
        """The buffer from the first byte of its head on; 400 for more than one empty line before it."""
        rest = buffer.lstrip(_LINE_END)
        self._leading += len(buffer) - len(rest)
        return Malformed(400, "empty_lines") if self._leading > len(_LINE_END) else rest

    def end_of(self, buffer: bytes) -> int:
        """Where the head ends, without its empty line; -1 where it does not yet."""
        return buffer.find(END, self._searched)

    def refused(self, buffer: bytes) -> Malformed | None:
        """Why no more of a head is waited for that has not ended (400, 414, 431), else None."""
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
        """Whether this can never become a head."""
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
        """Whether this is no beginning of a first line. While its method or its target goes on, only what is new is looked at."""
        seen, self._seen = self._seen, len(buffer)
        if seen and self._blanks < 2 and buffer.find(b" ", seen) < 0:
            return (_NO_TARGET if self._blanks else _NO_METHOD).search(buffer, seen) is not None
        self._blanks = buffer.count(b" ")
        return begins_badly(buffer, False)
