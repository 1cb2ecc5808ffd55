"""Parser for the head of a request (request line and fields), with caches, because most lines come again in the next request.

A browser's next request usually differs from the last one only in its first line. So three things are cached: first lines, single field
lines, and *blocks*. A ``Block`` is everything behind the first line. First lines and blocks are stored only when they come for the second
time, so a request that never comes again costs no memory. Cached first lines and blocks can contain secrets (targets, cookies); they stay
in the memory of this process, until newer ones replace them. Single lines with secrets are never cached.

The parser is stricter than most: no folded lines, no line end but CRLF, no blank before a colon. It must never repair a message, and each
cache has a bound. The limits on a head as a whole are in ``policy.http.messages``. Sources: RFC 9112 §2 to 6; RFC 9110 §5.
"""

import re
from typing import Final

from gateway.memo import Memo, RecentCache, SeenKeys
from gateway.policy.http.messages import (
    VALUE_FORBIDDEN,
    FieldLine,
    FieldLines,
    HeadLimits,
    Malformed,
    Named,
    RequestHead,
    by_name,
    check_fields,
    check_first_line,
    lowered_name,
)

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE: Final = re.compile(rb"(" + _TOKEN + rb") ([^\x00-\x20\x7f]+) HTTP/([0-9])\.([0-9])\Z")
_BEGINNING: Final = re.compile(_TOKEN + rb"(?: [^\x00-\x20\x7f]*(?: (?:H(?:T(?:T(?:P(?:/(?:[0-9](?:\.[0-9]?)?)?)?)?)?)?)?)?)?\Z")
_versions: Final[dict[bytes, bytes]] = {b"HTTP/1.1": b"11", b"HTTP/1.0": b"10"}
_TARGET_FORBIDDEN: Final = bytes((*range(0x21), 0x7F))
_LONGEST_CACHED: Final = 256
_MOST_CACHED_LINES: Final = 4096
_LARGEST_BLOCK: Final = 2048
_MOST_LINES: Final = 1000
_MOST_FIRST_LINES: Final = 2048
"""Up to twice as many first lines are cached. Of the longest length they take about 5 MiB."""
_BLOCKS_WEIGHT: Final = 8_000_000
"""Blocks are cached up to twice this weight: their size in bytes, plus ``_LINE_WEIGHT`` for each line.

A browser's block weighs about 1,700, so that 8 kinds of request of 500 users fit in. These take 52 MiB; the most expensive blocks that an
attacker can make up take 68 MiB (measured).
"""
_LINE_WEIGHT: Final = 40
_MOST_LINES_OF_CACHED_BLOCK: Final = 32
"""Blocks with more lines are not cached. Browsers send 12 to 20 lines."""
_ABOUT_BODIES: Final = frozenset((b"content-type", b"content-length", b"transfer-encoding", b"expect", b"trailer"))
_SECRETS: Final = frozenset((b"cookie", b"authorization", b"proxy-authorization"))


class FirstLine:
    """The request line. ``refusal``: why it is refused, whatever its host is (400, 405, 414, 505); None if it is accepted.

    ``text``: the line as it is sent to a server, including its line end.
    """

    __slots__ = ("is_modern", "method", "refusal", "target", "text")

    def __init__(self, method: str, target: str, version: bytes, limits: HeadLimits) -> None:
        """``version``: its two digits, such as ``11`` for HTTP/1.1."""
        self.method = method
        self.target = target
        self.is_modern = version == b"11"
        is_known = self.is_modern or version == b"10"
        self.refusal = check_first_line(method, target, limits) if is_known else Malformed(505, "version")
        self.text = b"%b %b HTTP/1.1\r\n" % (method.encode("ascii"), target.encode("latin-1"))


