"""The front-channel switch: a state machine for an org that browsers reach directly, so that the browser itself must be redirected there.

The browser first signs out at the org, then proves that nobody is signed in, and only then posts the token to the org.

::

    announced ─ arrived ─▶ Confirm (an untrusted start) ─ yes ─┐
        └──────────────── trusted ────────────────────────────▶ EndFirst ─▶ the org's sign-out ─ returned ─▶ Prove (prompt=none)
                                                                  ▲                                             │
                     somebody is there still, at most MOST_TRIES ─┤◀────────────────────────────────────────────┤
                     another switch of this browser redeemed ─────┘                                             │ login_required
    done ◀─ GoOn ─ a new session, of the right user ─ Check (prompt=none) ◀─ the org's redirect ◀─ Redeem ◀─────┘

This module owns every decision of such a switch. The token is stored elsewhere. Only the command ``RedeemFront`` allows the caller to take
it, and at most once.

It must never return ``RedeemFront``, unless the org answered "nobody is signed in" to a question that this browser asked after the last
sign-out of this switch, at most ``PROOF_SECONDS`` ago. There must be no other redemption of this browser in between, or still on its way to
the org. An older answer proves nothing, because the user can open its address again by going back in the history.

The gateway cannot see a session that begins at the org itself, in another window, between the proof and the post of the token. The check at
the end finds such a session and refuses.

A portal's server starts a switch by JSON (``portal_start``).
This module must never accept a target address that is not on one of the allowed origins. The portal sends::

    {"session_token": "…", "to": "https://app.example.com/", "address": "203.0.113.7", "user_agent": "Mozilla/5.0 …", "login": "bob@…"}

``address`` and ``user_agent`` are those of the browser, as the portal saw them. If both are given, the start counts as announced. ``login``
is the user that the browser must have at the end. Without it, the last check of the switch proves only that the session is new.
"""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final, Literal

from gateway.policy.http.messages import Malformed
from gateway.policy.oidc.bounces import Nobody, Unclear
from gateway.policy.oidc.id_tokens import Proof
from gateway.policy.routing.navigation import return_url
from gateway.policy.session.sealed_notes import BYTES, NUMBER, TEXT, Note
from gateway.policy.session.session import login_key

START_SECONDS: Final = 300.0
"""Okta's session tokens live for five minutes."""
PROOF_SECONDS: Final = 30.0
MOST_TRIES: Final = 3
SLACK_SECONDS: Final = 10.0
"""The session may look older than the redemption by so much, because the org may count from the moment when the token was made."""
FLIGHT_SECONDS: Final = 60.0
"""How long a posted token counts as on its way to the org. A closed tab must not block the next user for longer."""
CHECK_SECONDS: Final = 600.0
"""How long a switch is remembered beyond ``START_SECONDS``. After the redemption the org may ask the user for a second factor first."""

ANNOUNCED: Final = "announced"
SIGNING_OUT: Final = "ending"
REDEEMED: Final = "redeemed"
DONE: Final = "done"

Reason = Literal["expired", "used", "other_browser", "not_ended", "unclear", "busy", "other_user", "old_session", "not_signed_in"]


@dataclass(frozen=True, slots=True)
class FrontSwitch(Note):
    """One switch. ``to``: the address after it. ``login``: the user that the browser must have then, or empty.

    ``sender``: the hash of the browser that the portal announced, or empty. ``browser``: the browser that the switch belongs to, empty
    until it arrives. ``seen``: the browser's last redemption when the sign-out began. Times are Unix seconds: ``began_at`` is the last
    sign-out, ``expires_at`` the end of the token.
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
    """The browser's last redemption: its name (empty: none), and whether its token may still be on its way to the org."""

    name: str = ""
    is_in_flight: bool = False


@dataclass(frozen=True, slots=True)
class ConfirmFront:
    """Ask the user first."""


@dataclass(frozen=True, slots=True)
class EndFirst:
    """Store ``switch``, then redirect the browser to the org's sign-out and back."""

    switch: FrontSwitch = field(repr=False)


@dataclass(frozen=True, slots=True)
class Prove:
    """Redirect the browser to the org's silent authorization and back (a *bounce*), to prove that nobody is signed in."""


@dataclass(frozen=True, slots=True)
class RedeemFront:
    """Store ``switch``, take the token, and let the browser post it to the org."""

    switch: FrontSwitch = field(repr=False)


@dataclass(frozen=True, slots=True)
class Check:
    """Redirect the browser to the org's silent authorization and back, to learn who is signed in now."""


@dataclass(frozen=True, slots=True)
class GoOn:
    """The switch is done: store ``switch``, and redirect the browser to ``switch.to``."""

    switch: FrontSwitch = field(repr=False)


@dataclass(frozen=True, slots=True)
class RefuseFront:
    """The switch ends, or cannot continue now. ``reason`` chooses the text of the page; ``more`` is its small print."""

    reason: Reason
    more: str = ""


