"""The switch: a state machine that takes a browser from one user's session to the next. Events go in, commands come out.

::

    begin ── no session cookie, start not trusted, asks_alone ─▶ Confirm
      │  └── no session cookie ──────────────────────────────────────────────────▶ Redeem
      │ cookies                                                                       ▲
      ▼                                                                               │ all proven gone
     Ask ── live, start not trusted ─▶ Confirm                                        │
      │  ├─ nobody, start not trusted, asks_alone ─▶ Confirm                          │
      │  └─ unknown, start not trusted ─▶ Refuse (nothing touched)                    │
      ▼                                                                               │
    Revoke ─▶ Verify (each doubtful cookie alone) ────── all cookies gone ───────────▶┤
                │ the others, if any                                                  │
                ▼                                                                     │
              Close (each set of cookies) ─▶ Verify (each cookie alone) ──────────────┘
                ▲                               │ still alive
                └──── Close that cookie alone ◀─┘ at most 3 rounds
                      any step fails, or a fourth round ─▶ Refuse

To *redeem* a token means to send a ``sessionToken`` to Okta, which begins a session. An older session must be proven gone before that.

A *doubtful* cookie is one that the gateway never saw as a session, so anybody may have made it up. Okta is asked about it first, and if it
carries no session it is not closed. If Okta gives no clear answer, or must not be asked, the other cookies are closed all the same, and
then the switch is refused. So a cookie that an attacker planted cannot keep the real session alive.

``session_closer`` carries out one command at a time and reports the event. ``Confirm``, ``Redeem``, ``Proven`` and ``Refuse`` are final.
A sign-out uses the same machine with ``Goal.SIGN_OUT``: it begins at ``Revoke``, and ends with ``Proven`` instead of ``Redeem``.

What this machine promises (tests/policy/switch/test_switch.py):

- ``Redeem`` comes at most once, and only after every presented cookie, and every cookie that Okta set meanwhile, was proven gone.
- A failed step leads to ``Refuse``. An untrusted start changes nothing.
- It is safe to stop after any command, because ``Revoke`` comes before every command that changes something at Okta.

The only proof that a session is gone is Okta's ``404 E0000007`` to a ``GET`` with that cookie alone. A ``204`` to the ``DELETE``, a missing
second factor and an unclear answer are no proof (OKTA-1163605, OKTA-626522).
"""

from collections import Counter
from dataclasses import dataclass, replace
from enum import Enum, auto

from gateway.policy.session.session import Finding, NoSession, Session, SessionCookie, Unknown

ROUNDS = 3


class Goal(Enum):
    """What follows when every old session is proven gone."""

    REDEEM = auto()
    SIGN_OUT = auto()


@dataclass(frozen=True, slots=True)
class Identified:
    """Event: Okta's answer about all presented cookies. ``gone``: the cookies that Okta was asked about alone and that are proven gone."""

    finding: Finding
    gone: frozenset[SessionCookie] = frozenset()


@dataclass(frozen=True, slots=True)
class Revoked:
    """Event: the presented cookies are refused in all processes from now on."""


@dataclass(frozen=True, slots=True)
class Closed:
    """Event: the answer to a DELETE. ``accepted``: it was 204 or 404 ``E0000007``. ``brought``: as in ``Verified``."""

    accepted: bool
    reason: str = ""
    brought: tuple[SessionCookie, ...] = ()


@dataclass(frozen=True, slots=True)
class Verified:
    """Event: the answer to a GET with one cookie alone.

    ``brought``: the session cookies that the answer set. They belong to the same session: Identity Engine makes an ``idx`` if ``sid`` comes
    alone.
    """

    finding: Finding
    brought: tuple[SessionCookie, ...] = ()


Event = Identified | Revoked | Closed | Verified


@dataclass(frozen=True, slots=True)
class Ask:
    """Command: ask Okta who is signed in with these cookies."""

    cookies: tuple[SessionCookie, ...]


@dataclass(frozen=True, slots=True)
class Revoke:
    """Command: refuse these cookies, and the session that they carry (None: not known), in all processes at once."""

    cookies: tuple[SessionCookie, ...]
    session: Session | None


@dataclass(frozen=True, slots=True)
class Close:
    """Command: send a DELETE with these cookies. No cookie name occurs twice."""

    cookies: tuple[SessionCookie, ...]


@dataclass(frozen=True, slots=True)
class Verify:
    """Command: send a GET with this cookie alone."""

    cookie: SessionCookie


@dataclass(frozen=True, slots=True)
class Confirm:
    """Final: ask the user first; nothing was changed. ``session``: the session that would end; None: nobody is signed in."""

    session: Session | None


