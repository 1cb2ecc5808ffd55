"""How each front proxy asks the gateway about a request (forward auth), and which answers it understands.

    client ──▶ front proxy ──▶ app               the proxy asks first, then forwards the request itself
                    │  ▲
    /.gateway/auth/… ▼  │ 200: forward it, with these identity fields. Any other status: do not
                 gateway

| dialect | original method, host and target | understands |
|---|---|---|
| nginx, haproxy | ``X-Original-Method``, ``X-Original-URL`` (``scheme://host/target``; ingress-nginx sends these, our recipes set them) | nginx: 200, 401, 403 and nothing else |
| traefik, caddy | ``X-Forwarded-Method``, ``-Proto``, ``-Host``, ``-Uri`` | any status |
| envoy | its own method and Host; the target is what follows the path prefix ``/.gateway/auth/envoy``; ``X-Forwarded-Proto`` | any status |

The *original request* is the one that the client sent to the front proxy. HAProxy has no convention of its own: its Lua action sends the
fields that the HAProxy configuration sets.

Each dialect reads the original request in exactly one way. A sub-request is refused (400) if a needed field is missing or repeated, or if a
field of another dialect contradicts it. This module must never take a missing value from another field, and never decide: the original
request is judged like a request at the app door. The scheme must be a known one, but its value is not compared with the host's: TLS may end
at another proxy before the front proxy.
"""  # noqa: E501  a table's row is a line

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.policy.http.messages import Authority, HeadLimits, Malformed, RequestHead, parse_authority, read_head
from gateway.policy.http.paths import ascii_lower
from gateway.policy.routing.routing import App, LoginHost, RouteTable

AUTH: Final = "/.gateway/auth"
_SCHEMES = frozenset((b"https", b"http", b"wss", b"ws"))
_SHAKES = frozenset((b"sec-websocket-key", b"sec-websocket-version", b"sec-websocket-protocol", b"sec-websocket-extensions"))
_HOP_OF_WEBSOCKET = ((b"Connection", b"Upgrade"), (b"Upgrade", b"websocket"))
_METADATA = Malformed(400, "metadata")

Agrees = Callable[[bytes, "Original"], bool]
"""Whether the value of a field agrees with this original request."""


