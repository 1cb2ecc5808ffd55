"""Hop-by-hop fields: they concern one connection only and are never forwarded. Also reads ``Connection``, which names further such fields.

A client or server must never be able to remove a framing field by naming it in ``Connection``. Sources: RFC 9110 §7.6.1, IANA's registry of
HTTP field names.
"""

from typing import Final

from gateway.memo import Memo
from gateway.policy.http.messages import Fields, Malformed
from gateway.policy.http.proxy_fields import folded, is_about_the_user, is_about_the_way

HOP_BY_HOP: Final = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade "
    b"http2-settings".split()
)
# RFC 9110 §7.6.1 forbids to name fields that are meant for all recipients. Dropping one of these two would change the framing or the host.
_NEVER_NOMINATED: Final = frozenset({b"host", b"content-length"})
USUAL_CONNECTIONS: Final = frozenset(
    (b"keep-alive", b"Keep-Alive", b"close", b"Close", b"upgrade", b"Upgrade", b"keep-alive, Upgrade", b"Upgrade, Keep-Alive")
)
"""Usual values of ``Connection``. They name no field that would be forwarded."""

SPOKEN_FOR: Final = frozenset({b"close"})
"""No real field has this name. But ``Connection: close`` names it, so such a field would have to be removed then."""


NAMED_AWAY: Final = Malformed(400, "connection_names_field")
"""Refuses a request whose ``Connection`` names a field that is meant for the server."""

_END_TO_END: Final = frozenset(
    b"accept age allow alt-svc alt-used authentication-info authorization baggage b3 cache-control cdn-loop cookie cookie2 date dav "
    b"depth destination dnt dpop dpr early-data etag expect expires forwarded from host last-event-id last-modified link location "
    b"max-forwards mime-version negotiate nel origin overwrite pragma prefer priority range referer referrer-policy save-data server "
    b"set-cookie signature signature-input soapaction timeout traceparent tracestate uber-trace-id upgrade-insecure-requests "
    b"user-agent vary via viewport-width "
    b"want-content-digest want-repr-digest warning www-authenticate x-api-key x-auth-token x-correlation-id x-real-ip x-request-id "
    b"x-requested-with x-amzn-trace-id".split()
)
"""Well-known fields that are meant for the server. A request whose ``Connection`` names one of them is refused."""
_END_TO_END_FIRST: Final = (
    *(b"accept-", b"access-control-", b"content-", b"if-", b"sec-", b"repr-", b"x-csrf", b"x-xsrf", b"csrf-", b"xsrf-", b"x-b3-"),
)


MOST_NAMES: Final = 32
"""No real client puts so many names into one value of ``Connection``."""


def is_end_to_end(name: bytes) -> bool:
    """Whether a field of this name, in any spelling, is meant for the server and not for the next hop. False for an unknown name."""
    fold = folded(name)
    return fold in _END_TO_END or fold.startswith(_END_TO_END_FIRST) or is_about_the_way(fold) or is_about_the_user(fold)


def nominated(value: bytes) -> frozenset[bytes]:
    """The names in a value of ``Connection``, in lower case."""
    return frozenset(token.strip(b" \t").lower() for token in value.split(b","))


def _names_end_to_end(value: bytes) -> bool:
    return value.count(b",") >= MOST_NAMES or any(map(is_end_to_end, nominated(value)))


names_end_to_end: Final = Memo(_names_end_to_end).__getitem__
"""Whether a value of ``Connection`` in a request names a field that is meant for the server. RFC 9110 §7.6.1 forbids this.

Otherwise a client could remove fields by which the server decides, or which a front proxy added. A value with more than ``MOST_NAMES``
names is refused without reading it.
"""


def takes_away(connection: bytes | tuple[bytes, ...]) -> bool:
    """The same as ``names_end_to_end``, for a ``Connection`` field with one value or several."""
    return any(map(names_end_to_end, (connection,) if isinstance(connection, bytes) else connection))


def end_to_end(fields: Fields) -> Fields:
    """The fields that are forwarded: without hop-by-hop fields, and without those that ``Connection`` names."""
    named = {token for name, value in fields if name.lower() == b"connection" for token in nominated(value)}
    gone = HOP_BY_HOP | (named - _NEVER_NOMINATED)
    return tuple((name, value) for name, value in fields if name.lower() not in gone)
