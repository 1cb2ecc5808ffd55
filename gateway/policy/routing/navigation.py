"""What a browser does with a request (Fetch Metadata), where it may be redirected to, which site it came from, and the client's address.

Every redirect asks this module whether its target is safe. It must never accept an address that two parsers could read as two different
hosts. A missing field must never count as permission. Sources: Fetch Metadata; WHATWG URL (what browsers strip and convert).
"""

import ipaddress
import re
from collections.abc import Collection, Sequence
from enum import Enum
from typing import Final
from urllib.parse import unquote

from gateway.memo import Memo
from gateway.policy.http.messages import Malformed, RequestHead, parse_authority
from gateway.policy.http.odd_paths import odd_readings
from gateway.policy.http.paths import ODD, is_own, normalised

LONGEST_TARGET: Final = 4096
SIGNED_IN: Final = "/.gateway/signed-in"
"""The only path of the gateway that a sign-in may return to: a page without buttons, for a window that was opened to sign in."""
MOST_TOKENS: Final = 500
UNKNOWN_CLIENT: Final = "unknown"
_PURPOSES: Final = (b"sec-purpose", b"purpose", b"x-purpose", b"x-moz")
_NAMES_OF_PURPOSES: Final = frozenset(_PURPOSES)
_EARLY: Final = (b"prefetch", b"prerender", b"preview")
_DOCUMENTS: Final = frozenset((b"document", b"frame", b"iframe", b"embed", b"object"))

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_VISIBLE: Final = re.compile(r"/[\x21-\x5b\x5d-\x7e]*\Z")
_ODD_SLASHES: Final = re.compile(r"[/\\]{2}|\\")
_BELOW_A_NAME: Final = re.compile(r"/[A-Za-z0-9_~-]+/(?!\.*[/\\])")
_DOTTED: Final = re.compile(r"/(?:\.|%20)+(?:/|\Z)")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_URL: Final = re.compile(r"(?P<origin>(?P<scheme>https?)://(?P<authority>[A-Za-z0-9.:\[\]-]+))(?P<rest>/.*)?\Z", re.IGNORECASE | re.DOTALL)
_REFERER: Final = re.compile(r"(?P<origin>https?://[A-Za-z0-9.:\[\]-]+)(?:[/?#]|\Z)", re.IGNORECASE)
_WITH_PORT: Final = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<four>[0-9.]+))(?::[0-9]{1,5})?\Z")


class RequestKind(Enum):
    """What the browser wants: a page in its window, a resource for a script or a page, a WebSocket, or to load something in advance."""

    NAVIGATION = "navigation"
    SCRIPT = "script"
    WEBSOCKET = "websocket"
    PREFETCH = "prefetch"


def kind_of(head: RequestHead) -> RequestKind:
    """The kind of a request. NAVIGATION only for GET and HEAD of a top-level document: only there can a redirect be the answer."""
    if wants_websocket(head):
        return RequestKind.WEBSOCKET
    named = head.named
    if not named.keys().isdisjoint(_NAMES_OF_PURPOSES):
        purposes = b",".join(value for name in _PURPOSES for value in head.values(name)).lower()
        if any(word in purposes for word in _EARLY):
            return RequestKind.PREFETCH
    if head.method not in ("GET", "HEAD"):
        return RequestKind.SCRIPT
    mode = named.get(b"sec-fetch-mode")
    if mode is not None:
        is_top = named.get(b"sec-fetch-dest") in (None, b"document")
        return RequestKind.NAVIGATION if mode == b"navigate" and is_top else RequestKind.SCRIPT
    return RequestKind.NAVIGATION if _accepts_html(head) and not head.values(b"x-requested-with") else RequestKind.SCRIPT


def is_document(head: RequestHead) -> bool:
    """Whether the answer will be shown as a page, in a window or a frame, whatever the method is."""
    destination = head.named.get(b"sec-fetch-dest")
    if destination is not None:
        return not _DOCUMENTS.isdisjoint(head.values(b"sec-fetch-dest"))
    return head.named.get(b"sec-fetch-mode") in (None, b"navigate") and _accepts_html(head)


def wants_websocket(head: RequestHead) -> bool:
    """Whether the request is the handshake of a WebSocket. ``kind_of`` checks this first."""
    if head.method != "GET" or b"upgrade" not in head.named:
        return False
    return b"websocket" in _tokens(head, b"upgrade") and b"upgrade" in _tokens(head, b"connection")


def _accepts_html(head: RequestHead) -> bool:
    return any(token.partition(b";")[0].rstrip() in (b"text/html", b"application/xhtml+xml") for token in _tokens(head, b"accept"))


def _tokens(head: RequestHead, name: bytes) -> set[bytes]:
    """The members of a list field, in lower case. At most ``MOST_TOKENS`` of each line, more than any real client sends."""
    return {token.strip(b" \t").lower() for value in head.values(name) for token in value.split(b",", MOST_TOKENS)[:MOST_TOKENS]}


def own_target(raw: str) -> str | None:
    """The return path, unchanged, if it stays on the same host in every reading; None if it is refused.

    The path is tested as sent and after each of several decodings. Refused are: more than ``LONGEST_TARGET`` characters (never cut), a path
    under ``/.gateway`` except ``SIGNED_IN``, and an escaped control character. A query may hold any visible character.
    """
    if raw == SIGNED_IN:
        return raw
    path = re.split("[?#]", raw, maxsplit=1)[0]
    if len(raw) > LONGEST_TARGET or not _VISIBLE.match(raw) or _CONTROL.search(unquote(raw, "latin-1")):
        return None
    shape = normalised(path)
    if is_own(path) or (isinstance(shape, Malformed) and not _stays_below(path, shape)):
        return None
    for _ in range(3):  # an app, or a proxy before it, may decode the path again
        if _CONTROL.search(path) or (_ODD_SLASHES.search(path) and not _BELOW_A_NAME.match(path)):
            return None
        path = unquote(path, "latin-1")
    return raw


