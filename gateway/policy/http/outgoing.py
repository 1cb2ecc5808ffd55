"""The head of a request as an app receives it, as bytes: made of the client's own lines, without reading them again.

Owns nothing of the rules: what becomes of a line is ``policy.http.fields``, and whatever takes more than a line's name is left to it.
Must never pass on a line that ``policy.http.fields.to_app`` would not; a property test compares them.
"""

from collections.abc import Callable, Sequence
from typing import Final

from gateway.policy.http.cookies import line_without
from gateway.policy.http.fields import CONNECTION, COOKIE, HANDSHAKE, ODD, REFERENCE, DropCookie, FieldRules, ForwardedFrom, way_lines
from gateway.policy.http.hop_by_hop import USUAL_CONNECTIONS
from gateway.policy.http.messages import FieldLine, Fields
from gateway.policy.session.identity import identity_fields
from gateway.policy.session.session import Session

END: Final = b"\r\n"


def app_lines(lines: Sequence[FieldLine], rules: FieldRules, cookie: Callable[[FieldLine], bytes]) -> list[bytes] | None:
    """The lines that go on, as bytes with their ends; None where names alone do not tell.

    ``cookie``: what goes on in place of a ``Cookie`` line (``cookie_line``).
    """
    fates, kept = rules.fates, []
    for line in lines:
        fate = fates[line.spelled]
        if not fate or fate == HANDSHAKE:
            kept.append(line.text)
        elif fate == COOKIE:
            kept.append(cookie(line))
        elif fate == REFERENCE:
            said = rules.refer(line.name, line.value)
            if said is not None:
                kept.append(b"%b: %b\r\n" % (line.spelled, said))
        elif fate == ODD or (fate == CONNECTION and line.value not in USUAL_CONNECTIONS):
            return None
    return kept


def cookie_line(line: FieldLine, drop: DropCookie) -> bytes:
    """The line that goes on in place of a ``Cookie`` line; empty where nothing of it does."""
    rest = line_without(line.value, drop)
    return b"" if rest is None else b"%b: %b\r\n" % (line.spelled, rest)


def identity_text(rules: FieldRules, session: Session) -> bytes:
    """The lines that say who comes."""
    return b"".join([b"%b: %b\r\n" % pair for pair in identity_fields(rules.identity, session)])


def way_text(forwarding: ForwardedFrom, host: str, constant: Fields = ()) -> tuple[bytes, bytes]:
    """The ``Host`` line with this value, and the lines about the way, with those that the app always gets."""
    _, way = way_lines(forwarding)
    return b"Host: %b\r\n" % host.encode("ascii"), b"".join([b"%b: %b\r\n" % pair for pair in (*way, *constant)])
