"""Whom an app is told about: a session's attributes as field lines.

Owns their spelling. Must never let two users share one, break a line, or send half a value.

Identity values: UTF-8; every byte outside ``0x20`` to ``0x7e``, every ``%`` and blanks at the ends as ``%XX``, so that two
users never share a spelling and plain logins stay plain. A list is joined by commas, a comma within an item is ``%2C``.
A value that would be longer than 8 KiB is left out whole and named in ``X-Gateway-Omitted``.
"""

from datetime import UTC

from gateway.policy.http.messages import Fields
from gateway.policy.learned import Learned
from gateway.policy.session.session import Session

IdentityFields = tuple[tuple[bytes, str], ...]
"""Field name → attribute: ``login``, ``user_id``, ``session_expires_at`` (ISO 8601, UTC), ``amr`` (joined by commas)."""

IDENTITY_ATTRIBUTES = ("login", "user_id", "session_expires_at", "amr")
LARGEST_IDENTITY_BYTES = 8192
OMITTED_NAME = b"X-Gateway-Omitted"


def identity_fields(identity: IdentityFields, session: Session) -> Fields:
    """The lines that tell an app who comes, in the order of the table."""
    lines: list[tuple[bytes, bytes]] = []
    omitted: list[bytes] = []
    for name, attribute in identity:
        value = attribute_value(attribute, session)
        if len(value) <= LARGEST_IDENTITY_BYTES:
            lines.append((name, value))
        else:
            omitted.append(name)
    if omitted:
        lines.append((OMITTED_NAME, b", ".join(omitted)))
    return tuple(lines)


def attribute_value(attribute: str, session: Session) -> bytes:
    """One attribute as a field's value; ValueError for a name that is not in ``IDENTITY_ATTRIBUTES``."""
    match attribute:
        case "login":
            return _names[session.login]
        case "user_id":
            return _names[session.user_id]
        case "session_expires_at":
            return session.expires_at.astimezone(UTC).isoformat(timespec="seconds").encode("ascii")
        case "amr":
            return b",".join(encoded(item).replace(b",", b"%2C") for item in session.amr)
        case _:
            raise ValueError(f"no such attribute: {attribute}")


def encoded(text: str) -> bytes:
    """A text as a field value that decodes to exactly this text (percent-decoding, then UTF-8); see the module's head."""
    raw = text.encode("utf-8", "surrogatepass")
    last = len(raw) - 1
    return b"".join(
        b"%%%02X" % byte if not 0x20 <= byte <= 0x7E or byte == 0x25 or (byte == 0x20 and index in (0, last)) else bytes((byte,))
        for index, byte in enumerate(raw)
    )


_names = Learned(encoded)
"""Of those who were here lately; neither a login nor an id is a secret."""
