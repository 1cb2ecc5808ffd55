"""Which field lines go on: to an app, to the org, and back to the browser.

Owns the order that makes identity fields believable: what the client says about the hop goes out first, then everything that
speaks for somebody else, in every spelling; ours come last. Must never let a name through because it is spelled in another
way, and must never fold anything but ASCII. Rules from: RFC 9110 §7.6.1; ATTACKS groups H and F; PEERS section 3.

Identity values: UTF-8; every byte outside ``0x20`` to ``0x7e``, every ``%`` and blanks at the ends as ``%XX``, so that two
users never share a spelling and plain logins stay plain (H19). A list is joined by commas, a comma within an item is ``%2C``.
A value that would be longer than 8 KiB is left out whole and named in ``X-Gateway-Omitted``.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from typing import Literal

from gateway.core.cookies import is_gateway_name, set_cookie_name, without
from gateway.core.messages import Fields, Malformed
from gateway.core.session import Session

IdentityFields = tuple[tuple[bytes, str], ...]
"""Field name → attribute: ``login``, ``user_id``, ``session_expires_at`` (ISO 8601, UTC), ``amr`` (joined by commas)."""

IDENTITY_ATTRIBUTES = ("login", "user_id", "session_expires_at", "amr")
LARGEST_IDENTITY_BYTES = 8192
OMITTED_NAME = b"X-Gateway-Omitted"

_FOLD = bytes(byte if chr(byte).isascii() and chr(byte).isalnum() else 0x2D for byte in range(256))
_HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade "
    b"http2-settings".split()
)
# RFC 9110 §7.6.1 forbids naming what is meant for all recipients; a client that could drop these would change the framing.
_NEVER_NOMINATED = frozenset({b"host", b"content-length"})
_ABOUT_THE_WAY = frozenset(
    b"forwarded forwarded-for x-real-ip true-client-ip x-client-ip x-cluster-client-ip cf-connecting-ip fastly-client-ip "
    b"x-original-forwarded-for x-envoy-external-address x-original-host x-host x-scheme x-url-scheme front-end-https "
    b"client-ip fly-client-ip x-remote-ip x-remote-addr x-originating-ip proxy-client-ip wl-proxy-client-ip x-azure-clientip "
    b"x-azure-socketip x-proxyuser-ip x-appengine-user-ip x-vercel-forwarded-for cf-connecting-ipv6".split()
)
_OVERRIDES = frozenset(
    b"proxy x-original-url x-original-uri x-original-method x-rewrite-url x-rewrite-uri x-http-method x-http-method-override "
    b"x-method-override x-middleware-subrequest".split()
)
_QUOTED_ARGUMENT = re.compile(rb'=[ \t]*"[^"]*"?')
_NOT_PRIVATE = (b"public", b"private", b"s-maxage", b"proxy-revalidate")
_SHARED_CACHES = (b"cdn-cache-control", b"surrogate-control")

DropCookie = Callable[[bytes, bytes], bool]


@dataclass(frozen=True, slots=True)
class Forwarding:
    """What ``X-Forwarded-*`` is rebuilt from: the believed client address, the socket's peer, scheme and authority."""

    client: str
    peer: str
    scheme: Literal["http", "https"]
    authority_text: str


@dataclass(frozen=True, slots=True)
class FieldRules:
    """What an app is told, and which odd names (not only letters, digits, ``-``) its operator lets through, in lower case."""

    identity: IdentityFields
    allowed_odd: frozenset[bytes] = frozenset()
    own_prefixes: tuple[bytes, ...] = (b"x-gateway-",)


def folded(name: bytes) -> bytes:
    """The name as the most careless server compares it: ASCII lower case, everything but letters and digits a ``-``."""
    return name.lower().translate(_FOLD)


def to_app(
    fields: Fields,
    rules: FieldRules,
    session: Session | None,
    forwarding: Forwarding,
    drop_cookie: DropCookie,
    upgrade: bool = False,
) -> Fields | Malformed:
    """The fields that an app receives: ``Host`` first, the client's own, then forwarding and identity, last and once.

    400 where an odd name that the operator lets through occurs twice or beside an alias (H4). With ``upgrade`` the fields of
    the client's WebSocket handshake are out too: the relay makes its own.
    """
    kept = tuple(line for line in _end_to_end(fields) if not (upgrade and line[0].lower().startswith(b"sec-websocket-")))
    if _clashes(kept, rules.allowed_odd):
        return Malformed(400, "field_alias")
    client_fields = tuple((name, value) for name, value in kept if _may_reach_app(name, rules))
    identity = _identity(rules.identity, session) if session is not None else ()
    host = (b"Host", forwarding.authority_text.encode("ascii"))
    return (host, *without(client_fields, drop_cookie), *_forwarded(forwarding), *identity)


def to_org(fields: Fields, client: str, drop_cookie: DropCookie) -> Fields:
    """The fields that Okta receives: as sent and in order, less the hop, the way, overrides of the target and ``Host``.

    ``client`` is the believed client address; an ``unknown`` one is not told at all.
    """
    kept = tuple((name, value) for name, value in _end_to_end(fields) if not _is_for_the_gateway(folded(name)))
    named = () if client == "unknown" else ((b"X-Forwarded-For", client.encode("ascii")),)
    return (*without(kept, drop_cookie), *named)


