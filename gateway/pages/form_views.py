"""What is said where a page of an app outlived its session: forms that are kept or lost, frames, windows that were opened to sign in.

Owns these facts, as ``views`` those of all other pages. `FormKept.sealed` is ciphertext.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class FormKept:
    """A form came without a session: the page holds it, sealed, until its owner is signed in again and sends it to `action`.

    `standing`: who is signed in now: nobody, the form's owner ("same"), or another user ("other"); or the form could not be sent, because
    nobody knows who is signed in ("unknown"), or because the app `place` was away or we could not note that it goes ("unsent"). `login`: of
    whoever is signed in.
    """

    action: str
    sealed: str
    field: str
    standing: Literal["nobody", "same", "other", "unknown", "unsent"]
    sign_in_path: str
    place: str
    login: str = ""
    status: int = 401
    reason: str = ""
    retry_after_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class FormLost:
    """A form came that is not sent, and not kept either; the reason says why, to the user too."""

    status: int
    reason: str
    sign_in_path: str


@dataclass(frozen=True, slots=True)
class FrameWithoutSession:
    """401: what would be shown in a frame; signing in needs a window of its own."""

    sign_in_path: str
    place: str


@dataclass(frozen=True, slots=True)
class SignedInAgain:
    """200: the end of a sign-in in a window that was opened for it."""

    login: str
