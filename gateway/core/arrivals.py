"""The bytes of a head before it is whole: what no parser tells, because it has nothing to hand over yet.

Owns how much may arrive before a head ends (twice what a whole head may have: who comes whole gets a better answer), and what may stand
before it. Must never look into what a parser reads. Rules from: RFC 9112 §2.2 (one empty line is forgiven), ATTACKS D2, S8.
"""

from gateway.core.messages import HeadLimits, Malformed


class Arrival:
    """One head that is on its way."""

    __slots__ = ("_bytes", "_has_begun", "_is_first_line", "_leading", "_limits")

    def __init__(self, limits: HeadLimits) -> None:
        """Nothing has arrived: the next byte is the first of a message."""
        self._limits = limits
        self._has_begun = False
        self._leading = self._bytes = 0
        self._is_first_line = True

    def over(self) -> None:
        """The head is whole. What came behind it is not known, so the next bytes may be in the middle of another one."""
        self._has_begun = True
        self._bytes = 0
        self._is_first_line = True

    def begins(self, received: bytes) -> Malformed | None:
        """Take bytes of a head, before a parser does; why they are refused (400), else None."""
        self._bytes += len(received)
        if not self._has_begun:
            rest = received.lstrip(b"\r\n")
            self._leading += len(received) - len(rest)
            self._has_begun = bool(rest)
            received = rest
        self._is_first_line = self._is_first_line and b"\n" not in received
        return Malformed(400, "empty_lines") if self._leading > len(b"\r\n") else None

    def waits(self) -> Malformed | None:
        """Why no more of this head is waited for, although a parser has seen no end of it (414, 431), else None."""
        line_bytes, fields_bytes = self._limits.parsed_line_bytes, self._limits.fields_bytes
        if self._is_first_line:
            return Malformed(414, "request_line_too_long") if self._bytes > 2 * line_bytes else None
        return Malformed(431, "fields_too_large") if self._bytes > 2 * (line_bytes + fields_bytes) else None
