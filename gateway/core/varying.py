"""Fields of a request that differ from one to the next and decide nothing here: where one came from, what is cached, which part is wanted.

Owns which those are, and the parting of a head's lines into what they say and all the rest. Must never name a field that the gateway reads,
removes or makes anew; an operator may have it made anew, so whoever puts a value into other lines asks the rules first (``core.fields``).
What is not plainly such a line stays where it is, in the rest. Rules from: RFC 9110 §10.1.3, §13.1, §14.2; ATTACKS H1 to H14, S8, S10.
"""

import re
from typing import Final

_NAMES = b"Referer If-None-Match If-Modified-Since If-Range Range Last-Event-ID X-Request-Id X-Request-ID X-Correlation-ID Traceparent"
VARYING: Final = tuple(dict.fromkeys((*_NAMES.split(), *_NAMES.lower().split())))
_BEGINNINGS: Final = b"".join(sorted({name[:1] for name in VARYING}))
_VALUE = rb"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?"
_LINE: Final = re.compile(rb"\r\n(?=[" + _BEGINNINGS + rb"])(" + b"|".join(VARYING) + rb"): (" + _VALUE + rb")(?=\r\n)")


Apart = tuple[tuple[bytes, ...], tuple[bytes, ...]]
"""First the rest: all but the values, in order, the names of those that vary at each odd place; then the values, in order."""


def apart(lines: bytes) -> Apart:
    """The lines of a head, from the line end before the first of them on."""
    parts = _LINE.split(lines)
    if len(parts) == 1:
        return (lines,), ()
    values = tuple(parts[2::3])
    del parts[2::3]
    return tuple(parts), values


def pairs_of(found: Apart) -> tuple[tuple[bytes, bytes], ...]:
    """The varying fields."""
    rest, values = found
    return tuple(zip(rest[1::2], values, strict=True))


def around(text: bytes, pairs: tuple[tuple[bytes, bytes], ...]) -> tuple[bytes, ...] | None:
    """What stands before, between and behind the values of these fields in lines that hold them in this order; None where they do not."""
    pieces, at = [], 0
    for name, value in pairs:
        found = text.find(b"\r\n%b: %b\r\n" % (name, value), at)
        if found < 0:
            return None
        begins = found + len(b"\r\n%b: " % name)
        pieces.append(text[at:begins])
        at = begins + len(value)
    return (*pieces, text[at:])


def filled(pieces: tuple[bytes, ...], values: tuple[bytes, ...]) -> bytes:
    """The lines, with these values between the pieces; there is one piece more."""
    if not values:
        return pieces[0]
    parts = [pieces[0]]
    for value, piece in zip(values, pieces[1:], strict=True):
        parts += (value, piece)
    return b"".join(parts)
