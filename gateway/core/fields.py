"""Which field lines go on: to an app and to the org. The way back is ``core.answer_fields``, whose names are also found here.

Owns the order that makes identity fields believable: what the client says about the hop goes out first, then everything that
speaks for somebody else, in every spelling; ours come last. Must never let a name through because it is spelled in another
way, and must never fold anything but ASCII. Rules from: RFC 9110 §7.6.1; ATTACKS groups H and F; PEERS section 3.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Final, Literal, NamedTuple

from gateway.core.answer_fields import answered, from_app, from_outside, private
from gateway.core.cookies import line_without, without
from gateway.core.hop import HOP_BY_HOP, SPOKEN_FOR, USUAL_CONNECTIONS, end_to_end
from gateway.core.identity import IDENTITY_ATTRIBUTES, LARGEST_IDENTITY_BYTES, OMITTED_NAME, IdentityFields, encoded, identity_fields
from gateway.core.learned import Learned
from gateway.core.messages import Fields, Malformed
from gateway.core.session import Session

__all__ = [
    "IDENTITY_ATTRIBUTES",
    "LARGEST_IDENTITY_BYTES",
    "OMITTED_NAME",
    "DropCookie",
    "FieldRules",
    "Forwarding",
    "IdentityFields",
    "answered",
    "encoded",
    "folded",
    "from_app",
    "from_outside",
    "passes",
    "private",
    "to_app",
    "to_org",
]

_FOLD: Final = bytes(byte if chr(byte).isascii() and chr(byte).isalnum() else 0x2D for byte in range(256))
_ABOUT_THE_WAY: Final = frozenset(
    b"forwarded forwarded-for x-real-ip true-client-ip x-client-ip x-cluster-client-ip cf-connecting-ip fastly-client-ip "
    b"x-original-forwarded-for x-envoy-external-address x-original-host x-host x-scheme x-url-scheme front-end-https "
    b"client-ip fly-client-ip x-remote-ip x-remote-addr x-originating-ip proxy-client-ip wl-proxy-client-ip x-azure-clientip "
    b"x-azure-socketip x-proxyuser-ip x-appengine-user-ip x-vercel-forwarded-for cf-connecting-ipv6".split()
)
_OVERRIDES: Final = frozenset(
    b"proxy x-original-url x-original-uri x-original-method x-rewrite-url x-rewrite-uri x-http-method x-http-method-override "
    b"x-method-override x-middleware-subrequest".split()
)

_KEPT: Final = 0  # the first is the only one that is false
_GONE: Final = 1
_COOKIE: Final = 2
_CONNECTION: Final = 3
_HANDSHAKE: Final = 4
_ODD: Final = 5

DropCookie = Callable[[bytes, bytes], bool]


class Forwarding(NamedTuple):
    """What ``X-Forwarded-*`` is rebuilt from: the believed client address, the socket's peer, scheme and authority.

    A tuple, because one is made for every request and a frozen dataclass takes twice as long.
    """

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
    fates: Learned[bytes, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """``fates``: what becomes of each name under these rules."""
        object.__setattr__(self, "fates", Learned(partial(_fate, self)))


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
    lines = _client_lines(fields, rules, drop_cookie, upgrade)
    if isinstance(lines, Malformed):
        return lines
    host, way = _way_lines(forwarding)
    return (host, *lines, *way, *(identity_fields(rules.identity, session) if session is not None else ()))


def passes(rules: FieldRules, name: bytes) -> bool:
    """Whether an app gets a client's field of this name for what it is called alone, and nobody else's under it."""
    return rules.fates[name] == _KEPT


def _client_lines(fields: Fields, rules: FieldRules, drop_cookie: DropCookie, upgrade: bool) -> Sequence[tuple[bytes, bytes]] | Malformed:
    fates, kept = rules.fates, []
    for line in fields:
        fate = fates[line[0]]
        if not fate or (fate == _HANDSHAKE and not upgrade):
            kept.append(line)
        elif fate == _COOKIE:
            rest = line_without(line[1], drop_cookie)
            if rest is not None:
                kept.append((line[0], rest))
        elif fate == _ODD or (fate == _CONNECTION and line[1] not in USUAL_CONNECTIONS):
            return _client_lines_apart(fields, rules, drop_cookie, upgrade)
    return kept


def _client_lines_apart(fields: Fields, rules: FieldRules, drop_cookie: DropCookie, upgrade: bool) -> Fields | Malformed:
    """As ``_client_lines``, where it takes more than its name to know what becomes of a line."""
    kept = tuple(line for line in end_to_end(fields) if not (upgrade and line[0].lower().startswith(b"sec-websocket-")))
    if _clashes(kept, rules.allowed_odd):
        return Malformed(400, "field_alias")
    return without(tuple((name, value) for name, value in kept if _may_reach_app(name, rules)), drop_cookie)


def _fate(rules: FieldRules, name: bytes) -> int:
    lowered = name.lower()
    if lowered == b"connection":
        return _CONNECTION
    if lowered in rules.allowed_odd or lowered in SPOKEN_FOR:
        return _ODD
    if lowered in HOP_BY_HOP or not _may_reach_app(name, rules):
        return _GONE
    if lowered == b"cookie":
        return _COOKIE
    return _HANDSHAKE if lowered.startswith(b"sec-websocket-") else _KEPT


def to_org(fields: Fields, client: str, drop_cookie: DropCookie) -> Fields:
    """The fields that Okta receives: as sent and in order, less the hop, the way, overrides of the target and ``Host``.

    ``client`` is the believed client address; an ``unknown`` one is not told at all.
    """
    kept = tuple((name, value) for name, value in end_to_end(fields) if not _is_for_the_gateway(folded(name)))
    named = () if client == "unknown" else ((b"X-Forwarded-For", client.encode("ascii")),)
    return (*without(kept, drop_cookie), *named)


def _may_reach_app(name: bytes, rules: FieldRules) -> bool:
    lowered, fold = name.lower(), folded(name)
    if fold != lowered and lowered not in rules.allowed_odd:
        return False
    if fold in HOP_BY_HOP or _is_for_the_gateway(fold):
        return False
    return not fold.startswith(rules.own_prefixes) and fold not in {folded(own) for own, _ in rules.identity}


def _is_for_the_gateway(fold: bytes) -> bool:
    return fold in (b"host", b"expect") or fold in _ABOUT_THE_WAY or fold in _OVERRIDES or fold.startswith(b"x-forwarded")


def _clashes(fields: Fields, allowed_odd: frozenset[bytes]) -> bool:
    folds = [folded(name) for name, _ in fields]
    return any(folds.count(folded(name)) > 1 for name in allowed_odd if any(field.lower() == name for field, _ in fields))


@lru_cache(maxsize=1024)
def _way_lines(forwarding: Forwarding) -> tuple[tuple[bytes, bytes], Fields]:
    client = forwarding.peer if forwarding.client == "unknown" else forwarding.client
    authority = forwarding.authority_text.encode("ascii")
    return (b"Host", authority), (
        (b"X-Forwarded-For", client.encode("ascii")),
        (b"X-Forwarded-Proto", forwarding.scheme.encode("ascii")),
        (b"X-Forwarded-Host", authority),
    )
