"""The effect of a new proof on a browser that had one before: the session continues, another user begins, or the proof is outdated.

This module owns the record of a browser's newest proof. Answers of two tabs may arrive in any order. So an answer to a question from before
a change of user must never bring the earlier user back.

::

    no record, or the same user           the session continues with its id, or with a new id if it has ended
    another user, asked after the record  a switch: the session before is revoked first
    another user, asked before the record outdated: ask again
"""

from dataclasses import dataclass
from typing import ClassVar

from gateway.policy.oidc.id_tokens import Proof
from gateway.policy.session.sealed_notes import NUMBER, TEXT, Note


@dataclass(frozen=True, slots=True)
class BrowserProof(Note):
    """The newest proof of one browser: the gateway's session, its user, and when the proof was stored, in Unix seconds."""

    _kinds: ClassVar = (TEXT, TEXT, NUMBER)
    session_id: str
    user_id: str
    kept_at: float


@dataclass(frozen=True, slots=True)
class GoesOn:
    """The user is the same, or there was no user. ``session_id``: the session to continue; empty: begin a new one."""

    session_id: str = ""


@dataclass(frozen=True, slots=True)
class Switches:
    """The user is another one: revoke the old session, then begin a new one."""

    old_session_id: str


@dataclass(frozen=True, slots=True)
class Outdated:
    """The question is older than a change of user in this browser, so its answer no longer counts."""


Following = GoesOn | Switches | Outdated


def following(last: BrowserProof | None, proof: Proof, asked_at: float, has_ended: bool) -> Following:
    """The effect of ``proof`` after ``last``. ``asked_at``: when its bounce began. ``has_ended``: the session of ``last`` was revoked."""
    if last is None:
        return GoesOn()
    if last.user_id != proof.user_id:
        return Outdated() if asked_at <= last.kept_at else Switches(last.session_id)
    return GoesOn("" if has_ended else last.session_id)