@dataclass(frozen=True, slots=True)
class Redeem:
    """Final: send the token once, without any old session cookie."""


@dataclass(frozen=True, slots=True)
class Proven:
    """Final: every session is proven gone (sign-out)."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Final: the token is not sent. ``revoked``: the old cookies are already refused; the browser then keeps them in its pending cookie."""

    reason: str
    revoked: bool
    retry_at: float | None = None


Command = Ask | Revoke | Close | Verify | Confirm | Redeem | Proven | Refuse
Final = Confirm | Redeem | Proven | Refuse


@dataclass(frozen=True, slots=True)
class Switch:
    """The machine's state. ``expected``: the command whose event must come next; None after a final command.

    ``gone``: the cookies that were proven gone before anything was closed. ``is_sifting``: Okta is being asked about the doubtful cookies.
    ``to_sift``: the doubtful cookies not asked about yet. ``unclear``: the doubtful cookies about which Okta gave no clear answer; ``why``:
    the first such answer. ``alive``: the cookies that a round of closing left alive. ``rounds``: the number of the current round.
    """

    goal: Goal
    cookies: tuple[SessionCookie, ...]
    trusted: bool
    doubtful: frozenset[SessionCookie] = frozenset()
    asks_alone: bool = False
    gone: frozenset[SessionCookie] = frozenset()
    to_sift: tuple[SessionCookie, ...] = ()
    is_sifting: bool = False
    unclear: frozenset[SessionCookie] = frozenset()
    why: Unknown | None = None
    expected: Ask | Revoke | Close | Verify | None = None
    to_close: tuple[tuple[SessionCookie, ...], ...] = ()
    to_verify: tuple[SessionCookie, ...] = ()
    alive: tuple[SessionCookie, ...] = ()
    rounds: int = 1


def begin(
    goal: Goal,
    cookies: tuple[SessionCookie, ...],
    trusted: bool,
    doubtful: frozenset[SessionCookie] = frozenset(),
    asks_alone: bool = False,
) -> tuple[Switch, Command]:
    """The machine for one request, and its first command.

    ``cookies``: every session cookie that the browser presented, and those in its pending cookie; repeated names and values are allowed.
    ``trusted``: the request came from a trusted start, or the user has confirmed it. ``doubtful``: the cookies that were never seen as a
    session here. ``asks_alone``: if the start is not trusted, ask the user even without a session. Otherwise a link could sign the user in
    as the sender of the link.
    """
    distinct = tuple(dict.fromkeys(cookies))
    switch = Switch(goal, distinct, trusted, doubtful, asks_alone)
    if not distinct:
        if goal is Goal.REDEEM and asks_alone and not trusted:
            return switch, Confirm(None)
        return switch, Redeem() if goal is Goal.REDEEM else Proven()
    return _expect(switch, Ask(distinct) if goal is Goal.REDEEM else Revoke(distinct, None))


def step(switch: Switch, event: Event) -> tuple[Switch, Command]:
    """The next state and command. Raises ``ValueError`` if the event does not answer the last command; that is a bug of the caller."""
    match switch.expected, event:
        case Ask(), Identified(finding, gone):
            return _identified(replace(switch, gone=gone), finding)
        case Revoke(), Revoked():
            unsure = tuple(cookie for cookie in switch.cookies if cookie in switch.doubtful and cookie not in switch.gone)
            return _sift_next(replace(switch, to_sift=unsure, is_sifting=True))
        case Close(), Closed(accepted, reason, brought):
            return _close_next(_with(switch, brought)) if accepted else _refuse(switch, reason or "close_failed")
        case Verify(cookie), Verified(finding, brought):
            switch = _with(switch, brought)
            return _sifted(switch, cookie, finding) if switch.is_sifting else _verified(switch, cookie, finding)
        case _:
            raise ValueError(f"{type(event).__name__} does not answer {type(switch.expected).__name__}")


def is_proof_of_end(finding: Finding | None) -> bool:
    """Whether Okta's answer to a GET with one cookie proves that this cookie no longer carries a session."""
    return isinstance(finding, NoSession) and finding.reason == "not_found"


def may_live(finding: Finding) -> bool:
    """Whether a session may exist although Okta names no user: a factor is missing."""
    return isinstance(finding, NoSession) and not is_proof_of_end(finding)


