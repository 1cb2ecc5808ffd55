"""The gateway's own session. It rests on a *proof*: an ID token of the org that says who is signed in.

It takes the place of Okta's cookies inside passes and tickets. So the session cache, revocations and the hand-off work for it as for
cookies. It must never be valid for longer than ``interval`` after its proof, and never name a user that no proof named.

::

    proof ──────────── interval ────────────▶ due
      the session is valid                     no session: a navigation gets a new proof, a script gets 401

A new proof of the same user keeps the session's id. A sign-out names the id, so it ends every proof of that session.
The clocks of replicas may differ, so a proof from the future counts as made now.
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
    """The session and its newest proof. Times are Unix seconds of the gateway's clock.

    ``signed_in_at``: when the user last signed in at the org. ``proven_at``: when the org gave the proof.
    """

    _kinds: ClassVar = (TEXT, TEXT, TEXT, NUMBER, NUMBER, list_of(TEXT))
    id: str
    user_id: str
    login: str
    signed_in_at: float
    proven_at: float
    amr: tuple[str, ...] = ()


def cookie_of(own: OwnSession) -> SessionCookie:
    """The session as a ``SessionCookie`` for passes and tickets."""
    return SessionCookie(OWN_NAME, base64.urlsafe_b64encode(own.packed()).rstrip(b"="))


def own_of(cookie: SessionCookie) -> OwnSession | None:
    """The session in a cookie that ``cookie_of`` made; None for any other cookie."""
    if cookie.name != OWN_NAME:
        return None
    try:
        packed = base64.urlsafe_b64decode(cookie.value + b"=" * (-len(cookie.value) % 4))
    except (binascii.Error, ValueError):
        return None
    return OwnSession.unpacked(packed)


def age_of(own: OwnSession, wall: float) -> float:
    """The age of the proof in seconds, never negative. ``wall``: Unix seconds."""
    return max(0.0, wall - own.proven_at)


def found_by(own: OwnSession, wall: float, interval: float) -> Session | NoSession:
    """The finding by this proof: the session, or ``DUE`` if the proof is older than ``interval`` seconds."""
    if age_of(own, wall) >= interval:
        return DUE
    return Session(
        id=own.id,
        user_id=own.user_id,
        login=own.login,
        # A replica whose clock is ahead must not make the proof last longer.
        expires_at=datetime.fromtimestamp(min(own.proven_at, wall) + interval, UTC),
        amr=own.amr,
        last_password_verification=datetime.fromtimestamp(own.signed_in_at, UTC),
        created_at=datetime.fromtimestamp(own.signed_in_at, UTC),
    )
