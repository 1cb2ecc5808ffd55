"""The header fields that tell an app who the user is, such as ``Remote-User``.

This module owns their encoding. It must never give two users the same value, write a line break into a field, or send a cut value.

The encoding: UTF-8; each byte outside ``0x20`` to ``0x7e``, each ``%``, and a blank at either end becomes ``%XX``. So two users never have
the same value, and ordinary logins stay readable. A list is joined by commas; a comma inside an item is ``%2C``.
A value longer than 8 KiB is left out, and its field name is listed in ``X-Gateway-Omitted``.
"""

from datetime import UTC

from gateway.memo import Memo
from gateway.policy.http.messages import Fields
from gateway.policy.session.session import Session

IdentityFields = tuple[tuple[bytes, str], ...]
"""Field name → attribute: ``login``, ``user_id``, ``session_expires_at`` (ISO 8601, UTC), ``amr`` (joined by commas)."""

IDENTITY_ATTRIBUTES = ("login", "user_id", "session_expires_at", "amr")
LARGEST_IDENTITY_BYTES = 8192
OMITTED_NAME = b"X-Gateway-Omitted"


def identity_fields(identity: IdentityFields, session: Session) -> Fields:
    """The header lines that tell an app who the user is, in the order of ``identity``."""
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
    """One attribute as a field value. Raises ValueError for a name that is not in ``IDENTITY_ATTRIBUTES``."""
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
    """A text as a field value. Percent-decoding and then UTF-8 give exactly this text back; see the module's docstring."""
    raw = text.encode("utf-8", "surrogatepass")
    last = len(raw) - 1
    return b"".join(
        b"%%%02X" % byte if not 0x20 <= byte <= 0x7E or byte == 0x25 or (byte == 0x20 and index in (0, last)) else bytes((byte,))
        for index, byte in enumerate(raw)
    )


_names = Memo(encoded)
"""The encoded logins and ids of recent users. They are no secrets."""
