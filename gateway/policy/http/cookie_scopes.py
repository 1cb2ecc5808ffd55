"""The scope of a cookie in the browser (its path and domain), and the ``Set-Cookie`` line that removes the cookie there.

A browser does not send the scope back with the cookie, and only a line with exactly that path and domain removes it. So the gateway writes
the scope into the cookie's stamp, as four characters. Two lengths suffice: the path is a beginning of the requested path, and the domain is
an end of the host's name. Bytes of a client must never get into a line in which they could end an attribute. Sources: RFC 6265bis §5.1.3,
§5.1.4 (default-path), §5.6; CHIPS (``Partitioned``).
"""

import re
from binascii import a2b_base64, b2a_base64
from typing import Final, NamedTuple

from gateway.memo import Memo

SCOPE_BYTES: Final = 4
LONGEST_PATH: Final = 1024
"""Browsers ignore an attribute with a longer value."""
MOST_LABELS: Final = 63
_UNKNOWN_LENGTH: Final = 4095
_BLANKS: Final = b" \t"
_PLAIN_PATH: Final = re.compile(rb"/[!-:<-~]*\Z")
_DEAD: Final = b"; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
_PLAIN_NAME: Final = re.compile(rb"[^\x00-\x1f\x7f=;]+\Z")


class Attributes(NamedTuple):
    """The attributes of a ``Set-Cookie`` line. ``path`` is empty if the default path applies, ``domain`` if there is none."""

    is_http_only: bool
    path: bytes
    domain: bytes
    is_partitioned: bool


class Scope(NamedTuple):
    """The scope of a cookie: the length of its path, and how many labels its ``Domain`` has (0: for the host alone)."""

    path_length: int
    labels: int = 0
    is_partitioned: bool = False

    @property
    def text(self) -> bytes:
        """The scope as four characters. A path that is too long for them is stored as unknown."""
        length = min(self.path_length, _UNKNOWN_LENGTH)
        return b2a_base64((length << 12 | self.labels << 6 | self.is_partitioned).to_bytes(3, "big"), newline=False)


def _read_attributes(text: bytes) -> Attributes:
    is_http_only, path, domain, is_partitioned = False, b"", b"", False
    for attribute in text.split(b";"):
        name, _, value = attribute.partition(b"=")
        match name.strip(_BLANKS).lower():
            case b"httponly":
                is_http_only = True
            case b"path" if len(value) <= LONGEST_PATH:
                path = value.strip(_BLANKS)
            case b"domain" if len(value) <= LONGEST_PATH and value.strip(_BLANKS):
                domain = value.strip(_BLANKS).lower().removeprefix(b".")
            case b"partitioned":
                is_partitioned = True
    return Attributes(is_http_only, path if path.startswith(b"/") else b"", domain, is_partitioned)


attributes_of: Final = Memo(_read_attributes, longest=128)
"""The attributes of a ``Set-Cookie`` line. The key is everything after its first semicolon."""


def scope_of(attributes: Attributes, host: bytes, path: bytes) -> Scope:
    """The scope of a cookie that is set in the response to a request for ``path``. ``host``: in lower case, without a port.

    A ``Domain`` that does not cover the host is ignored here; browsers refuse such a cookie.
    """
    domain = attributes.domain
    labels = domain.count(b".") + 1 if domain and (host == domain or host.endswith(b"." + domain)) else 0
    length = len(attributes.path) or max(path.rfind(b"/"), 1)
    return Scope(length, min(labels, MOST_LABELS), attributes.is_partitioned)


def _read_scope(text: bytes) -> Scope | None:
    try:
        number = int.from_bytes(a2b_base64(text, strict_mode=True), "big")
    except ValueError:
        return None
    scope = Scope(number >> 12, number >> 6 & MOST_LABELS, bool(number & 1))
    return scope if scope.text == text else None


scope_read: Final = Memo(_read_scope, longest=SCOPE_BYTES)
"""The inverse of ``Scope.text``; None for any other characters."""


def domain_of(host: bytes, labels: int) -> bytes | None:
    """The domain with so many labels that covers the host; empty for the host alone, None if the host has fewer labels."""
    if not labels:
        return b""
    parts = host.split(b".")
    return b".".join(parts[-labels:]) if labels <= len(parts) else None


def removal(name: bytes, scope: Scope, host: bytes, path: bytes) -> bytes | None:
    """The ``Set-Cookie`` line that removes a cookie of this scope, which came with a request for ``path``; None for an impossible name."""
    its_path = path[: scope.path_length]
    if len(its_path) != scope.path_length or not _PLAIN_PATH.match(its_path):
        its_path = b"/"
    return removal_at(name, its_path, domain_of(host, scope.labels) or b"", scope.is_partitioned)


def removal_at(name: bytes, path: bytes, domain: bytes = b"", is_partitioned: bool = False) -> bytes | None:
    """The ``Set-Cookie`` line that removes a cookie at this path and domain. An empty domain means the host alone."""
    if not _PLAIN_NAME.match(name) or (domain and name.lower().startswith(b"__host-")):
        return None
    scope = b"; Domain=" + domain if domain else b""
    partition = b"; Partitioned" if is_partitioned else b""
    return name + b"=; Path=" + path + _DEAD + scope + b"; Secure; HttpOnly; SameSite=None" + partition


def possible_paths(path: bytes, most: int) -> tuple[bytes, ...]:
    """The paths that a cookie in a request for ``path`` can have, the shortest first, at most ``most``."""
    found, at = [b"/"], path.find(b"/", 1)
    while at > 0 and len(found) < most:
        found += [path[:at], path[: at + 1]]
        at = path.find(b"/", at + 1)
    if at < 0:
        found.append(path)
    return tuple(dict.fromkeys(one for one in found if _PLAIN_PATH.match(one)))[:most]
