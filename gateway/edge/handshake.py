"""The WebSocket handshake: which requests ask for a WebSocket, and which answers open it.

Owns the reading of the Upgrade, Connection and Sec-WebSocket fields. Must never accept a request as a handshake if the app could read it
as an ordinary request. Rules from: RFC 6455 §4, RFC 9110 §7.8.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

from gateway.edge.request import Request
from gateway.policy.http.messages import Fields

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def is_handshake(request: Request) -> bool:
    """Whether this request asks for a WebSocket that the gateway supports: GET, HTTP/1.1, no body, one well-formed key."""
    return (
        request.method == "GET"
        and request.is_modern
        and request.body is None
        and _listed(request.fields, b"upgrade") == {b"websocket"}
        and b"upgrade" in _listed(request.fields, b"connection")
        and _key(request.fields) is not None
    )


def handshake_fields(fields: Iterable[tuple[bytes, bytes]]) -> Fields:
    """The ``Sec-WebSocket-`` fields."""
    return tuple(pair for pair in fields if pair[0].lower().startswith(b"sec-websocket-"))


def without_handshake(fields: Fields) -> Fields:
    """All fields but those of ``handshake_fields``."""
    return tuple(pair for pair in fields if not pair[0].lower().startswith(b"sec-websocket-"))


def is_accepted(request_fields: Iterable[tuple[bytes, bytes]], fields: Fields) -> bool:
    """Whether an answer opens the WebSocket: it names the upgrade, and its accept value is made from the request's key (RFC 6455 §4.1)."""
    accept = [value for name, value in fields if name.lower() == b"sec-websocket-accept"]
    expected = base64.b64encode(hashlib.sha1((_key(request_fields) or b"") + _GUID, usedforsecurity=False).digest())
    return (
        len(accept) == 1
        and hmac.compare_digest(accept[0], expected)
        and _listed(fields, b"upgrade") == {b"websocket"}
        and b"upgrade" in _listed(fields, b"connection")
    )


def _listed(fields: Iterable[tuple[bytes, bytes]], wanted: bytes) -> set[bytes]:
    values = b",".join(value for name, value in fields if name.lower() == wanted)
    return {item.strip(b" \t").lower() for item in values.split(b",")} - {b""}


def _key(fields: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    keys = [value for name, value in fields if name.lower() == b"sec-websocket-key"]
    try:
        is_plain = len(keys) == 1 and len(base64.b64decode(keys[0], validate=True)) == 16
    except binascii.Error:
        return None
    return keys[0] if is_plain else None
