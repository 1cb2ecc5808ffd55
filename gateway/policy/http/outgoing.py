"""The head of a request to an app, as bytes. It is made from the client's own lines, without parsing them again.

A fast form of ``policy.http.fields``, which has the rules. A line that its name alone does not decide is left to that module. A line must
never be forwarded here that ``policy.http.fields.to_app`` would not forward; a property test compares the two.
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
    """The client's lines that are forwarded, as bytes with their line ends; None if names alone do not decide (then use ``to_app``).

    ``cookie``: returns the line to forward in place of a ``Cookie`` line (``cookie_line``).
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
    """The line to forward in place of a ``Cookie`` line; empty if no cookie is left."""
    rest = line_without(line.value, drop)
    return b"" if rest is None else b"%b: %b\r\n" % (line.spelled, rest)


def identity_text(rules: FieldRules, session: Session) -> bytes:
    """The lines that tell the app who the user is."""
    return b"".join([b"%b: %b\r\n" % pair for pair in identity_fields(rules.identity, session)])


def way_text(forwarding: ForwardedFrom, host: str, constant: Fields = ()) -> tuple[bytes, bytes]:
    """The ``Host`` line with this value; and the ``X-Forwarded-*`` lines, with the constant fields of the app."""
    _, way = way_lines(forwarding)
    return b"Host: %b\r\n" % host.encode("ascii"), b"".join([b"%b: %b\r\n" % pair for pair in (*way, *constant)])