def from_outside(fields: Fields) -> Fields:
    """An answer's fields less the hop's; ``Alt-Svc`` too, which would lead the browser past the gateway."""
    return tuple((name, value) for name, value in _end_to_end(fields) if name.lower() != b"alt-svc")


def from_app(fields: Fields) -> Fields:
    """An app's answer as ``from_outside``, and without cookies of ours that it has no business setting."""
    return tuple(
        (name, value)
        for name, value in from_outside(fields)
        if not (name.lower() == b"set-cookie" and is_gateway_name(set_cookie_name(value)))
    )


def private(fields: Fields, is_document: bool) -> Fields:
    """The fields of an answer that only its user may see again: nothing of it may stay in a shared cache.

    Documents get exactly ``Cache-Control: no-store`` (L15). Others keep their own, less ``public`` and ``s-maxage`` and
    marked ``private``; where there is none, ``private, no-cache``.
    """
    given = [value for name, value in fields if name.lower() == b"cache-control"]
    kept = tuple((name, value) for name, value in fields if not _steers_caches(name.lower()))
    if is_document:
        return (*kept, (b"Cache-Control", b"no-store"))
    if not given:
        return (*kept, (b"Cache-Control", b"private, no-cache"))
    return (*kept, (b"Cache-Control", _made_private(b",".join(given))))


def _steers_caches(name: bytes) -> bool:
    return name == b"cache-control" or name.endswith(_SHARED_CACHES)


def _made_private(value: bytes) -> bytes:
    # `private="X"` and `no-cache="X"` bind only the named fields; without the argument they bind the whole answer.
    directives = [piece.strip().lower() for piece in _QUOTED_ARGUMENT.sub(b"", value).split(b",") if piece.strip()]
    if b"no-store" in directives:
        return b"no-store"
    return b", ".join([b"private", *(one for one in directives if one.partition(b"=")[0].strip() not in _NOT_PRIVATE)])


def _end_to_end(fields: Fields) -> Fields:
    nominated = {
        token.strip(b" \t").lower() for name, value in fields if name.lower() == b"connection" for token in value.split(b",")
    } - _NEVER_NOMINATED
    gone = _HOP_BY_HOP | nominated
    return tuple((name, value) for name, value in fields if name.lower() not in gone)


def _may_reach_app(name: bytes, rules: FieldRules) -> bool:
    lowered, fold = name.lower(), folded(name)
    if fold != lowered and lowered not in rules.allowed_odd:
        return False
    if fold in _HOP_BY_HOP or _is_for_the_gateway(fold):
        return False
    return not fold.startswith(rules.own_prefixes) and fold not in {folded(own) for own, _ in rules.identity}


def _is_for_the_gateway(fold: bytes) -> bool:
    return fold in (b"host", b"expect") or fold in _ABOUT_THE_WAY or fold in _OVERRIDES or fold.startswith(b"x-forwarded")


def _clashes(fields: Fields, allowed_odd: frozenset[bytes]) -> bool:
    folds = [folded(name) for name, _ in fields]
    return any(folds.count(folded(name)) > 1 for name in allowed_odd if any(field.lower() == name for field, _ in fields))


def _forwarded(forwarding: Forwarding) -> Fields:
    client = forwarding.peer if forwarding.client == "unknown" else forwarding.client
    return (
        (b"X-Forwarded-For", client.encode("ascii")),
        (b"X-Forwarded-Proto", forwarding.scheme.encode("ascii")),
        (b"X-Forwarded-Host", forwarding.authority_text.encode("ascii")),
    )


def _identity(identity: IdentityFields, session: Session) -> Fields:
    told = [(name, _attribute(attribute, session)) for name, attribute in identity]
    omitted = b", ".join(name for name, value in told if len(value) > LARGEST_IDENTITY_BYTES)
    lines = tuple((name, value) for name, value in told if len(value) <= LARGEST_IDENTITY_BYTES)
    return (*lines, (OMITTED_NAME, omitted)) if omitted else lines


def _attribute(attribute: str, session: Session) -> bytes:
    match attribute:
        case "login":
            return encoded(session.login)
        case "user_id":
            return encoded(session.user_id)
        case "session_expires_at":
            return session.expires_at.astimezone(UTC).isoformat(timespec="seconds").encode("ascii")
        case "amr":
            return b",".join(encoded(item).replace(b",", b"%2C") for item in session.amr)
        case _:
            raise ValueError(f"no such attribute: {attribute}")


def encoded(text: str) -> bytes:
    """A text as a field value that decodes to exactly this text (percent-decoding, then UTF-8); see the module's head."""
    raw = text.encode("utf-8", "surrogatepass")
    last = len(raw) - 1
    return b"".join(
        b"%%%02X" % byte if not 0x20 <= byte <= 0x7E or byte == 0x25 or (byte == 0x20 and index in (0, last)) else bytes((byte,))
        for index, byte in enumerate(raw)
    )
