"""A switch through the browser's own window, for an org that is not behind the gateway: end, prove, and only then redeem.

::

    announced ─ arrived ─▶ Confirm (an untrusted start) ─ yes ─┐
        └──────────────── trusted ────────────────────────────▶ EndFirst ─▶ the org's sign-out ─ returned ─▶ Prove (prompt=none)
                                                                  ▲                                             │
                     somebody is there still, at most MOST_TRIES ─┤◀────────────────────────────────────────────┤
                     another switch of this browser redeemed ─────┘                                             │ login_required
    done ◀─ GoOn ─ a new session, of the right user ─ Check (prompt=none) ◀─ the org's redirect ◀─ Redeem ◀─────┘

Owns every decision of it. The token lies elsewhere; ``RedeemFront`` is the one command by which it may be taken, and it is taken at most
once.

Must never command ``RedeemFront`` but for an answer "nobody is signed in" to a question that this browser asked after the last sign-out of
this very switch, within ``PROOF_SECONDS``, with no other redemption of this browser in between or still on its way to the org. An answer of
before says nothing: the address of an error can be opened again by a step back in the history.

What no gateway can see here: a session that begins at the org itself, in another window, between the proof and the form. The check at the
end finds it, and says it.
"""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Final, Literal

from gateway.policy.oidc.bounces import Nobody, Unclear
from gateway.policy.oidc.id_tokens import Proof
from gateway.policy.session.sealed_notes import BYTES, NUMBER, TEXT, Note
from gateway.policy.session.session import login_key

START_SECONDS: Final = 300.0
"""Okta's session tokens live for five minutes."""
PROOF_SECONDS: Final = 30.0
MOST_TRIES: Final = 3
SLACK_SECONDS: Final = 10.0
"""The org's sign-in may count from the moment in which its token was made."""
FLIGHT_SECONDS: Final = 60.0
"""So long a token may be on its way to the org: a tab that was closed must not stop the next user for longer."""
CHECK_SECONDS: Final = 600.0
"""How long the end of a switch is remembered: the token's redemption may ask for a second factor first."""

ANNOUNCED: Final = "announced"
ENDING: Final = "ending"
REDEEMED: Final = "redeemed"
DONE: Final = "done"

Reason = Literal["expired", "used", "other_browser", "not_ended", "unclear", "busy", "other_user", "old_session", "not_signed_in"]


@dataclass(frozen=True, slots=True)
class FrontSwitch(Note):
    """One switch. ``to``: where it leads; ``login``: who the browser must be then, or empty; ``sender``: of which browser it was announced.

    ``browser``: the browser that it belongs to, empty until one came. ``seen``: the browser's last redemption when the sign-out began.
    Moments in Unix seconds: ``began_at`` of the last sign-out, ``redeemed_at``, ``expires_at`` of the token.
    """

    _kinds: ClassVar = (TEXT, TEXT, TEXT, BYTES, TEXT, TEXT, NUMBER, NUMBER, NUMBER, NUMBER)
    phase: str
    to: str
    login: str
    sender: bytes
    browser: str
    seen: str
    tries: float
    began_at: float
    redeemed_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class Last:
    """The browser's last redemption: its name, empty for none; and whether its form may still be on its way to the org."""

    name: str = ""
    is_in_flight: bool = False


@dataclass(frozen=True, slots=True)
class ConfirmFront:
    """Ask the user first."""


@dataclass(frozen=True, slots=True)
class EndFirst:
    """Keep ``switch``, then send the browser through the org's sign-out and back."""

    switch: FrontSwitch = field(repr=False)


@dataclass(frozen=True, slots=True)
class Prove:
    """Send the browser through a silent bounce: is anybody signed in?"""


@dataclass(frozen=True, slots=True)
class RedeemFront:
    """Keep ``switch``, take the token, and let the browser post it to the org."""

    switch: FrontSwitch = field(repr=False)


@dataclass(frozen=True, slots=True)
class Check:
    """Send the browser through a silent bounce: who is signed in now?"""


@dataclass(frozen=True, slots=True)
class GoOn:
    """It is done: keep ``switch``, and lead on to ``switch.to``."""

    switch: FrontSwitch = field(repr=False)


@dataclass(frozen=True, slots=True)
class RefuseFront:
    """It ends here, or cannot go on now; ``reason`` chooses the page's words, ``more`` is for the small print."""

    reason: Reason
    more: str = ""


def announced(to: str, login: str, sender: bytes, now: float) -> FrontSwitch:
    """A switch that a portal has just announced."""
    return FrontSwitch(ANNOUNCED, to, login, sender, "", "", 0.0, 0.0, 0.0, now + START_SECONDS)


def arrived(switch: FrontSwitch, browser: str, last: str, is_trusted: bool, now: float) -> ConfirmFront | EndFirst | RefuseFront:
    """A browser came with the reference. ``last``: its last redemption; ``is_trusted``: the start is, or the user has said yes."""
    if switch.phase in (REDEEMED, DONE):
        return RefuseFront("used")
    refusal = _refusal(switch, browser, now)
    if refusal is not None:
        return refusal
    return _end(replace(switch, browser=browser), last, now) if is_trusted or switch.browser else ConfirmFront()


def returned(switch: FrontSwitch, browser: str, now: float) -> Prove | Check | GoOn | RefuseFront:
    """The browser comes back from the org: from the sign-out, or with the session that the token began."""
    if switch.browser != browser:
        return RefuseFront("other_browser")
    match switch.phase:
        case "ending":
            return _refusal(switch, browser, now) or Prove()
        case "redeemed":
            return Check()
        case "done":
            return GoOn(switch)
        case _:
            return RefuseFront("other_browser")


def proven(
    switch: FrontSwitch, browser: str, last: Last, answer: Proof | Nobody | Unclear, asked_at: float, now: float
) -> RedeemFront | EndFirst | Prove | RefuseFront:
    """The silent bounce behind the sign-out is over; ``asked_at``: when it began."""
    if switch.phase != ENDING:
        return RefuseFront("used")
    refusal = _refusal(switch, browser, now)
    if refusal is not None:
        return refusal
    if asked_at < switch.began_at or now - asked_at > PROOF_SECONDS:
        return Prove()
    if isinstance(answer, Unclear):
        return RefuseFront("unclear", answer.reason)
    if isinstance(answer, Proof):
        return RefuseFront("not_ended") if switch.tries >= MOST_TRIES else _end(switch, last.name, now)
    if last.is_in_flight:
        return RefuseFront("busy")
    if last.name != switch.seen:
        return RefuseFront("not_ended", "other_switches") if switch.tries >= MOST_TRIES else _end(switch, last.name, now)
    return RedeemFront(replace(switch, phase=REDEEMED, redeemed_at=now))


def checked(switch: FrontSwitch, browser: str, answer: Proof | Nobody | Unclear, now: float) -> GoOn | RefuseFront:
    """The silent bounce behind the redemption is over. How old the session is, the org says by its own clock."""
    if switch.browser != browser or switch.phase not in (REDEEMED, DONE):
        return RefuseFront("other_browser")
    match answer:
        case Unclear(reason):
            return RefuseFront("unclear", reason)
        case Nobody():
            return RefuseFront("not_signed_in")
        case Proof(login=login) if switch.login and login_key(login) != switch.login:
            return RefuseFront("other_user")
        case Proof(signed_in_ago=age) if age > now - switch.redeemed_at + SLACK_SECONDS:
            return RefuseFront("old_session")
    return GoOn(replace(switch, phase=DONE))


def _end(switch: FrontSwitch, last: str, now: float) -> EndFirst:
    return EndFirst(replace(switch, phase=ENDING, seen=last, tries=switch.tries + 1, began_at=now))


def _refusal(switch: FrontSwitch, browser: str, now: float) -> RefuseFront | None:
    if switch.browser not in ("", browser):
        return RefuseFront("other_browser")
    return RefuseFront("expired") if now >= switch.expires_at else None
