"""HTTP messages as values: a client's request (``RequestHead``) and an answer that the gateway makes itself (``Answer``).

Checks every request first: a head that two parsers could read in two ways is refused here, before its host, path or cookies are used. It
must never repair a message. Sources: RFC 9110 and RFC 9112.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.memo import Memo

Fields = tuple[tuple[bytes, bytes], ...]
"""Header fields, in the order and spelling in which they arrived."""

Named = dict[bytes, bytes | tuple[bytes, ...]]
"""Fields by lower-case name. The value is one byte string if the name occurs once, and a tuple of all values, in order, if it is
repeated.
"""

_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_TARGET: Final = re.compile(r"/[\x21\x22\x24-\x3e\x40-\x5b\x5d-\x7e]*(?:\?[\x21\x22\x24-\x7e\x80-\xff]*)?\Z")
_HOST: Final = re.compile(r"(?P<name>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])\.?(?::(?P<port>[0-9]{1,5}))?\Z")
_METHODS_REFUSED: Final = frozenset({"TRACE", "TRACK", "CONNECT"})
_METHODS_USUAL: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
VALUE_FORBIDDEN: Final = bytes((*range(0x09), *range(0x0A, 0x20), 0x7F))
_VERSIONS: Final = ((1, 1), (1, 0))
_REST_OF_LINE: Final = len(" HTTP/1.1 ")
_ONCE: Final = (b"content-type", b"content-location", b"content-range", b"max-forwards", b"user-agent")
"""Fields that may occur only once: of two values, two servers could use different ones (RFC 9110 §5.3)."""
_FRAMING_ALIASES: Final = frozenset({b"content_length", b"content.length", b"transfer_encoding", b"transfer.encoding"})
"""Names that a careless server reads as one of the two framing fields. Beside the real field such a name is an attack, not a mistake."""
_LENGTHS_END: Final = 2**63
"""Lengths from here on do not fit into the signed 64-bit number in which many servers count a body."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A host and port in the form in which they are compared: lower case, no trailing dot, and a port that is filled in from the scheme."""

    host: str
    port: int
    text: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", f"{self.host}:{self.port}")

    def __str__(self) -> str:
        return self.text


class FieldLine:
    """One field line of a head: its name in lower case (``name``) and as sent (``spelled``), and its value without surrounding blanks.

    ``text``: the line as it is forwarded, including its line end.
    """

    __slots__ = ("name", "spelled", "text", "value")

    def __init__(self, spelled: bytes, value: bytes) -> None:
        """``spelled``: its name as sent."""
        self.name = spelled.lower()
        self.spelled = spelled
        self.value = value
        self.text = b"%b: %b\r\n" % (spelled, value)


class FieldLines:
    """The field lines of a head. The tuple of pairs is made only when it is needed, and only once."""

    __slots__ = ("_pairs", "lines")

    def __init__(self, lines: list[FieldLine]) -> None:
        """``lines``: all field lines, in order."""
        self.lines = lines
        self._pairs: Fields | None = None

    def pairs(self) -> Fields:
        """The lines as pairs of name and value."""
        made = self._pairs
        if made is None:
            made = self._pairs = tuple([(line.spelled, line.value) for line in self.lines])
        return made


class RequestHead:
    """The head of one request. ``target``: the origin-form exactly as sent (path and query). ``fields``: as received.

    Each character of ``target`` is one byte. Bytes beyond ASCII are possible only in the query, and only for an app.

    ``path``: the target as sent, without the query. ``named``: ``fields`` by name. A head is never changed; ``replaced`` makes a new one.
    ``decision``: what the door decided about this head; only the door sets it.
    """

    __slots__ = ("_given", "authority", "client", "decision", "method", "named", "path", "peer", "secure", "target")

    def __init__(
        self,
        method: str,
        target: str,
        authority: Authority,
        fields: Fields | FieldLines,
        secure: bool,
        peer: str,
        client: str,
        read: Named | None = None,
    ) -> None:
        """``read``: exactly these fields by name, if that was done before.

        ``fields`` may be ``FieldLines``: then the pairs are made only when needed. Most requests are decided and forwarded without them.
        """
        self.method = method
        self.target = target
        self.authority = authority
        self._given: Fields | FieldLines = fields
        self.secure = secure
        self.peer = peer
        self.client = client
        self.path = target.partition("?")[0]
        self.decision: object = None
        self.named: Named = _named(self.fields) if read is None else read

    @property
    def fields(self) -> Fields:
        """The field lines, as received."""
        given = self._given
        return given if isinstance(given, tuple) else given.pairs()

    def replaced(self, *, method: str | None = None, target: str | None = None, fields: Fields | None = None) -> "RequestHead":
        """A copy with another method, target or fields."""
        return RequestHead(
            self.method if method is None else method,
            self.target if target is None else target,
            self.authority,
            self._given if fields is None else fields,
            self.secure,
            self.peer,
            self.client,
            self.named if fields is None else None,
        )

    def __eq__(self, other: object) -> bool:
        """Whether both heads have the same content; ``decision`` is not compared."""
        return isinstance(other, RequestHead) and _said(self) == _said(other)

    def __repr__(self) -> str:
        """Leaves out fields and target, because they contain secrets."""
        return f"RequestHead({self.method!r}, host={self.authority.text!r}, client={self.client!r})"

    @property
    def query(self) -> str:
        """The query as sent, without the question mark; empty if there is none."""
        return self.target.partition("?")[2]

    def values(self, name: bytes) -> tuple[bytes, ...]:
        """All values of a field, in order. ``name`` is in lower case; the ASCII case of the received name does not matter."""
        return _values(self.named, name)

    def value(self, name: bytes) -> bytes | None:
        """The value of a field that occurs exactly once; None if it is absent or repeated."""
        found = self.named.get(name)
        return found if isinstance(found, bytes) else None