def announced(to: str, login: str, sender: bytes, now: float) -> FrontSwitch:
    """A new switch that a portal has just announced; ``now``: Unix seconds."""
    return FrontSwitch(ANNOUNCED, to, login, sender, "", "", 0.0, 0.0, 0.0, now + START_SECONDS)


def arrived(switch: FrontSwitch, browser: str, last: str, is_trusted: bool, now: float) -> ConfirmFront | EndFirst | RefuseFront:
    """A browser arrives with the reference to the switch.

    ``last``: the browser's last redemption. ``is_trusted``: the start is trusted, or the user has agreed.
    """
    if switch.phase in (REDEEMED, DONE):
        return RefuseFront("used")
    refusal = _refusal(switch, browser, now)
    if refusal is not None:
        return refusal
    return _end(replace(switch, browser=browser), last, now) if is_trusted or switch.browser else ConfirmFront()


def returned(switch: FrontSwitch, browser: str, now: float) -> Prove | Check | GoOn | RefuseFront:
    """The browser comes back from the org, after the sign-out or after the redemption."""
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
    """The bounce after the sign-out is over. ``asked_at``: when the bounce began."""
    if switch.phase != SIGNING_OUT:
        return RefuseFront("used")
    refusal = _refusal(switch, browser, now)
    if refusal is not None:
        return refusal
    # The question is older than the last sign-out, or the answer is too old: ask again.
    if asked_at < switch.began_at or now - asked_at > PROOF_SECONDS:
        return Prove()
    if isinstance(answer, Unclear):
        return RefuseFront("unclear", answer.reason)
    if isinstance(answer, Proof):
        return RefuseFront("not_ended") if switch.tries >= MOST_TRIES else _end(switch, last.name, now)
    if last.is_in_flight:
        return RefuseFront("busy")
    # Another switch of this browser has redeemed a token since the sign-out, so somebody may be signed in.
    if last.name != switch.seen:
        return RefuseFront("not_ended", "other_switches") if switch.tries >= MOST_TRIES else _end(switch, last.name, now)
    return RedeemFront(replace(switch, phase=REDEEMED, redeemed_at=now))


def checked(switch: FrontSwitch, browser: str, answer: Proof | Nobody | Unclear, now: float) -> GoOn | RefuseFront:
    """The bounce after the redemption is over. The age of the session is measured by the org's own clock."""
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
    return EndFirst(replace(switch, phase=SIGNING_OUT, seen=last, tries=switch.tries + 1, began_at=now))


def _refusal(switch: FrontSwitch, browser: str, now: float) -> RefuseFront | None:
    if switch.browser not in ("", browser):
        return RefuseFront("other_browser")
    return RefuseFront("expired") if now >= switch.expires_at else None


LONGEST_TOKEN: Final = 1024
LONGEST_TEXT: Final = 1024


@dataclass(frozen=True, slots=True)
class FrontStart:
    """One order of a portal. ``to``: an absolute address. ``sender``: a hash of the browser's address and agent, empty if not given."""

    token: str = field(repr=False)
    to: str
    sender: bytes = b""
    login: str = ""


def order_of(body: bytes, origins: Collection[str]) -> FrontStart | Malformed | None:
    """The order in a body; None if the body is another kind of announcement. ``origins``: the allowed origins of ``to``."""
    try:
        said: Any = json.loads(body)
    except (ValueError, RecursionError):
        return Malformed(400, "not_json")
    if not isinstance(said, dict):
        return Malformed(400, "not_an_object")
    if "session_token" not in said:
        return None
    token, login = said["session_token"], said.get("login", "")
    if not _is_text(token, LONGEST_TOKEN) or not token.isascii() or not token.isprintable() or " " in token:
        return Malformed(400, "session_token")
    if not isinstance(login, str) or len(login) > LONGEST_TEXT:
        return Malformed(400, "login")
    to = said.get("to")
    url = return_url(to, origins) if isinstance(to, str) else None
    if url is None or url.startswith("/"):
        return Malformed(400, "to")
    address, agent = said.get("address", ""), said.get("user_agent", "")
    if not isinstance(address, str) or not isinstance(agent, str) or bool(address) is not bool(agent):
        return Malformed(400, "address_and_user_agent")
    sender = sender_of(address, agent.encode("utf-8", "replace")) if address else b""
    return FrontStart(token, url, sender, login_key(login) if login else "")


def sender_of(address: str, agent: bytes) -> bytes:
    """A hash by which the browser is recognized. Both values are hashed alone first, so two different pairs never give the same hash."""
    parts = (address.encode("utf-8", "replace"), agent)
    return hashlib.blake2b(b"".join(hashlib.sha256(part).digest() for part in parts), digest_size=16).digest()


def _is_text(value: object, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest
