"""A session that begins without a token: what becomes of an answer of Okta's that sets other session cookies.

Okta sets ``sid`` and ``idx`` in many answers: after a password, for an external IdP's assertion, for an activation link, and
when it only renews the value of a living session. Nothing in the answer says which of these it is. So the answer waits while
Okta is asked who the new cookies are::

    begin ── no older cookies, none carried ─────────────────────────────────────────────▶ Deliver(FIRST)
      │  └── no older cookies, some carried ─▶ CloseCarried ── proven gone ──────────────▶ Deliver(FIRST)
      │ older cookies                              └───────── not proven ────────────────▶ Withhold
      ▼
    AskNew ── the user of the older cookies ─────────────────────────────────────────────▶ Deliver(SAME_USER)
      │  ├─── nobody: a factor is missing, or the session ended again ───────────────────▶ Deliver(NOBODY_YET)
      │  ├─── Okta does not say, and the renewed cookie names the only older session ────▶ Deliver(SAME_USER)
      │  ├─── Okta does not say ─────────────────────────────────────────────────────────▶ Deliver(UNDECIDED)
      │  └─── a user, and the older cookies' user is not known
      │            ▼
      │        AskOld ── the same user ──────────────────────────────────────────────────▶ Deliver(SAME_USER)
      │            ├──── Okta does not say ──────────────────────────────────────────────▶ Deliver(UNDECIDED)
      │            ├──── proven gone, and none carried ──────────────────────────────────▶ Deliver(OTHER_USER)
      │            └──── nobody so far, and the renewed cookie names the only older one ─▶ Deliver(SAME_USER)
      ▼ another user ◀─┴ another user; nobody so far; proven gone, and some carried
    CloseOld ── proven gone ─────────────────────────────────────────────────────────────▶ Deliver(OTHER_USER)
         └───── not proven ──────────────────────────────────────────────────────────────▶ Withhold

A browser *carries* sessions whose end was not proven before. They are closed with the older ones when another user comes, and before
anybody comes into an empty browser; a renewed session of the same user does not wait for them.

``CloseOld`` and ``CloseCarried`` run the whole closing of ``policy.switch.switch`` (revoke, close, verify), with no new cookie among what
they close: it could end the wrong session. ``Deliver`` and ``Withhold`` are final.

The promises, held by tests/policy/switch/test_new_session.py: an answer that begins another user's session is delivered only after
the older session was proven gone; the same user's session is never closed; without a clear answer of Okta's nothing is closed
and the caller is told that nothing is decided.
"""

import base64
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any, assert_never

from gateway.policy.session.session import Finding, NoSession, Session, SessionCookie, Unknown
from gateway.policy.switch.switch import is_proof_of_end

LONGEST_HEADER = 2048
"""The longest first part of an ``idx`` value that is read, in characters; Okta's have about 200."""


class DeliveryReason(Enum):
    """Why an answer may be delivered, and so what becomes of the older session."""

    FIRST = auto()
    """The browser had no session: there is nothing to compare with."""
    SAME_USER = auto()
    """The session was renewed, or the same user signed in again: nothing ends."""
    OTHER_USER = auto()
    """Another user's session begins; the older one is over."""
    NOBODY_YET = auto()
    """The new cookies are nobody's session so far; they are judged again when they are next presented."""
    UNDECIDED = auto()
    """Okta does not say who it is: until it does, neither the older nor the new cookies let anybody in."""


@dataclass(frozen=True, slots=True)
class NamedNew:
    """Event: who Okta says the new cookies are."""

    finding: Finding


@dataclass(frozen=True, slots=True)
class NamedOld:
    """Event: who Okta says the older cookies are."""

    finding: Finding


@dataclass(frozen=True, slots=True)
class OldClosed:
    """Event: how the closing of the older session ended. ``reason``: why it is not proven, a word for the log."""

    proven: bool
    reason: str = ""


Event = NamedNew | NamedOld | OldClosed


@dataclass(frozen=True, slots=True)
class CloseCarried:
    """Command: close and verify the sessions that the browser carries."""


@dataclass(frozen=True, slots=True)
class AskNew:
    """Command: ask Okta who the new cookies are, with these cookies alone."""


@dataclass(frozen=True, slots=True)
class AskOld:
    """Command: ask Okta who the older cookies are."""


@dataclass(frozen=True, slots=True)
class CloseOld:
    """Command: revoke, close and verify the older cookies that are not the new user's, and what the browser carries."""


@dataclass(frozen=True, slots=True)
class Deliver:
    """Final: the answer goes to the browser. ``session``: the one that began, where Okta named it."""

    why: DeliveryReason
    session: Session | None = None


@dataclass(frozen=True, slots=True)
class Withhold:
    """Final: the answer does not go to the browser; the new session is closed too, and the older one is carried."""

    reason: str


Command = CloseCarried | AskNew | AskOld | CloseOld | Deliver | Withhold


