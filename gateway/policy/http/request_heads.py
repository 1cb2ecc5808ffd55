"""The head of a request, read from its bytes: line by line, from what was learnt.

The lines of one request are mostly those of another: what a line says is remembered by its bytes, so that a head costs what is new in it.

Owns what a line of a head may be, and where the body behind it ends. Its own readings are stricter than a parser's: no folded line, no line
end but CRLF, no blank before a colon. Must never remember the line of a secret (``Cookie``, ``Authorization``), and must never repair a
message. What a head as a whole may hold is ``core.messages``. Rules from: RFC 9112 §2 to 6; RFC 9110 §5.
"""

import re
from typing import Final, NamedTuple

from gateway.core.learned import Learned
from gateway.core.messages import Fields, HeadLimits, Malformed, Named, by_name, check_head

_REQUEST_LINE: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([^\x00-\x20\x7f]+) HTTP/([0-9])\.([0-9])\Z")
_TEXT: Final = rb"[\x21-\x7e\x80-\xff]"
_LINE: Final = re.compile(
    rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*((?:" + _TEXT + rb"(?:[\x20\t\x21-\x7e\x80-\xff]*" + _TEXT + rb")?)?)[ \t]*\Z"
)
_BEGINNING: Final = re.compile(
    rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?: [^\x00-\x20\x7f]*(?: (?:H(?:T(?:T(?:P(?:/(?:[0-9](?:\.[0-9]?)?)?)?)?)?)?)?)?)?\Z"
)
_LONGEST_LEARNT: Final = 512
_MOST_LEARNT: Final = 4096
_SECRETS: Final = frozenset((b"cookie", b"authorization", b"proxy-authorization"))
_UNREADABLE: Final = Malformed(400, "unparsable")


class FieldLine(NamedTuple):
    """One line of a head: its name in lower case, and the field as it was spelled, without blanks around its value.

    ``text``: as it goes on, its end included.
    """

    name: bytes
    pair: tuple[bytes, bytes]
    text: bytes


class ReadHead(NamedTuple):
    """A head as it arrived; ``lines``: its fields, with what is known of each by its bytes.

    ``length``: of the body, 0 where there is none, -1 where it comes in chunks. ``keeps``: the client would send another request behind it.
    ``expects``: it waits to be told to go on with its body.
    """

    method: str
    target: str
    is_modern: bool
    lines: list[FieldLine]
    fields: Fields
    named: Named
    length: int
    keeps: bool
    expects: bool


class _Lines(Learned[bytes, "FieldLine | None"]):
    """Lines as read; those of secrets are not kept."""

    __slots__ = ()

    def __missing__(self, key: bytes) -> FieldLine | None:
        line = _read_line(key)
        return line if line is not None and line.name in _SECRETS else super().__missing__(key)


def _read_line(text: bytes) -> FieldLine | None:
    found = _LINE.match(text)
    return None if found is None else FieldLine(found[1].lower(), (found[1], found[2]), b"%b: %b\r\n" % (found[1], found[2]))


_lines: Final = _Lines(_read_line, _LONGEST_LEARNT, _MOST_LEARNT)


def read_request(text: bytes, limits: HeadLimits) -> ReadHead | Malformed:
    """A head, from its first byte to the end of its last line; or why it is refused (400, 405, 413, 414, 431, 501, 505)."""
    first, *rest = text.split(b"\r\n")
    start = _REQUEST_LINE.match(first)
    if start is None:
        return _UNREADABLE
    lines: list[FieldLine] = []
    for one in rest:
        line = _lines[one]
        if line is None:
            return _UNREADABLE
        lines.append(line)
    method, target = start[1].decode("ascii"), start[2].decode("latin-1")
    version = start[3], start[4]
    is_modern = version == (b"1", b"1")
    if not is_modern and version != (b"1", b"0"):
        return Malformed(505, "version")
    fields = tuple([line.pair for line in lines])
    named = by_name([line.name for line in lines], [value for _, value in fields])
    size = len(text) - len(first) + 2 * len(lines)
    refused = check_head(method, target, is_modern, named, (len(lines), size), limits)
    if refused is not None:
        return refused
    length = named.get(b"content-length")
    return ReadHead(
        method,
        target,
        is_modern,
        lines,
        fields,
        named,
        int(length) if isinstance(length, bytes) else -1 if b"transfer-encoding" in named else 0,
        _keeps(named, is_modern) if b"connection" in named else is_modern,
        is_modern and b"expect" in named and _expects(named),
    )


def begins_badly(line: bytes, is_whole: bool) -> bool:
    """Whether these bytes cannot be the first line of a request, or, where it is not whole yet, its beginning."""
    if not line:
        return False
    if is_whole:
        return _REQUEST_LINE.match(line) is None
    return _BEGINNING.match(line.removesuffix(b"\r")) is None


def _keeps(named: Named, is_modern: bool) -> bool:
    """Whether the connection goes on behind the answer (RFC 9112 §9.3)."""
    said = named[b"connection"]
    words = {word.strip(b" \t").lower() for value in ((said,) if isinstance(said, bytes) else said) for word in value.split(b",")}
    return b"close" not in words and (is_modern or b"keep-alive" in words)


def _expects(named: Named) -> bool:
    said = named[b"expect"]
    return any(value.lower() == b"100-continue" for value in ((said,) if isinstance(said, bytes) else said))