def _stays_below(path: str, doubt: Malformed) -> bool:
    """Whether an oddly spelled path stays on this host in every reading: no dot segment, and no odd slash before its first plain name."""
    if doubt.reason not in ODD or "//" in path:
        return False
    readings = odd_readings(path, case_insensitive=True) or ()
    is_below = _BELOW_A_NAME.match(path) is not None
    return bool(readings) and not any(_DOTTED.search(one) or (not is_below and ("//" in one or "%5C" in one)) for one in readings)


def return_url(raw: str, origins: Collection[str]) -> str | None:
    """The address to redirect to: a path that ``own_target`` accepts, or a configured origin with such a path; None if it is refused.

    The whole origin is compared (scheme, host, port). The result has the spelling of the configuration.
    """
    if raw.startswith("/"):
        return own_target(raw)
    found = _URL.match(raw) if len(raw) <= LONGEST_TARGET else None
    path = own_target(found["rest"] or "/") if found is not None else None
    if found is None or path is None:
        return None
    wanted = _origin(found["origin"])
    return next((origin.rstrip("/") + path for origin in origins if wanted is not None and _origin(origin) == wanted), None)


def is_same_origin_post(head: RequestHead, origin: str) -> bool:
    """Whether a form on a page of this origin was posted. Without Fetch Metadata, the ``Origin`` field decides."""
    if head.method != "POST":
        return False
    sites = head.values(b"sec-fetch-site")
    if sites:  # browsers send "Origin: null" from our own pages that have the policy no-referrer
        named = [value.decode("latin-1") for value in head.values(b"origin")]
        return sites == (b"same-origin",) and all(name == "null" or _same(name, origin) for name in named)
    return has_origin(head, origin)


def has_origin(head: RequestHead, origin: str) -> bool:
    """Whether the request has exactly one ``Origin`` field, and it names this origin.

    Where the body is sealed for its user, this alone is enough. WebKitGTK 2.50 sends ``Sec-Fetch-Site: cross-site``, with the right
    ``Origin``, when the user reloads the answer to a form and only one of the two pages has a ``Cross-Origin-Opener-Policy``.
    """
    named = head.values(b"origin")
    return len(named) == 1 and _same(named[0].decode("latin-1"), origin)


def named_origin(head: RequestHead) -> str:
    """The origin of the page that sent the request: from ``Origin``, or from ``Referer`` if there is no ``Origin``; else empty.

    The result is also empty for ``Origin: null`` and for two ``Origin`` fields.
    """
    origins = head.values(b"origin")
    if origins:
        text = origins[0].decode("latin-1") if len(origins) == 1 else ""
        return text if _origin(text) is not None else ""
    referer = head.value(b"referer")
    found = _REFERER.match(referer.decode("latin-1")) if referer is not None else None
    return found["origin"] if found is not None else ""


def origin_is_listed(head: RequestHead, origins: Collection[str]) -> bool:
    """Whether the origin of the page that sent the request is one of these."""
    return _named_in(named_origin(head), origins)


def _named_in(origin: str, origins: Collection[str]) -> bool:
    return any(_same(origin, one) for one in origins)


def _same(origin: str, other: str) -> bool:
    return (wanted := _origin(origin)) is not None and wanted == _origin(other)


def _origin(text: str) -> tuple[str, str, int] | None:
    scheme, separator, rest = text.partition("://")
    authority = parse_authority(rest.removesuffix("/"), scheme.lower() == "https") if separator else None
    return (scheme.lower(), authority.host, authority.port) if authority is not None else None


def client_address(peer: str, xff: Sequence[bytes], trusted: Sequence[Network]) -> str:
    """The client's address: going from right to left through ``xff``, the first one that is not a trusted proxy.

    ``peer``: the other end of the connection; the walk begins there. ``xff``: the values of ``X-Forwarded-For`` in order. If all are
    trusted, the result is the leftmost one. It is ``unknown`` if the walk meets text that is not an address. A Unix socket has no address:
    it is never trusted, and is ``unknown`` too.
    """
    nearest = _addresses[peer.partition("%")[0]]
    if nearest is None:
        return UNKNOWN_CLIENT
    claimed = [element for value in xff for element in value.decode("latin-1").split(",")] if trusted else []
    while claimed and any(nearest[0] in network for network in trusted):
        nearest = _addresses[claimed.pop().strip(" \t")]
        if nearest is None:
            return UNKNOWN_CLIENT
    return nearest[1]


def is_listed(peer: str, trusted: Sequence[Network]) -> bool:
    """Whether the peer of a connection is one of the trusted proxies. A Unix socket has no address and never is."""
    found = _addresses[peer.partition("%")[0]]
    return found is not None and any(found[0] in network for network in trusted)


def _address(text: str) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, str] | None:
    ported = _WITH_PORT.match(text)
    try:
        address = ipaddress.ip_address((ported["six"] or ported["four"]) if ported is not None else text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif address.scope_id is not None:
            return None
    return address, str(address)


_addresses: Final = Memo(_address)
