"""Which fields of a request are forwarded, to an app and to the org. Fields of responses are in ``policy.http.answer_fields``; its names
are exported here too.

An app believes the identity fields, so their order is a security property. First the fields of the client's hop are removed. Then every
field is removed that speaks for a proxy or for the user, in any spelling. The gateway's own fields are added last. A name must never pass
because it is spelled in another way. Names are folded in ASCII only. Source: RFC 9110 §7.6.1.

A field's *fate* is what happens to it, decided by its name: the constants ``_KEPT`` to ``REFERENCE``. The fates are cached in
``FieldRules``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Final, Literal, NamedTuple

from gateway.memo import Memo
from gateway.policy.http.answer_fields import answered, from_app, from_outside, private
from gateway.policy.http.cookies import line_without, without
from gateway.policy.http.hop_by_hop import HOP_BY_HOP, NAMED_AWAY, SPOKEN_FOR, USUAL_CONNECTIONS, end_to_end, names_end_to_end, nominated
from gateway.policy.http.messages import Fields, Malformed
from gateway.policy.http.proxy_fields import METHOD_OVERRIDES, REQUEST_ID, folded, is_about_the_user, is_about_the_way
from gateway.policy.session.identity import (
    IDENTITY_ATTRIBUTES,
    LARGEST_IDENTITY_BYTES,
    OMITTED_NAME,
    IdentityFields,
    encoded,
    identity_fields,
)
from gateway.policy.session.session import Session

__all__ = [
    "IDENTITY_ATTRIBUTES",
    "LARGEST_IDENTITY_BYTES",
    "OMITTED_NAME",
    "DropCookie",
    "FieldRules",
    "ForwardedFrom",
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

_KEPT: Final = 0  # the only fate that is false: most fields are kept, and ``not fate`` is quick
_GONE: Final = 1
COOKIE: Final = 2
CONNECTION: Final = 3
HANDSHAKE: Final = 4
ODD: Final = 5
REFERENCE: Final = 6

DropCookie = Callable[[bytes, bytes], bool]
"""Whether a cookie with this name and raw value must be left out."""
Refer = Callable[[bytes, bytes], bytes | None]
"""Takes the name of a field in lower case and its value. Returns the value that the app gets instead; None: the field is left out."""


def _as_sent(_: bytes, value: bytes) -> bytes:
    return value


class ForwardedFrom(NamedTuple):
    """The values for the ``X-Forwarded-*`` fields: the believed client address (or ``unknown``), scheme and authority.

    ``prefix``: the prefix that was removed from the path, or empty. It is a tuple, because one is made for every request, and a frozen
    dataclass takes twice as long.
    """

    client: str
    scheme: Literal["http", "https"]
    authority_text: str
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class FieldRules:
    """Which fields an app gets: the identity fields, and the names (in lower case) that its operator allows.

    Names that are not in ``allowed`` are dropped if they are odd (not only letters, digits and ``-``), speak about the user, or ask for
    another method (``policy.http.proxy_fields``). ``constant``: fields that the app always gets, and which a client cannot set.
    ``referring``: the names (in lower case) of fields that contain addresses of the app; ``refer`` translates these addresses for the app.
    """

    identity: IdentityFields
    allowed: frozenset[bytes] = frozenset()
    own_prefixes: tuple[bytes, ...] = (b"x-gateway-",)
    constant: Fields = ()
    referring: frozenset[bytes] = frozenset()
    refer: Refer = field(default=_as_sent, repr=False, compare=False)
    fates: Memo[bytes, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """``fates``: the fate of each name under these rules."""
        object.__setattr__(self, "fates", Memo(partial(_fate, self)))


def to_app(
    fields: Fields,
    rules: FieldRules,
    session: Session | None,
    forwarding: ForwardedFrom,
    drop_cookie: DropCookie,
    upgrade: bool = False,
) -> Fields | Malformed:
    """The fields that an app receives: ``Host`` first, then the client's, then those about forwarding and identity, each once.

    400 if an allowed name occurs twice, or together with another spelling of it. 400 also if ``Connection`` names a field that is meant for
    the app (RFC 9110 §7.6.1). With ``upgrade``, the fields of the client's WebSocket handshake are left out, because the gateway makes its
    own handshake.
    """
    lines = _client_lines(fields, rules, drop_cookie, upgrade)
    if isinstance(lines, Malformed):
        return lines
    host, way = way_lines(forwarding)
    # The gateway's own fields come last and once; every client's field under their names was removed before.
    return (host, *lines, *way, *rules.constant, *(identity_fields(rules.identity, session) if session is not None else ()))


def passes(rules: FieldRules, name: bytes) -> bool:
    """Whether a client's field of this name always reaches the app unchanged, so that nothing but its name needs to be checked."""
    return rules.fates[name] == _KEPT


