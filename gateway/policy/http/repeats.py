"""Which requests are sent a second time, on a new connection, if a kept connection ended before the first byte of the response.

A server may close a kept connection at the moment when a request is on its way. The gateway cannot know whether the server read that
request. So only idempotent requests are sent again, and only once. Sources: RFC 9110 §9.2.2 (idempotent methods), §9.2.1; RFC 4918 §9.1 and
RFC 3253 §3.6 (PROPFIND and REPORT are safe); RFC 9112 §9.3.1 (a client may repeat an idempotent request by itself).
"""

from typing import Final

_IDEMPOTENT: Final = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PROPFIND", "REPORT"))


def may_repeat(method: str, has_body: bool) -> bool:
    """Whether a request with this method may be sent a second time. Never with a body, because bodies are not kept for that."""
    return not has_body and method in _IDEMPOTENT
