"""The calls that Okta's upgrade guide recommends against, and the fields by which their answers say so.

Owns the five calls, the word for each in log and metrics, and the fields. Must never refuse a call: Okta judges it.
Rules from: Okta's guide "Understand how sessions work after the upgrade", section 4; RFC 9745 (``Deprecation``, link relation
``deprecation``).
"""

import re
from typing import Final, Literal

from gateway.policy.http.messages import Fields, RequestHead

LegacyCall = Literal["session_read", "session_refreshed", "session_ended", "sessions_deleted", "cookie_token"]

DEPRECATED_AT: Final = 1_689_638_400
"""2023-07-18, the oldest copy of Okta's Sessions reference that we know to recommend against them (okta-developer-docs 954037b9)."""

GUIDE: Final = "https://developer.okta.com/docs/guides/oie-upgrade-sessions-api/main/"

_BY_ID: Final = re.compile(r"/api/v1/sessions/(?!me(?:/|\Z))[^/]+(?P<refresh>/lifecycle/refresh)?")
_DELETE_MINE: Final = "/api/v1/users/me/lifecycle/delete_sessions"
_CREATE: Final = "/api/v1/sessions"
_FIELDS: Final[Fields] = (
    (b"Deprecation", b"@%d" % DEPRECATED_AT),
    (b"Link", f'<{GUIDE}>; rel="deprecation"; type="text/html"'.encode()),
)


def legacy_call(head: RequestHead) -> LegacyCall | None:
    """Which of the five calls a request is; None for all others."""
    if head.path == _DELETE_MINE:
        return "sessions_deleted" if head.method == "POST" else None
    if head.path == _CREATE:
        return "cookie_token" if head.method == "POST" and "cookieToken" in head.query else None
    found = _BY_ID.fullmatch(head.path)
    if found is None:
        return None
    if found["refresh"]:
        return "session_refreshed" if head.method == "POST" else None
    return {"GET": "session_read", "DELETE": "session_ended"}.get(head.method)  # type: ignore[return-value]  # both are such words


def legacy_fields(call: LegacyCall | None) -> Fields:
    """The fields of an answer to a call; none for a call that is not one of the five."""
    return _FIELDS if call is not None else ()
