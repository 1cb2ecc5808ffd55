"""What a new proof means for a browser that had another one before: the same session goes on, another user begins, or it came too late.

Owns the record of a browser's newest proof, and the rule for a proof that follows it. Must never let an answer to a question from before a
change of user bring the user before back: answers of two tabs may arrive in any order.

::

    nothing recorded, or the same user   go on; the session keeps its id unless it has ended
    another user, asked after that       a switch: the session before is revoked first
    another user, asked before that      outdated: ask again
"""

from dataclasses import dataclass
from typing import ClassVar

from gateway.policy.oidc.id_tokens import Proof
from gateway.policy.session.sealed_notes import NUMBER, TEXT, Note


@dataclass(frozen=True, slots=True)
class BrowserProof(Note):
    """The newest proof of one browser: of which session of ours, whose it is, and when it was kept, in Unix seconds."""

    _kinds: ClassVar = (TEXT, TEXT, NUMBER)
    session_id: str
    user_id: str
    kept_at: float


@dataclass(frozen=True, slots=True)
class GoesOn:
    """The user is who she was; ``session_id``: of her session here, empty for a new one."""

    session_id: str = ""


@dataclass(frozen=True, slots=True)
class Switches:
    """Another user: revoke the session before, and then begin a new one."""

    old_session_id: str


@dataclass(frozen=True, slots=True)
class Outdated:
    """The question is older than a change of user in this browser: its answer says nothing any more."""


Following = GoesOn | Switches | Outdated


def following(last: BrowserProof | None, proof: Proof, asked_at: float, has_ended: bool) -> Following:
    """What ``proof`` means behind ``last``; ``asked_at``: when its bounce began, ``has_ended``: whether the session before was revoked."""
    if last is None:
        return GoesOn()
    if last.user_id != proof.user_id:
        return Outdated() if asked_at <= last.kept_at else Switches(last.session_id)
    return GoesOn("" if has_ended else last.session_id)
