"""Field lines of one hop: what concerns only the connection that a message came on, and is never passed on.

Owns the list of them, and the reading of ``Connection``. Must never let a peer name a field away that carries the message's framing.
Rules from: RFC 9110 §7.6.1; ATTACKS H11, H13.
"""

from typing import Final

from gateway.core.messages import Fields

HOP_BY_HOP: Final = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade "
    b"http2-settings".split()
)
# RFC 9110 §7.6.1 forbids naming what is meant for all recipients; a client that could drop these would change the framing.
_NEVER_NOMINATED: Final = frozenset({b"host", b"content-length"})
USUAL_CONNECTIONS: Final = frozenset(
    (b"keep-alive", b"Keep-Alive", b"close", b"Close", b"upgrade", b"Upgrade", b"keep-alive, Upgrade", b"Upgrade, Keep-Alive")
)
"""Values of ``Connection`` that name nothing but what is gone anyway, and ``close``."""

SPOKEN_FOR: Final = frozenset({b"close"})
"""A field of this name, which nobody has, is gone beside ``Connection: close``."""


def end_to_end(fields: Fields) -> Fields:
    """The lines that go on: all but the hop's own and those that ``Connection`` names."""
    nominated = {
        token.strip(b" \t").lower() for name, value in fields if name.lower() == b"connection" for token in value.split(b",")
    } - _NEVER_NOMINATED
    gone = HOP_BY_HOP | nominated
    return tuple((name, value) for name, value in fields if name.lower() not in gone)