def _client_lines(fields: Fields, rules: FieldRules, drop_cookie: DropCookie, upgrade: bool) -> Sequence[tuple[bytes, bytes]] | Malformed:
    fates, kept = rules.fates, []
    for line in fields:
        fate = fates[line[0]]
        if not fate or (fate == HANDSHAKE and not upgrade):
            kept.append(line)
        elif fate == COOKIE:
            rest = line_without(line[1], drop_cookie)
            if rest is not None:
                kept.append((line[0], rest))
        elif fate == REFERENCE:
            said = rules.refer(line[0].lower(), line[1])
            if said is not None:
                kept.append((line[0], said))
        elif fate == ODD or (fate == CONNECTION and line[1] not in USUAL_CONNECTIONS):
            return _client_lines_apart(fields, rules, drop_cookie, upgrade)
    return kept


def _client_lines_apart(fields: Fields, rules: FieldRules, drop_cookie: DropCookie, upgrade: bool) -> Fields | Malformed:
    """The slow form of ``_client_lines``, for heads in which the name alone does not decide what happens to a field."""
    if any(_names_ours(value, rules) for name, value in fields if name.lower() == b"connection"):
        return NAMED_AWAY
    kept = tuple(line for line in end_to_end(fields) if not (upgrade and line[0].lower().startswith(b"sec-websocket-")))
    if _clashes(kept, rules.allowed):
        return Malformed(400, "field_alias")
    lines = tuple(_said(line, rules) for line in kept if _may_reach_app(line[0], rules))
    return without(tuple(line for line in lines if line is not None), drop_cookie)


def _said(line: tuple[bytes, bytes], rules: FieldRules) -> tuple[bytes, bytes] | None:
    lowered = line[0].lower()
    if lowered not in rules.referring:
        return line
    said = rules.refer(lowered, line[1])
    return None if said is None else (line[0], said)


def _names_ours(connection: bytes, rules: FieldRules) -> bool:
    """Whether a value of ``Connection`` names a field that is meant for this app, or one that the gateway sets."""
    return names_end_to_end(connection) or any(
        name in rules.allowed or _is_the_gateways(folded(name), rules) for name in nominated(connection)
    )


def _fate(rules: FieldRules, name: bytes) -> int:
    lowered = name.lower()
    if lowered == b"connection":
        return CONNECTION
    if lowered in rules.allowed or lowered in SPOKEN_FOR:
        return ODD
    if lowered in HOP_BY_HOP or not _may_reach_app(name, rules):
        return _GONE
    if lowered == b"cookie":
        return COOKIE
    if lowered in rules.referring:
        return REFERENCE
    return HANDSHAKE if lowered.startswith(b"sec-websocket-") else _KEPT


def to_org(fields: Fields, client: str, drop_cookie: DropCookie) -> Fields:
    """The fields that Okta receives: as sent and in order, but without hop-by-hop fields, fields of proxies, overrides of the target, and
    ``Host``.

    ``client``: the believed client address, which is sent as ``X-Forwarded-For``. If it is ``unknown``, that field is not sent.
    """
    kept = tuple((name, value) for name, value in end_to_end(fields) if not _is_for_the_gateway(folded(name)))
    named = () if client == "unknown" else ((b"X-Forwarded-For", client.encode("ascii")),)
    return (*without(kept, drop_cookie), *named)


def _may_reach_app(name: bytes, rules: FieldRules) -> bool:
    lowered, fold = name.lower(), folded(name)
    if fold in HOP_BY_HOP or _is_the_gateways(fold, rules):
        return False
    if lowered in rules.allowed:
        return is_about_the_user(fold) or fold in METHOD_OVERRIDES or not _is_for_the_gateway(fold)
    return fold == lowered and not _is_for_the_gateway(fold) and not is_about_the_user(fold)


def _is_the_gateways(fold: bytes, rules: FieldRules) -> bool:
    """Whether only the gateway may set a field with this folded name."""
    own = (*rules.identity, *rules.constant)
    return fold.startswith(rules.own_prefixes) or fold == REQUEST_ID or fold in {folded(name) for name, _ in own}


def _is_for_the_gateway(fold: bytes) -> bool:
    return fold in (b"host", b"expect", b"front-end-https") or is_about_the_way(fold)


def _clashes(fields: Fields, allowed: frozenset[bytes]) -> bool:
    folds = [folded(name) for name, _ in fields]
    return any(folds.count(folded(name)) > 1 for name in allowed if any(field.lower() == name for field, _ in fields))


@lru_cache(maxsize=1024)
def way_lines(forwarding: ForwardedFrom) -> tuple[tuple[bytes, bytes], Fields]:
    """The ``Host`` field, and the ``X-Forwarded-*`` fields."""
    # An unknown address is left out. Otherwise the app would take the address of a proxy for the client's.
    client = () if forwarding.client == "unknown" else ((b"X-Forwarded-For", forwarding.client.encode("ascii")),)
    authority = forwarding.authority_text.encode("ascii")
    return (b"Host", authority), (
        *client,
        (b"X-Forwarded-Proto", forwarding.scheme.encode("ascii")),
        (b"X-Forwarded-Host", authority),
        *(((b"X-Forwarded-Prefix", forwarding.prefix.encode("ascii")),) if forwarding.prefix else ()),
    )
