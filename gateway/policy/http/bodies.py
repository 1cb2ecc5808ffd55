"""Which answers have no body, and when the connection that carried an answer may carry another request.

Must never let a connection be used at once behind an answer that has no body: some servers send one all the same, a moment later, and it
would be read as the next user's answer (https://github.com/hyperium/hyper/issues/640, https://github.com/nodejs/undici/issues/258).
Rules from: RFC 9110 §15 (status codes), §15.3.6 (205), §9.3.2 (HEAD); RFC 9112 §6.3 (length of a body).
"""

from enum import Enum
from typing import Final

_INTERIM: Final = frozenset((100, 102, 103))
_NO_BODY: Final = frozenset((204, 205, 304))
_SWITCHING: Final = 101


class StatusKind(Enum):
    """What a status is the beginning of."""

    INTERIM = "interim"
    UNKNOWN_INTERIM = "unknown_interim"
    SWITCHING = "switching"
    FINAL = "final"
    INVALID = "invalid"


class Reuse(Enum):
    """When a connection may carry another request."""

    AT_ONCE = "at_once"
    AFTER_SILENCE = "after_silence"
    NEVER = "never"


def kind_of_status(status: int) -> StatusKind:
    """What this status is; ``INVALID`` outside of 100 to 599."""
    if 200 <= status <= 599:
        return StatusKind.FINAL
    if status == _SWITCHING:
        return StatusKind.SWITCHING
    if status in _INTERIM:
        return StatusKind.INTERIM
    return StatusKind.UNKNOWN_INTERIM if 100 <= status <= 199 else StatusKind.INVALID


def has_body(status: int, is_head: bool) -> bool:
    """Whether a final answer with this status has a body; ``is_head``: it answers HEAD."""
    return not is_head and status not in _NO_BODY


def reuse_behind(status: int, is_head: bool, announces_body: bool) -> Reuse:
    """What becomes of the connection behind a whole answer that leaves it open.

    ``announces_body``: its fields say that there is one (a Content-Length above zero, or chunks).
    """
    if has_body(status, is_head):
        return Reuse.AT_ONCE
    return Reuse.NEVER if announces_body else Reuse.AFTER_SILENCE