class Block:
    """All field lines of a head. ``refusal``: why they are refused, None if they are accepted.

    ``length``: of the body; 0 if there is none, -1 if it is chunked. ``words``: the members of ``Connection``, in lower case. ``expects``:
    the client waits for 100 (Continue) before it sends its body. ``weight``: its size in the cache. ``given``: the lines, which can also be
    had as pairs.

    Other modules store what they derived from a block in it, so that it is cached as well. ``kept``: the lines that an app gets. ``head``:
    the last ``RequestHead`` made of this block, ``head_line``: its first line, ``host``: its configured host. None of them may refer back
    to the block: then reference counting could not free it, only the garbage collector.
    """

    __slots__ = ("expects", "given", "head", "head_line", "host", "kept", "length", "lines", "named", "refusal", "weight", "words")

    def __init__(self, lines: list[FieldLine], size: int, limits: HeadLimits) -> None:
        """``size``: in bytes."""
        self.lines = lines
        self.given = FieldLines(lines)
        self.weight = size + _LINE_WEIGHT * len(lines)
        named: Named = {}
        for line in lines:
            named[line.name] = line.value
        if len(named) != len(lines):
            named = by_name([line.name for line in lines], [line.value for line in lines])
        self.named = named
        self.refusal = check_fields(named, len(lines), size, limits)
        length = named.get(b"content-length")
        self.length = -1 if b"transfer-encoding" in named else 0
        if isinstance(length, bytes) and self.refusal is None:
            self.length = int(length)
        connection = named.get(b"connection")
        self.words = _NO_WORDS if connection is None else _usual_words[connection] if isinstance(connection, bytes) else _words(connection)
        expected = named.get(b"expect")
        self.expects = expected is not None and any(value.lower() == b"100-continue" for value in _all(expected))
        self.kept: object = None
        self.head: RequestHead | None = None
        self.head_line: FirstLine | None = None
        self.host: object = None

    def with_body(self, content_type: bytes, length: int) -> "Block":
        """The same lines for another body, whose length is known."""
        kept = [line for line in self.lines if line.name not in _ABOUT_BODIES]
        lines = [*kept, FieldLine(b"Content-Type", content_type), FieldLine(b"Content-Length", b"%d" % length)]
        return Block(lines, 0, HeadLimits())


def _weight(block: Block) -> int:
    return block.weight


class ReadHead:
    """A head as it arrived: its first line and its block. ``keeps``: the client keeps the connection open for another request.

    ``refusal``: why it is refused, whatever its host is (400, 405, 413, 414, 431, 501, 505). Then it is not known where the body ends.
    """

    __slots__ = ("block", "expects", "keeps", "line", "refusal")

    def __init__(self, line: FirstLine, block: Block) -> None:
        """``line`` and ``block`` are new or cached."""
        self.line = line
        self.block = block
        is_modern = line.is_modern
        self.refusal = line.refusal or block.refusal
        if self.refusal is None and not is_modern and block.length < 0:
            self.refusal = Malformed(400, "framing")  # a server for HTTP/1.0 does not know chunked bodies
        words = block.words
        self.keeps = is_modern if not words else b"close" not in words and (is_modern or b"keep-alive" in words)
        self.expects = is_modern and block.expects


def line_of(text: bytes) -> FieldLine | None:
    """The field line in these bytes (without line end), from the cache or parsed; None if it is not a valid field line."""
    return _lines[text]


def _read_line(text: bytes) -> FieldLine | None:
    spelled, colon, value = text.partition(b":")
    if not colon or not lowered_name[spelled] or len(value.translate(None, VALUE_FORBIDDEN)) != len(value):
        return None
    return FieldLine(spelled, value.strip(b" \t"))


def _is_stored(_text: bytes, line: FieldLine | None) -> bool:
    """Lines whose values are secrets are not stored, and no invalid line, whose value may be one too."""
    return line is not None and line.name not in _SECRETS


_lines: Final = Memo(_read_line, _LONGEST_CACHED, _MOST_CACHED_LINES, _is_stored)


