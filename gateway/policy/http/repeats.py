"""Which requests may be sent once more, on a new connection, where the kept one ended before a byte of the answer came.

A server that closes a kept connection without having said so answers nothing to the request that was under way to it. Nobody can tell
from a distance whether it read that request. So only what may be done twice is sent again, and only once.
Rules from: RFC 9110 §9.2.2 (idempotent methods), §9.2.1; RFC 4918 §9.1 and RFC 3253 §3.6 (PROPFIND and REPORT are safe);
RFC 9112 §9.3.1 (a client may repeat an idempotent request by itself).
"""

from typing import Final

_IDEMPOTENT: Final = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PROPFIND", "REPORT"))


def may_repeat(method: str, has_body: bool) -> bool:
    """Whether a request with this method may be sent once more; one with a body is not kept for that."""
    return not has_body and method in _IDEMPOTENT
