"""What the pages about a lost session inside an app say: kept and lost forms, frames, and windows that were opened for a sign-in.

Like ``views`` for all other pages. `FormKept.sealed` is ciphertext.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class FormKept:
    """A form came without a session. The page holds it, sealed, until its owner is signed in again and sends it to `action`.

    `state`: who is signed in now: no user ("nobody"), the form's owner ("same"), or another user ("other"). Or the form could not be
    sent: because Okta does not say who is signed in ("unknown"), or because the app `place` was away or the shared state could not be
    written ("unsent"). `login`: of the user who is signed in.
    """

    action: str
    sealed: str
    field: str
    state: Literal["nobody", "same", "other", "unknown", "unsent"]
    sign_in_path: str
    place: str
    login: str = ""
    status: int = 401
    reason: str = ""
    retry_after_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class FormLost:
    """A form came that is neither sent nor kept. The page tells the user the reason."""

    status: int
    reason: str
    sign_in_path: str


@dataclass(frozen=True, slots=True)
class FrameWithoutSession:
    """401: a frame has no session. A sign-in needs a window of its own."""

    sign_in_path: str
    place: str


@dataclass(frozen=True, slots=True)
class SignedInAgain:
    """200: the last page of a sign-in in a window that was opened for it."""

    login: str
