"""The switch: how a browser gets from one user's session to the next, as a pure machine (events in, commands out).

::

    begin ── no session cookie, start not trusted, asks_alone ─▶ Confirm
      │  └── no session cookie ──────────────────────────────────────────────────▶ Redeem
      │ cookies                                                                       ▲
      ▼                                                                               │ all proven gone
     Ask ── live, start not trusted ─▶ Confirm                                        │
      │  ├─ nobody, start not trusted, asks_alone ─▶ Confirm                            │
      │  └─ unknown, start not trusted ─▶ Refuse (nothing touched)                    │
      ▼                                                                               │
    Revoke ─▶ Verify (each doubtful cookie by itself) ── all cookies gone ───────────▶┤
                │ the others, if any                                                  │
                ▼                                                                     │
              Close (each set of cookies) ─▶ Verify (each cookie by itself) ──────────┘
                ▲                               │ still alive
                └──── Close that cookie alone ◀─┘ at most 3 rounds
                      any step fails, or a fourth round ─▶ Refuse

A *doubtful* cookie is one that the gateway never saw as a session, so that anybody may have made it up. Okta is asked about it first:
one that carries nothing is not closed. Where Okta does not say, or may not be asked, the others are closed all the same, and then it is
refused: a planted cookie must not keep a session alive.

One command at a time; the door carries it out and reports the event. ``Confirm``, ``Redeem``, ``Proven`` and ``Refuse``
are final. For a sign-out the same machine runs with ``Goal.SIGN_OUT``: it begins at ``Revoke``, and ``Proven`` takes the
place of ``Redeem``.

The promises, held by tests/policy/switch/test_switch.py: redeem only after every presented cookie was proven gone, and every one that
Okta's answers set meanwhile; at most once;
a failed step refuses; stopping after any command is safe, because ``Revoke`` comes before everything that touches Okta;
an untrusted start changes nothing. Proof of an end is Okta's ``404 E0000007`` to a ``GET`` with that cookie alone: neither
``204`` to the ``DELETE``, nor a pending second factor, nor an unclear answer is one (OKTA-1163605, OKTA-626522).
"""

from collections import Counter
from dataclasses import dataclass, replace
from enum import Enum, auto

from gateway.policy.session.session import Finding, NoSession, Session, SessionCookie, Unknown

ROUNDS = 3


class Goal(Enum):
    """What follows once every old session is proven gone."""

    REDEEM = auto()
    SIGN_OUT = auto()


@dataclass(frozen=True, slots=True)
class Asked:
    """Event: who Okta says is signed in with all presented cookies. ``gone``: those that it was asked about alone, and proved gone."""

    finding: Finding
    gone: frozenset[SessionCookie] = frozenset()


@dataclass(frozen=True, slots=True)
class Revoked:
    """Event: the presented cookies are refused everywhere from now on."""


@dataclass(frozen=True, slots=True)
class Closed:
    """Event: the answer of a DELETE; ``accepted`` for 204 and for 404 ``E0000007``, nothing else. ``brought``: as ``Verified``."""

    accepted: bool
    reason: str = ""
    brought: tuple[SessionCookie, ...] = ()


@dataclass(frozen=True, slots=True)
class Verified:
    """Event: the answer of a GET with one cookie by itself.

    ``brought``: the session cookies that it set. They are of the session that is asked about: Identity Engine makes an ``idx`` for a
    ``sid`` that comes alone.
    """

    finding: Finding
    brought: tuple[SessionCookie, ...] = ()


Event = Asked | Revoked | Closed | Verified


@dataclass(frozen=True, slots=True)
class Ask:
    """Command: ask Okta who is signed in with these cookies."""

    cookies: tuple[SessionCookie, ...]


@dataclass(frozen=True, slots=True)
class Revoke:
    """Command: refuse these cookies, and the session they were found to carry, everywhere and at once."""

    cookies: tuple[SessionCookie, ...]
    session: Session | None


@dataclass(frozen=True, slots=True)
class Close:
    """Command: DELETE the session with these cookies (no name twice)."""

    cookies: tuple[SessionCookie, ...]


@dataclass(frozen=True, slots=True)
class Verify:
    """Command: GET the session with this cookie alone."""

    cookie: SessionCookie


@dataclass(frozen=True, slots=True)
class Confirm:
    """Final: ask the user first; nothing was changed. ``session``: whose it is that would end, None: nobody is signed in."""

    session: Session | None


@dataclass(frozen=True, slots=True)
class Redeem:
    """Final: send the token once, without any old session cookie."""


@dataclass(frozen=True, slots=True)
class Proven:
    """Final: every session is proven gone (sign-out)."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Final: the token stays unspent. ``revoked`` says whether the old cookies are refused by now; then they are carried."""

    reason: str
    revoked: bool
    retry_at: float | None = None


Command = Ask | Revoke | Close | Verify | Confirm | Redeem | Proven | Refuse
Final = Confirm | Redeem | Proven | Refuse


@dataclass(frozen=True, slots=True)
class Switch:
    """The machine's state. ``expected`` is the command whose event must come next; None once a final command was given.

    ``gone``: the cookies that were proven gone before anything was closed. ``to_sift``: the doubtful ones still to be asked about;
    ``unclear``: those of them about which Okta did not say, and ``why`` not, the first time.
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
    """The machine for one request and its first command.

    ``cookies``: every session cookie presented or carried, repeated names and values included. ``trusted``: the request
    came from a trusted start, or the user has confirmed it. ``doubtful``: those that were never seen as a session here.
    ``asks_alone``: a start that is not trusted is asked about without a session too, because a link must not be able to sign somebody
    in as its sender.
    """
    distinct = tuple(dict.fromkeys(cookies))
    switch = Switch(goal, distinct, trusted, doubtful, asks_alone)
    if not distinct:
        if goal is Goal.REDEEM and asks_alone and not trusted:
            return switch, Confirm(None)
        return switch, Redeem() if goal is Goal.REDEEM else Proven()
    return _expect(switch, Ask(distinct) if goal is Goal.REDEEM else Revoke(distinct, None))


def step(switch: Switch, event: Event) -> tuple[Switch, Command]:
    """The next state and command. An event that does not answer the last command is a bug of the caller: ``ValueError``."""
    match switch.expected, event:
        case Ask(), Asked(finding, gone):
            return _asked(replace(switch, gone=gone), finding)
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
    """Whether Okta's answer to a GET with one cookie proves that this cookie carries no session any more."""
    return isinstance(finding, NoSession) and finding.reason == "not_found"


def may_live(finding: Finding) -> bool:
    """Whether a session that Okta names nobody for may live all the same: a factor is missing."""
    return isinstance(finding, NoSession) and not is_proof_of_end(finding)


def sets_of(cookies: tuple[SessionCookie, ...]) -> tuple[tuple[SessionCookie, ...], ...]:
    """The cookies in as few sets as possible in which no name occurs twice, so that every one is really sent to be closed.

    The n-th cookie of a name goes into the n-th set.
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
    """Close and verify these new cookies too, as if the browser had sent them; once closing has begun, that takes one more round.

    One that was proven gone before may be alive again if Okta sets it now, so that proof does not count any more.
    """
    switch = replace(switch, gone=switch.gone.difference(brought)) if brought else switch
    new = tuple(cookie for cookie in dict.fromkeys(brought) if cookie not in switch.cookies)
    alive = switch.alive if switch.is_sifting else (*switch.alive, *new)
    return replace(switch, cookies=(*switch.cookies, *new), alive=alive) if new else switch


def _asked(switch: Switch, finding: Finding) -> tuple[Switch, Command]:
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
