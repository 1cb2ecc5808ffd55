"""A state machine for sessions that begin without a token: it decides what to do with an answer of Okta that sets new session cookies.

Okta sets ``sid`` and ``idx`` in many answers: after a password, for the assertion of an external IdP, for an activation link, or only to
renew the value of a living session. The answer does not say which of these it is. So the gateway holds the answer back and asks Okta whose
the new cookies are::

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

A browser *carries* a session in its pending cookie if the end of that session was not proven. Carried sessions are closed together with the
older session when another user signs in, and before a user signs in where no older session is. A renewed session of the same user does not
wait for them.

``CloseOld`` and ``CloseCarried`` run the whole closing of ``policy.switch.switch`` (revoke, close, verify). They never include a new
cookie, because that could end the wrong session. ``Deliver`` and ``Withhold`` are final.

What this machine promises (tests/policy/switch/test_new_session.py): an answer that begins another user's session is delivered only after
the older session was proven gone. The same user's session is never closed. Without a clear answer of Okta nothing is closed, and the caller
learns that nothing is decided.
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
"""Characters. A longer header of an ``idx`` value is not read; Okta's headers have about 200."""


class DeliveryReason(Enum):
    """Why an answer may be delivered. It also says what happens to the older session."""

    FIRST = auto()
    """The browser had no older session."""
    SAME_USER = auto()
    """The session was renewed, or the same user signed in again. Nothing ends."""
    OTHER_USER = auto()
    """Another user's session begins. The older session is over."""
    NOBODY_YET = auto()
    """Okta names no user for the new cookies yet. They are judged again when the browser next presents them."""
    UNDECIDED = auto()
    """Okta gives no clear answer. Until it does, neither the older nor the new cookies are accepted."""


@dataclass(frozen=True, slots=True)
class NamedNew:
    """Event: Okta's answer about the new cookies."""

    finding: Finding


@dataclass(frozen=True, slots=True)
class NamedOld:
    """Event: Okta's answer about the older cookies."""

    finding: Finding


@dataclass(frozen=True, slots=True)
class OldClosed:
    """Event: the result of the closing. ``reason``: why the end is not proven, a word for the log."""

    proven: bool
    reason: str = ""


Event = NamedNew | NamedOld | OldClosed


@dataclass(frozen=True, slots=True)
class CloseCarried:
    """Command: close and verify the sessions in the browser's pending cookie."""


@dataclass(frozen=True, slots=True)
class AskNew:
    """Command: ask Okta whose the new cookies are, with these cookies alone."""


@dataclass(frozen=True, slots=True)
class AskOld:
    """Command: ask Okta whose the older cookies are."""


@dataclass(frozen=True, slots=True)
class CloseOld:
    """Command: revoke, close and verify the older cookies that are not the new user's, and the carried sessions."""


@dataclass(frozen=True, slots=True)
class Deliver:
    """Final: send the answer to the browser. ``session``: the session that began, if Okta named it."""

    why: DeliveryReason
    session: Session | None = None


@dataclass(frozen=True, slots=True)
class Withhold:
    """Final: do not send the answer. The new session is closed too, and the browser carries the older one in its pending cookie."""

    reason: str


Command = CloseCarried | AskNew | AskOld | CloseOld | Deliver | Withhold


@dataclass(frozen=True, slots=True)
class NewSession:
    """The machine's state. ``expected``: the command whose event must come next; None after a final command."""

    old_user_id: str | None
    same_session: bool
    carries: bool
    expected: CloseCarried | AskNew | AskOld | CloseOld | None = None
    session: Session | None = None


def begin(
    new: tuple[SessionCookie, ...], old: tuple[SessionCookie, ...], old_user_id: str | None, *, carries: bool = False
) -> tuple[NewSession, Command]:
    """The machine for one answer, and its first command.

    ``new``: the session cookies that the answer sets. ``old``: the cookies that the browser presented or received before, without those in
    ``new``. ``old_user_id``: the user that Okta last named for ``old``; None if it is not known. ``carries``: the browser carries a session
    whose end is not proven.
    """
    state = NewSession(old_user_id, names_same_session(new, old), carries)
    if old:
        return _expect(state, AskNew())
    return _expect(state, CloseCarried()) if carries else _final(state, Deliver(DeliveryReason.FIRST))


def step(state: NewSession, event: Event) -> tuple[NewSession, Command]:
    """The next state and command. Raises ``ValueError`` if the event does not answer the last command; that is a bug of the caller."""
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
    """Whether the ``idx`` cookies of both name the same session (``xsid`` in their readable header), and ``old`` has no other session.

    Okta does not document that header; it was seen in public traces. So it decides only if Okta itself gives no clear answer.
    """
    ours, theirs = ({session_name(cookie) for cookie in cookies if cookie.name == b"idx"} for cookies in (new, old))
    has_others = sum(cookie.name != b"idx" for cookie in old) > 1
    return None not in ours and bool(theirs) and theirs <= ours and not has_others


def session_name(cookie: SessionCookie) -> str | None:
    """The ``xsid`` in the header of an ``idx`` value, which has the form of a compact JWE; None if there is none."""
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