class HeadReader:
    """Parses heads within the given limits, and owns the caches for first lines and blocks."""

    __slots__ = ("_blocks", "_first_lines", "_limits", "_seen")

    def __init__(self, limits: HeadLimits) -> None:
        """The caches are empty."""
        self._limits = limits
        self._blocks: RecentCache[bytes, Block] = RecentCache(_BLOCKS_WEIGHT, _weight)
        self._first_lines: RecentCache[bytes, FirstLine] = RecentCache(_MOST_FIRST_LINES)
        self._seen = SeenKeys()

    def read(self, text: bytes) -> ReadHead | None:
        """The head in these bytes, from its first byte to the end of its last line; None if it is not a head."""
        end = text.find(b"\r\n")
        first, rest = (text, b"") if end < 0 else (text[:end], text[end + 2 :])
        line = self._first_lines.get(first) or self._read_first_line(first)
        if line is None:
            return None
        block = self._blocks.get(rest)
        if block is None:
            block = self._read_block(rest)
            if block is None:
                return None
            is_worth_it = len(rest) <= _LARGEST_BLOCK and len(block.lines) <= _MOST_LINES_OF_CACHED_BLOCK and block.refusal is None
            # Stored at the second time only, so that heads that never come again take no memory.
            if is_worth_it and self._seen.seen_before(rest):
                self._blocks.keep(rest, block)
        return ReadHead(line, block)

    def _read_first_line(self, first: bytes) -> FirstLine | None:
        words = first.split(b" ")
        version = _versions.get(words[2]) if len(words) == 3 else None
        if (
            version is None
            or not words[1]
            or not lowered_name[words[0]]
            or len(words[1].translate(None, _TARGET_FORBIDDEN)) != len(words[1])
        ):
            return self._read_odd_line(first)
        line = FirstLine(words[0].decode("ascii"), words[1].decode("latin-1"), version, self._limits)
        if len(first) <= _LONGEST_CACHED and self._seen.seen_before(first):
            self._first_lines.keep(first, line)
        return line

    def _read_odd_line(self, first: bytes) -> FirstLine | None:
        found = _REQUEST_LINE.match(first)
        return FirstLine(found[1].decode("ascii"), found[2].decode("latin-1"), found[3] + found[4], self._limits) if found else None

    def _read_block(self, rest: bytes) -> Block | None:
        lines: list[FieldLine] = []
        if rest.count(b"\r\n") >= max(_MOST_LINES, self._limits.most_fields):
            return None  # no real client sends so many lines
        for text in rest.split(b"\r\n") if rest else ():
            line = line_of(text)
            if line is None:
                return None
            lines.append(line)
        return Block(lines, len(rest) + 2 * len(lines), self._limits)


def goes_on_badly(lines: bytes) -> bool:
    """Whether one of these complete lines, each with its line end, is not a valid field line."""
    return lines.count(b"\r\n") > _MOST_LINES or any(line_of(text) is None for text in lines.split(b"\r\n")[:-1])


def begins_badly(line: bytes, is_whole: bool) -> bool:
    """Whether these bytes cannot be a request line; if ``is_whole`` is False, whether they cannot be the beginning of one."""
    if not line:
        return False
    if is_whole:
        return _REQUEST_LINE.match(line) is None
    return _BEGINNING.match(line.removesuffix(b"\r")) is None


def _words(said: bytes | tuple[bytes, ...]) -> frozenset[bytes]:
    """The members of ``Connection`` (RFC 9112 §9.3)."""
    return frozenset(word.strip(b" \t").lower() for value in _all(said) for word in value.split(b","))


def _all(said: bytes | tuple[bytes, ...]) -> tuple[bytes, ...]:
    return (said,) if isinstance(said, bytes) else said


_NO_WORDS: Final[frozenset[bytes]] = frozenset()
_usual_words: Final[Memo[bytes, frozenset[bytes]]] = Memo(_words)