class Original(NamedTuple):
    """The original request, as the front proxy describes it."""

    method: str
    host: bytes
    target: str


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one front proxy asks. ``is_terse``: the proxy understands 200, 401 and 403 only, and answers 500 for any other status.

    ``wait_seconds``: how many seconds the gateway may wait for Okta, so that it answers within the default time-out of this proxy.
    """

    name: str
    read: Callable[[RequestHead], Original | Malformed]
    is_terse: bool = False
    wait_seconds: float = 2.0


def is_sub_request(target: str) -> bool:
    """Whether a request is a sub-request: its target begins with ``/.gateway/auth``. The host does not matter."""
    return target.startswith(AUTH) and target[len(AUTH) : len(AUTH) + 1] in ("", "/", "?")


def dialect_of(target: str) -> Dialect | None:
    """The dialect that this target names, or None for an unknown name."""
    return _AT.get(target.partition("?")[0]) or (_ENVOY if target.startswith(_ENVOYS_OWN) else None)


def original(
    dialect: Dialect, head: RequestHead, table: RouteTable, limits: HeadLimits
) -> tuple[RequestHead, App | LoginHost | None] | Malformed:
    """The head of the original request and its host, as ``RouteTable.admit`` returns them; or why the sub-request is refused."""
    described = dialect.read(head)
    if isinstance(described, Malformed):
        return described
    if head.method not in ("GET", "HEAD", described.method):
        return Malformed(405, "method_of_sub_request")
    read = read_head(described.method, described.target, (1, 1), ((b"Host", described.host),), limits)
    if isinstance(read, Malformed):
        return read
    authority, host, is_secure = table.named(described.host)
    if authority is None:
        return Malformed(400, "host")
    return _with_fields_of(head, described, authority, is_secure), host


def _with_fields_of(head: RequestHead, described: Original, authority: Authority, is_secure: bool) -> RequestHead:
    """The original request, with the fields of the sub-request, which the proxy copied from the client.

    Traefik and Envoy do not send the client's ``Connection`` and ``Upgrade`` fields. A WebSocket is then recognised by other fields that
    only its handshake has.
    """
    named, fields = head.named, head.fields
    if not _SHAKES.isdisjoint(named) or named.get(b"sec-fetch-mode") == b"websocket":
        kept = tuple(line for line in fields if line[0].lower() not in (b"connection", b"upgrade"))
        return RequestHead(described.method, described.target, authority, kept + _HOP_OF_WEBSOCKET, is_secure, head.peer, head.client)
    return RequestHead(described.method, described.target, authority, fields, is_secure, head.peer, head.client, named)


def loops(path: str) -> bool:
    """Whether the original request is itself for the sub-request door, in upper or lower case: a proxy that asks whether it may ask."""
    return ascii_lower(path).startswith(AUTH)


def _from_url(head: RequestHead) -> Original | Malformed:
    method, url = head.named.get(b"x-original-method"), head.named.get(b"x-original-url")
    if not isinstance(method, bytes) or not isinstance(url, bytes):
        return _lacking(method, url)
    scheme, _, rest = url.partition(b"://")
    host, slash, tail = rest.partition(b"/")
    if scheme not in _SCHEMES or not slash:
        return _METADATA
    described = Original(method.decode("latin-1"), host, "/" + tail.decode("latin-1"))
    return _unless_contradicted(head, described, _BESIDE_URL)


def _from_forwarded(head: RequestHead) -> Original | Malformed:
    named = head.named
    method, scheme = named.get(b"x-forwarded-method"), named.get(b"x-forwarded-proto")
    host, uri = named.get(b"x-forwarded-host"), named.get(b"x-forwarded-uri")
    if not (isinstance(method, bytes) and isinstance(scheme, bytes) and isinstance(host, bytes) and isinstance(uri, bytes)):
        return _lacking(method, scheme, host, uri)
    if scheme not in _SCHEMES:
        return _METADATA
    return _unless_contradicted(head, Original(method.decode("latin-1"), host, uri.decode("latin-1")), _BESIDE_FORWARDED)


def _from_itself(head: RequestHead) -> Original | Malformed:
    host, scheme = head.named.get(b"host"), head.named.get(b"x-forwarded-proto", b"https")
    target = head.target[len(_ENVOYS_OWN) - 1 :]
    if not target.startswith("/"):
        return _lacking(None)
    if not isinstance(host, bytes) or not isinstance(scheme, bytes):
        return _lacking(host, scheme)
    if scheme not in _SCHEMES:
        return _METADATA
    return _unless_contradicted(head, Original(head.method, host, target), _BESIDE_ENVOY)


def _lacking(*values: bytes | tuple[bytes, ...] | None) -> Malformed:
    return Malformed(400, "metadata_missing" if None in values else "metadata_repeated")


def _unless_contradicted(head: RequestHead, described: Original, beside: Mapping[bytes, Agrees]) -> Original | Malformed:
    """``described``, or 400 if another field contradicts it. Such a field comes from the client or from another proxy."""
    if head.named.keys().isdisjoint(beside):
        return described
    for name, agrees in beside.items():
        if any(not agrees(value, described) for value in head.values(name)):
            return Malformed(400, "metadata_conflict")
    return described


def _is_host(value: bytes, described: Original) -> bool:
    if value == described.host:
        return True
    given = parse_authority(value.decode("latin-1"), True)
    return given is not None and given == parse_authority(described.host.decode("latin-1"), True)


def _is_url(value: bytes, described: Original) -> bool:
    host, slash, tail = value.partition(b"://")[2].partition(b"/")
    return slash + tail == described.target.encode("latin-1") and _is_host(host, described)


_BESIDE_ENVOY: Mapping[bytes, Agrees] = {
    **dict.fromkeys((b"x-forwarded-method", b"x-original-method"), lambda value, described: value == described.method.encode("latin-1")),
    **dict.fromkeys((b"x-forwarded-uri", b"x-original-uri"), lambda value, described: value == described.target.encode("latin-1")),
    b"x-forwarded-host": _is_host,
    b"x-original-url": _is_url,
}
_BESIDE_URL = {name: agrees for name, agrees in _BESIDE_ENVOY.items() if name not in (b"x-original-method", b"x-original-url")}
_BESIDE_FORWARDED = {name: agrees for name, agrees in _BESIDE_ENVOY.items() if not name.startswith(b"x-forwarded-")}

_ENVOY = Dialect("envoy", _from_itself, wait_seconds=0.15)  # Envoy's default time-out for a sub-request is 200 ms
DIALECTS = (
    Dialect("nginx", _from_url, is_terse=True),
    Dialect("traefik", _from_forwarded),
    Dialect("caddy", _from_forwarded),
    Dialect("haproxy", _from_url),
    _ENVOY,
)
_AT = {f"{AUTH}/{dialect.name}": dialect for dialect in DIALECTS}
_ENVOYS_OWN = f"{AUTH}/{_ENVOY.name}/"