@dataclass(frozen=True, slots=True)
class NewSession:
    """The machine's state. ``expected``: the command whose event must come next; None once a final command was given."""

    old_user_id: str | None
    same_session: bool
    carries: bool
    expected: CloseCarried | AskNew | AskOld | CloseOld | None = None
    session: Session | None = None


def begin(
    new: tuple[SessionCookie, ...], old: tuple[SessionCookie, ...], old_user_id: str | None, *, carries: bool = False
) -> tuple[NewSession, Command]:
    """The machine for one answer, and its first command.

    ``new``: the session cookies that the answer sets. ``old``: those that the browser presented or was given before, none of
    ``new`` among them. ``old_user_id``: the user whom Okta last named for ``old``; None where that is not known. ``carries``: the
    browser carries a session whose end is not proven.
    """
    state = NewSession(old_user_id, names_same_session(new, old), carries)
    if old:
        return _expect(state, AskNew())
    return _expect(state, CloseCarried()) if carries else _final(state, Deliver(DeliveryReason.FIRST))


def step(state: NewSession, event: Event) -> tuple[NewSession, Command]:
    """The next state and command. An event that does not answer the last command is a bug of the caller: ``ValueError``."""
    match state.expected, event:
        case CloseCarried(), OldClosed(proven, reason):
            return _final(state, Deliver(DeliveryReason.FIRST) if proven else Withhold(reason or "close_unproven"))
        case AskNew(), NamedNew(finding):
            return _named_new(state, finding)
        case AskOld(), NamedOld(finding):
            return _named_old(state, finding)
        case CloseOld(), OldClosed(proven, reason):
            return _final(state, Deliver(DeliveryReason.OTHER_USER, state.session) if proven else Withhold(reason or "close_unproven"))
        case _:
            raise ValueError(f"{type(event).__name__} does not answer {type(state.expected).__name__}")


def names_same_session(new: Iterable[SessionCookie], old: Collection[SessionCookie]) -> bool:
    """Whether both hold an ``idx`` whose readable header names one session (``xsid``), and nothing older is of another one.

    Okta does not document that header; it was seen in public traces. So it only decides where Okta itself does not answer.
    """
    ours, theirs = ({session_name(cookie) for cookie in cookies if cookie.name == b"idx"} for cookies in (new, old))
    has_others = sum(cookie.name != b"idx" for cookie in old) > 1
    return None not in ours and bool(theirs) and theirs <= ours and not has_others


def session_name(cookie: SessionCookie) -> str | None:
    """The ``xsid`` in the header of an ``idx`` value, which has the form of a compact JWE; None where there is none."""
    header, dot, _ = cookie.value.strip(b' "').partition(b".")
    if cookie.name != b"idx" or not dot or len(header) > LONGEST_HEADER:
        return None
    try:
        found: Any = json.loads(base64.urlsafe_b64decode(header + b"=" * (-len(header) % 4)))
    except (ValueError, RecursionError):
        return None
    name = found.get("xsid") if isinstance(found, dict) else None
    return name if isinstance(name, str) and name else None


def _named_new(state: NewSession, finding: Finding) -> tuple[NewSession, Command]:
    match finding:
        case Session():
            state = replace(state, session=finding)
            if state.old_user_id is None:
                return _expect(state, AskOld())
            return _compared(state, finding, state.old_user_id)
        case NoSession():
            return _final(state, Deliver(DeliveryReason.NOBODY_YET))
        case Unknown():
            return _final(state, Deliver(DeliveryReason.SAME_USER if state.same_session else DeliveryReason.UNDECIDED))
        case _:
            assert_never(finding)


def _named_old(state: NewSession, finding: Finding) -> tuple[NewSession, Command]:
    match finding:
        case Session(user_id=user_id) if state.session is not None:
            return _compared(state, state.session, user_id)
        case NoSession() if is_proof_of_end(finding) and not state.carries:
            return _final(state, Deliver(DeliveryReason.OTHER_USER, state.session))
        case NoSession() if state.same_session and not is_proof_of_end(finding):
            return _final(state, Deliver(DeliveryReason.SAME_USER, state.session))
        case NoSession():
            return _expect(state, CloseOld())
        case _:
            return _final(state, Deliver(DeliveryReason.UNDECIDED, state.session))


def _compared(state: NewSession, session: Session, old_user_id: str) -> tuple[NewSession, Command]:
    if session.user_id == old_user_id:
        return _final(state, Deliver(DeliveryReason.SAME_USER, session))
    return _expect(state, CloseOld())


def _expect(state: NewSession, command: CloseCarried | AskNew | AskOld | CloseOld) -> tuple[NewSession, Command]:
    return replace(state, expected=command), command


def _final(state: NewSession, command: Deliver | Withhold) -> tuple[NewSession, Command]:
    return replace(state, expected=None), command
