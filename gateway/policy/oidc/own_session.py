"""The gateway's own session: who a browser is, by a proof that the org gave as an OpenID provider, and for how long that proof counts.

Owns its form, and what is found by it. It stands in the place of Okta's cookies inside passes and tickets, so all that is known of
cookies (memory, revocations, kin, hand-off) holds for it too. Must never count longer than ``interval`` from the proof on, and never name
a user whom no proof named.

::

    proof ──────────── interval ────────────▶ due
      the session is believed                  nobody: a navigation proves it anew, a script gets 401

A new proof of the same user keeps the session's id. So a sign-out, which names the id, ends every proof of that session.
Clocks of replicas may differ: a proof from the future counts as one of this moment.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from gateway.policy.session.sealed_notes import NUMBER, TEXT, Note, list_of
from gateway.policy.session.session import OWN_NAME, NoSession, Session, SessionCookie

DUE = NoSession("proof_due")
UNREADABLE = NoSession("not_found")


@dataclass(frozen=True, slots=True)
class OwnSession(Note):
    """Moments in Unix seconds of our clock.

    ``signed_in_at``: when the user last signed in at the org; ``proven_at``: when the org last said so.
    """

    _kinds: ClassVar = (TEXT, TEXT, TEXT, NUMBER, NUMBER, list_of(TEXT))
    id: str
    user_id: str
    login: str
    signed_in_at: float
    proven_at: float
    amr: tuple[str, ...] = ()


def cookie_of(own: OwnSession) -> SessionCookie:
    """The session as what passes and tickets hold."""
    return SessionCookie(OWN_NAME, base64.urlsafe_b64encode(own.packed()).rstrip(b"="))


def own_of(cookie: SessionCookie) -> OwnSession | None:
    """The session that ``cookie_of`` made this of; None for any other."""
    if cookie.name != OWN_NAME:
        return None
    try:
        packed = base64.urlsafe_b64decode(cookie.value + b"=" * (-len(cookie.value) % 4))
    except (binascii.Error, ValueError):
        return None
    return OwnSession.unpacked(packed)


def age_of(own: OwnSession, wall: float) -> float:
    """How old the proof is, in seconds."""
    return max(0.0, wall - own.proven_at)


def found_by(own: OwnSession, wall: float, interval: float) -> Session | NoSession:
    """Who the browser is now, as far as this proof says."""
    if age_of(own, wall) >= interval:
        return DUE
    return Session(
        id=own.id,
        user_id=own.user_id,
        login=own.login,
        expires_at=datetime.fromtimestamp(min(own.proven_at, wall) + interval, UTC),
        amr=own.amr,
        last_password_verification=datetime.fromtimestamp(own.signed_in_at, UTC),
        created_at=datetime.fromtimestamp(own.signed_in_at, UTC),
    )
