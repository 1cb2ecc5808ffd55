"""The verdict on one request: admit, sign in, step up, forbid, or unavailable. It follows from the rule and from Okta's answer.

This module owns the order of the checks. It must never treat ``Unknown`` as "signed out". It must never admit a request if a value that
the rule needs is absent from the session.
Source: Okta Sessions API (``expiresAt``, ``amr``, ``lastPasswordVerification``, ``lastFactorVerification``).
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, assert_never

from gateway.policy.routing.routing import Access, Rule
from gateway.policy.session.session import Finding, NoSession, Session, Unknown

SHORTEST_RETRY_SECONDS = 2
LONGEST_RETRY_SECONDS = 120
_CLOCK_SKEW = timedelta(minutes=2)
NOBODY_MAY: Final = "nobody"
"""The reason of a rule with ``access = "nobody"``."""


@dataclass(frozen=True, slots=True, init=False)
class Admit:
    """Forward the request. ``session``: the session that the app is told about; None: the request is anonymous."""

    session: Session | None

    def __init__(self, session: Session | None) -> None:
        """Written by hand, because the generated one takes twice as long, and one ``Admit`` is made for every request."""
        _set_session(self, session)


_set_session: Final = getattr(Admit, "session").__set__  # noqa: B009 - the checker takes the attribute for its value


@dataclass(frozen=True, slots=True)
class SignIn:
    """There is no session; the user must sign in first."""

    reason: str


@dataclass(frozen=True, slots=True)
class StepUp:
    """There is a session, but it lacks a factor (``reason``: ``amr``), or the sign-in is too old (``authenticated_within``)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Forbid:
    """The rule does not permit this user (``reason``: ``user``), or permits nobody (``NOBODY_MAY``).

    ``login``: None if nobody was looked up.
    """

    reason: str
    login: str | None


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Okta gave no clear answer. The client should try again after ``retry_after_seconds``."""

    reason: str
    retry_after_seconds: int


Verdict = Admit | SignIn | StepUp | Forbid | Unavailable


def judge(rule: Rule, finding: Finding, now: datetime) -> Verdict:
    """The same as ``judge_at``; ``now`` is aware UTC."""
    return judge_at(rule, finding, now.timestamp())


def judge_at(rule: Rule, finding: Finding, wall: float) -> Verdict:
    """The verdict on a request. ``wall``: Unix seconds.

    A rule that names users, ``amr`` or ``authenticated_within`` always needs a session, whatever its access says (``Rule.needs``).
    """
    if rule.needs is Access.NOBODY:
        return Forbid(NOBODY_MAY, None)
    if rule.needs is Access.ANYONE:
        return Admit(None)
    if isinstance(finding, Session):
        if finding.ends_at > wall:
            return _judge_session(rule, finding, wall)
        finding = NoSession("expired")
    match finding:
        case Unknown():
            return Unavailable(finding.reason, _retry_after(finding, wall))
        case NoSession():
            return Admit(None) if rule.needs is Access.OPTIONAL else SignIn(finding.reason)
        case _:
            assert_never(finding)


def is_about_somebody(rule: Rule) -> bool:
    """Whether the verdict depends on the session. If not, Okta need not be asked."""
    return rule.needs is not Access.ANYONE and rule.needs is not Access.NOBODY


def still_admits(rule: Rule, session: Session, wall: float) -> bool:
    """Whether a session that ``judge_at`` admitted under this rule, for the same method, may be admitted again without a new check.

    Only two checks depend on the time: the session's end, and the rule's ``authenticated_within``. Rules with the latter are always judged.
    """
    return session.ends_at > wall and rule.authenticated_within_seconds is None


def _judge_session(rule: Rule, session: Session, wall: float) -> Verdict:
    if rule.users is not None and not rule.permits(session.login):
        return Forbid("user", session.login)
    if rule.amr is not None and not rule.amr <= set(session.amr):
        return StepUp("amr")
    if rule.authenticated_within_seconds is not None:
        now = datetime.fromtimestamp(wall, UTC)
        seen = [at for at in (session.last_password_verification, session.last_factor_verification) if at is not None]
        believable = [at for at in seen if at <= now + _CLOCK_SKEW]
        if not any(now - at <= timedelta(seconds=rule.authenticated_within_seconds) for at in believable):
            return StepUp("authenticated_within")
    return Admit(session)


def _retry_after(finding: Unknown, wall: float) -> int:
    wait = 0.0 if finding.retry_at is None else finding.retry_at - wall
    return math.ceil(min(max(wait, SHORTEST_RETRY_SECONDS), LONGEST_RETRY_SECONDS))