def sets_of(cookies: tuple[SessionCookie, ...]) -> tuple[tuple[SessionCookie, ...], ...]:
    """The cookies in as few sets as possible, so that no name occurs twice in a set: the n-th cookie of a name goes into the n-th set.

    A server may read only one of two cookies with the same name, so each must be sent in a request of its own.
    """
    sets: list[list[SessionCookie]] = []
    seen: Counter[bytes] = Counter()
    for cookie in cookies:
        if seen[cookie.name] == len(sets):
            sets.append([])
        sets[seen[cookie.name]].append(cookie)
        seen[cookie.name] += 1
    return tuple(map(tuple, sets))


def _with(switch: Switch, brought: tuple[SessionCookie, ...]) -> Switch:
    """Add new cookies of Okta, which must be closed and verified too. If closing has begun, that takes one more round.

    If Okta sets a cookie that was proven gone before, it may be alive again. So that proof is dropped.
    """
    switch = replace(switch, gone=switch.gone.difference(brought)) if brought else switch
    new = tuple(cookie for cookie in dict.fromkeys(brought) if cookie not in switch.cookies)
    alive = switch.alive if switch.is_sifting else (*switch.alive, *new)
    return replace(switch, cookies=(*switch.cookies, *new), alive=alive) if new else switch


def _identified(switch: Switch, finding: Finding) -> tuple[Switch, Command]:
    session = finding if isinstance(finding, Session) else None
    if not switch.trusted:
        if session is not None:
            return replace(switch, expected=None), Confirm(session)
        if isinstance(finding, Unknown):
            return replace(switch, expected=None), Refuse(finding.reason, revoked=False, retry_at=finding.retry_at)
        if switch.asks_alone:
            return replace(switch, expected=None), Confirm(None)
    return _expect(switch, Revoke(switch.cookies, session))


def _sift_next(switch: Switch) -> tuple[Switch, Command]:
    if switch.to_sift:
        return _expect(replace(switch, to_sift=switch.to_sift[1:]), Verify(switch.to_sift[0]))
    switch = replace(switch, is_sifting=False)
    rest = tuple(cookie for cookie in switch.cookies if cookie not in switch.gone | switch.unclear)
    if not rest:
        return _ended(switch)
    return _close_next(replace(switch, to_close=sets_of(rest), to_verify=_sifted_ones(switch)))


def _sifted_ones(switch: Switch) -> tuple[SessionCookie, ...]:
    return tuple(cookie for cookie in switch.cookies if cookie not in switch.unclear)


def _sifted(switch: Switch, cookie: SessionCookie, finding: Finding) -> tuple[Switch, Command]:
    if isinstance(finding, Unknown):
        # All cookies may be made up, and Okta gives no clear answer about this one: close nothing.
        if switch.doubtful.issuperset(switch.cookies):
            return _refuse(switch, finding.reason, finding.retry_at)
        return _sift_next(replace(switch, unclear=switch.unclear | {cookie}, why=switch.why or finding))
    return _sift_next(replace(switch, gone=switch.gone | {cookie}) if is_proof_of_end(finding) else switch)


def _close_next(switch: Switch) -> tuple[Switch, Command]:
    if switch.to_close:
        return _expect(replace(switch, to_close=switch.to_close[1:]), Close(switch.to_close[0]))
    return _verify_next(switch)


def _verify_next(switch: Switch) -> tuple[Switch, Command]:
    if switch.to_verify:
        return _expect(replace(switch, to_verify=switch.to_verify[1:]), Verify(switch.to_verify[0]))
    if not switch.alive:
        return _ended(switch)
    if switch.rounds == ROUNDS:
        return _refuse(switch, "still_alive")
    again = replace(switch, to_close=tuple((c,) for c in switch.alive), to_verify=_sifted_ones(switch), alive=(), rounds=switch.rounds + 1)
    return _close_next(again)


def _verified(switch: Switch, cookie: SessionCookie, finding: Finding) -> tuple[Switch, Command]:
    if is_proof_of_end(finding):
        return _verify_next(switch)
    if isinstance(finding, Unknown):
        return _refuse(switch, finding.reason, finding.retry_at)
    return _verify_next(replace(switch, alive=(*switch.alive, cookie)))


def _ended(switch: Switch) -> tuple[Switch, Command]:
    if switch.why is not None:
        return _refuse(switch, switch.why.reason, switch.why.retry_at)
    return replace(switch, expected=None), Redeem() if switch.goal is Goal.REDEEM else Proven()


def _expect(switch: Switch, command: Ask | Revoke | Close | Verify) -> tuple[Switch, Command]:
    return replace(switch, expected=command), command


def _refuse(switch: Switch, reason: str, retry_at: float | None = None) -> tuple[Switch, Command]:
    return replace(switch, expected=None), Refuse(reason, revoked=True, retry_at=retry_at)