def _said(head: RequestHead) -> tuple[object, ...]:
    return head.method, head.target, head.authority, head.fields, head.secure, head.peer, head.client


@dataclass(frozen=True, slots=True)
class Malformed:
    """A request that is refused because of its form: the ``status`` of the answer, and the ``reason`` for the page and the log."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer of the gateway itself: a small body, and its fields in order."""

    status: int
    fields: Fields = ()
    body: bytes = b""

    def plus(self, *fields: tuple[bytes, bytes]) -> "Answer":
        """The same answer with these fields added at the end."""
        return Answer(self.status, self.fields + fields, self.body)


class Received:
    """A request whose head was read (``policy.http.request_heads``), before its host is known.

    ``peer``: the address at the other end of the connection. ``address``: the client's address; it differs from ``peer`` behind a trusted
    proxy. ``target``: as sent. ``given``: the fields as received; ``named``: the same by name.
    """

    __slots__ = ("address", "given", "method", "named", "peer", "target")

    def __init__(self, method: str, target: str, fields: Fields | FieldLines, named: Named, peer: str) -> None:
        """``address`` is ``peer`` at first. The caller replaces it if a trusted proxy names another one."""
        self.method = method
        self.target = target
        self.given: Fields | FieldLines = fields
        self.named = named
        self.peer = self.address = peer

    @property
    def fields(self) -> Fields:
        """The field lines, as received."""
        given = self.given
        return given if isinstance(given, tuple) else given.pairs()


@dataclass(frozen=True, slots=True)
class HeadLimits:
    """How large a head may be: its first line, the number of its fields, and all their names and values together.

    ``longest_line_bytes``: the limit of the host with the longest first line, 0 if all hosts have the same limit. The parser must read that
    much, because the host is not known yet.
    """

    line_bytes: int = 8 * 1024
    most_fields: int = 100
    fields_bytes: int = 64 * 1024
    longest_line_bytes: int = 0

    @property
    def parsed_line_bytes(self) -> int:
        """The longest first line that the parser reads, in bytes."""
        return max(self.line_bytes, self.longest_line_bytes)


MOST_COOKIES: Final = 500
"""In one request. Browsers keep at most 180 for one site. The bound exists because each cookie is examined by itself."""
LINE_TOO_LONG: Final = Malformed(414, "request_line_too_long")


def read_head(method: str, target: str, version: tuple[int, int], fields: Fields, limits: HeadLimits) -> Named | Malformed:
    """The fields by name, with exactly one ``host``; or why the head is refused, whatever its host is."""
    if version not in _VERSIONS:
        return Malformed(505, "version")
    if not _TOKEN.match(method.encode("utf-8", "surrogateescape")):
        return Malformed(400, "method")
    lowered, values = [lowered_name[name] for name, _ in fields], [value for _, value in fields]
    # One check of the joined values finds the same forbidden bytes as a check of each value, and is faster.
    everything = b"".join(values)
    size = sum(len(name) for name, _ in fields) + len(everything) + 4 * len(fields)
    named = by_name(lowered, values)
    refusal = check_first_line(method, target, limits)
    if not all(lowered) or len(everything.translate(None, VALUE_FORBIDDEN)) != len(everything):
        return refusal or Malformed(400, "field")
    refusal = refusal or check_fields(named, len(fields), size, limits)
    if refusal is None and version == (1, 0) and b"transfer-encoding" in named:
        refusal = Malformed(400, "framing")  # a server for HTTP/1.0 does not know chunked bodies
    return named if refusal is None else refusal


