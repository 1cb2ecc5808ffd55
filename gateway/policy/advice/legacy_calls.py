"""The five calls that Okta's upgrade guide recommends against, and the response fields that say so.

Holds the word for each call in the log and the metrics. It must never refuse a call: Okta decides about it. Sources: Okta's guide
"Understand how sessions work after the upgrade", section 4; RFC 9745 (``Deprecation``, link relation ``deprecation``).
"""

import re
from typing import Final, Literal

from gateway.policy.http.messages import Fields, RequestHead

LegacyCall = Literal["session_read", "session_refreshed", "session_ended", "sessions_deleted", "cookie_token"]

DEPRECATED_AT: Final = 1_689_638_400
"""2023-07-18: the oldest known version of Okta's Sessions reference that recommends against them (okta-developer-docs 954037b9)."""

GUIDE: Final = "https://developer.okta.com/docs/guides/oie-upgrade-sessions-api/main/"

_BY_ID: Final = re.compile(r"/api/v1/sessions/(?!me(?:/|\Z))[^/]+(?P<refresh>/lifecycle/refresh)?")
_DELETE_MINE: Final = "/api/v1/users/me/lifecycle/delete_sessions"
_CREATE: Final = "/api/v1/sessions"
_FIELDS: Final[Fields] = (
    (b"Deprecation", b"@%d" % DEPRECATED_AT),
    (b"Link", f'<{GUIDE}>; rel="deprecation"; type="text/html"'.encode()),
)


def legacy_call(head: RequestHead) -> LegacyCall | None:
    """Which of the five calls a request is; None for any other request."""
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
    """The fields to add to the answer of such a call; empty if ``call`` is None."""
    return _FIELDS if call is not None else ()
