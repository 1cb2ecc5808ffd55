"""HTTP messages as values: what a client asked (``RequestHead``), and what we answer ourselves (``Answer``).

Owns the first look at every request: anything that two parsers could read in two ways is refused here, before a host, a
path or a cookie is looked at. Must never repair a message. Rules from: RFC 9110 and 9112; ATTACKS H10, P6, P18 to P21, F6.
"""

import re
from dataclasses import dataclass

Fields = tuple[tuple[bytes, bytes], ...]
"""Field lines in the order and spelling in which they arrived."""

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_TARGET = re.compile(r"/[\x21\x22\x24-\x3e\x40-\x5b\x5d-\x7e]*(?:\?[\x21\x22\x24-\x7e]*)?\Z")
_HOST = re.compile(r"(?P<name>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])\.?(?::(?P<port>[0-9]{1,5}))?\Z")
_METHODS_REFUSED = frozenset({"TRACE", "TRACK", "CONNECT"})
_VALUE_FORBIDDEN = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Authority:
    """A host as compared: lower case, no trailing dot; ``port`` always filled in from the scheme."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class RequestHead:
    """One request's head. ``target`` is the origin-form exactly as sent (path and query, ASCII); ``fields`` as received."""

    method: str
    target: str
    authority: Authority
    fields: Fields
    secure: bool
    peer: str
    client: str

    @property
    def path(self) -> str:
        """The path of the target as sent, without the query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The query as sent, without the question mark; empty where there is none."""
        return self.target.partition("?")[2]

    def values(self, name: bytes) -> tuple[bytes, ...]:
        """All values of a field by its lower-case name, in order; names compare case-insensitively in ASCII."""
        return tuple(value for key, value in self.fields if key.lower() == name)

    def value(self, name: bytes) -> bytes | None:
        """The value of a field that occurs exactly once; None where it is absent or repeated."""
        found = self.values(name)
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class Malformed:
    """A request that is refused for its form: ``status`` to answer, ``reason`` for the page and the log."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer of our own: small body, fields in order."""

    status: int
    fields: Fields = ()
    body: bytes = b""

    def plus(self, *fields: tuple[bytes, bytes]) -> "Answer":
        """The same answer with further fields behind its own."""
        return Answer(self.status, self.fields + fields, self.body)


@dataclass(frozen=True, slots=True)
class Received:
    """What the server's parser handed over, before anything was believed: method and target as text, version, fields, peer."""

    method: str
    target: str
    version: tuple[int, int]
    fields: Fields
    secure: bool
    peer: str
    client: str


def admit_head(received: Received, largest_fields_bytes: int) -> RequestHead | Malformed:
    """The request's head as a value, or why it is refused (400, 405, 431, 501, 505).

    ``largest_fields_bytes`` bounds names and values together (C11).
    """
    if received.version not in ((1, 0), (1, 1)):
        return Malformed(505, "version")
    if not _TOKEN.match(received.method.encode("utf-8", "surrogateescape")):
        return Malformed(400, "method")
    if received.method.upper() in _METHODS_REFUSED:
        return Malformed(405, "method_refused")
    if sum(len(name) + len(value) + 4 for name, value in received.fields) > largest_fields_bytes:
        return Malformed(431, "fields_too_large")
    for name, value in received.fields:
        if not _TOKEN.match(name) or _VALUE_FORBIDDEN.search(value):
            return Malformed(400, "field")
    if not _TARGET.match(received.target):
        return Malformed(400, "target")
    authority = _authority(received)
    if isinstance(authority, Malformed):
        return authority
    return RequestHead(received.method, received.target, authority, received.fields, received.secure, received.peer, received.client)


def _authority(received: Received) -> Authority | Malformed:
    hosts = [value for name, value in received.fields if name.lower() == b"host"]
    if len(hosts) != 1:
        return Malformed(400, "host_missing" if not hosts else "host_repeated")
    parsed = parse_authority(hosts[0].decode("latin-1"), received.secure)
    return parsed if parsed is not None else Malformed(400, "host")


def parse_authority(text: str, secure: bool) -> Authority | None:
    """A Host field's value as an ``Authority``; None where it is not plainly ``name[:port]`` (userinfo, lists, bad ports)."""
    found = _HOST.match(text.lower()) if text.isascii() else None
    if found is None or ".." in text:
        return None
    port = int(found["port"]) if found["port"] else (443 if secure else 80)
    return Authority(found["name"], port) if 0 < port < 65536 else None