def check_first_line(method: str, target: str, limits: HeadLimits) -> Malformed | None:
    """Why this method (a token) and target are refused, whatever the host is (400, 405, 414); None if they are accepted."""
    if method not in _METHODS_USUAL and method.upper() in _METHODS_REFUSED:
        return Malformed(405, "method_refused")
    line_bytes = len(method) + len(target) + _REST_OF_LINE
    if line_bytes > limits.line_bytes and line_bytes > limits.longest_line_bytes:
        return LINE_TOO_LONG
    return Malformed(400, "target") if _TARGET.match(target) is None else None


def check_fields(named: Named, count: int, size: int, limits: HeadLimits) -> Malformed | None:
    """Why these well-formed fields are refused, whatever the host is (400, 413, 431, 501); None if they are accepted.

    ``size``: bytes of all lines, including colons and line ends.
    """
    if count > limits.most_fields:
        return Malformed(431, "too_many_fields")
    if size > limits.fields_bytes:
        return Malformed(431, "fields_too_large")
    if len(named) != count and any(isinstance(named.get(name), tuple) for name in _ONCE):
        return Malformed(400, "field_repeated")
    cookies = named.get(b"cookie")
    semicolons = cookies.count(b";") if isinstance(cookies, bytes) else sum([line.count(b";") for line in cookies or ()])
    if semicolons >= MOST_COOKIES:
        return Malformed(431, "too_many_cookies")
    misframed = _misframed(named) if b"content-length" in named or b"transfer-encoding" in named else None
    if misframed is not None:
        return misframed
    host = named.get(b"host")
    return None if isinstance(host, bytes) else Malformed(400, "host_missing" if host is None else "host_repeated")


def is_line_too_long(method: str, target: str, line_bytes: int) -> bool:
    """Whether a request line with this method and target is longer than ``line_bytes``."""
    return len(method) + len(target) + _REST_OF_LINE > line_bytes


def host_in(named: Named) -> bytes:
    """The value of the one ``Host`` field in ``named``, which ``check_fields`` accepted."""
    host = named[b"host"]
    return host if isinstance(host, bytes) else b""


def _token(name: bytes) -> bytes:
    return name.lower() if _TOKEN.match(name) else b""


lowered_name: Final = Memo(_token)
"""The name of a field in lower case; empty if it is not a token."""


def by_name(lowered: Sequence[bytes], values: Sequence[bytes]) -> Named:
    """Fields by lower-case name. ``lowered`` and ``values`` have the same order and length."""
    once: Named = dict(zip(lowered, values))  # noqa: B905  both lists come from the same lines
    if len(once) == len(lowered):
        return once
    every: dict[bytes, list[bytes]] = {}
    for name, value in zip(lowered, values, strict=True):
        every.setdefault(name, []).append(value)
    return {name: found[0] if len(found) == 1 else tuple(found) for name, found in every.items()}


def _named(fields: Fields) -> Named:
    return by_name([name.lower() for name, _ in fields], [value for _, value in fields])


def _misframed(named: Named) -> Malformed | None:
    """Why it is not clear where this message ends; None if its length is clear (RFC 9112 §6.1, §6.3).

    The server could read such a message differently than the gateway: a transfer coding other than ``chunked`` is known to the sender only,
    and some servers read the length 0300 as octal.
    """
    if not _FRAMING_ALIASES.isdisjoint(named):
        return Malformed(400, "framing_alias")
    codings, lengths = _values(named, b"transfer-encoding"), _values(named, b"content-length")
    if codings and (lengths or len(codings) > 1):
        return Malformed(400, "framing")
    if codings and codings[0].lower() != b"chunked":
        return Malformed(501, "transfer_coding")
    if lengths and (len(lengths) > 1 or not lengths[0].isdigit() or (len(lengths[0]) > 1 and lengths[0].startswith(b"0"))):
        return Malformed(400, "content_length")
    return Malformed(413, "content_length") if lengths and (len(lengths[0]) > 19 or int(lengths[0]) >= _LENGTHS_END) else None


def _values(named: Named, name: bytes) -> tuple[bytes, ...]:
    found = named.get(name, ())
    return (found,) if isinstance(found, bytes) else found


def parse_authority(text: str, secure: bool) -> Authority | None:
    """The value of a ``Host`` field as an ``Authority``; None unless it is plainly ``name[:port]`` (no userinfo, no list, a valid port)."""
    found = _HOST.match(text.lower()) if text.isascii() else None
    if found is None or ".." in text:
        return None
    port = int(found["port"]) if found["port"] else (443 if secure else 80)
    return Authority(found["name"], port) if 0 < port < 65536 else None
