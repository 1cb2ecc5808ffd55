"""Which responses have no body, and when a connection may be used again after a response.

After a response without a body, the connection must never be used again at once: some servers send a body all the same, a moment later, and
the gateway would take it for the response to the next user's request (https://github.com/hyperium/hyper/issues/640,
https://github.com/nodejs/undici/issues/258). Sources: RFC 9110 §15 (status codes), §15.3.6 (205), §9.3.2 (HEAD); RFC 9112 §6.3 (length of a
body).
"""

from enum import Enum
from typing import Final

_INTERIM: Final = frozenset((100, 102, 103))
_NO_BODY: Final = frozenset((204, 205, 304))
_SWITCHING: Final = 101


class StatusKind(Enum):
    """What kind of response a status code begins: an interim one (1xx), a switch to another protocol (101), or the final one."""

    INTERIM = "interim"
    UNKNOWN_INTERIM = "unknown_interim"
    SWITCHING = "switching"
    FINAL = "final"
    INVALID = "invalid"


class Reuse(Enum):
    """When a connection may be used for another request."""

    NOW = "now"
    AFTER_SILENCE = "after_silence"
    NEVER = "never"


def kind_of_status(status: int) -> StatusKind:
    """The kind of this status code. ``INVALID`` outside of 100 to 599."""
    if 200 <= status <= 599:
        return StatusKind.FINAL
    if status == _SWITCHING:
        return StatusKind.SWITCHING
    if status in _INTERIM:
        return StatusKind.INTERIM
    return StatusKind.UNKNOWN_INTERIM if 100 <= status <= 199 else StatusKind.INVALID


def has_body(status: int, is_head: bool) -> bool:
    """Whether a final response with this status has a body. ``is_head``: it is the response to a HEAD request."""
    return not is_head and status not in _NO_BODY


def reuse_behind(status: int, is_head: bool, announces_body: bool) -> Reuse:
    """When the connection may be used again after a complete response that leaves it open.

    ``announces_body``: the fields say that there is a body (a ``Content-Length`` above zero, or chunked).
    """
    if has_body(status, is_head):
        return Reuse.NOW
    return Reuse.NEVER if announces_body else Reuse.AFTER_SILENCE
