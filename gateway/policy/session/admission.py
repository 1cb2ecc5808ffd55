"""The verdict on one request: its rule and what Okta said about the session, judged together.

Owns the order of the questions. Must never read "signed out" into ``Unknown``, and must never admit where something that the rule asks for
is absent (absence is not success). Rules from: Okta Sessions API (``expiresAt``, ``amr``, ``lastPasswordVerification``,
``lastFactorVerification``).
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


@dataclass(frozen=True, slots=True, init=False)
class Admit:
    """Forward it; ``session`` is whom the app is told about, None: nobody."""

    session: Session | None

    def __init__(self, session: Session | None) -> None:
        """Written out, because the usual one takes twice as long, and one is made for every request."""
        _set_session(self, session)


_set_session: Final = getattr(Admit, "session").__set__  # noqa: B009 - the checker takes the attribute for its value


@dataclass(frozen=True, slots=True)
class SignIn:
    """There is no session: sign in first."""

    reason: str


@dataclass(frozen=True, slots=True)
class StepUp:
    """Signed in, but not well enough or not lately enough (``reason``: ``amr`` or ``authenticated_within``)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Forbid:
    """Not for this user (``user``) or for nobody (``nobody``); ``login``: who is signed in, None: not asked."""

    reason: str
    login: str | None


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Okta did not say; try again after so many seconds."""

    reason: str
    retry_after_seconds: int


Verdict = Admit | SignIn | StepUp | Forbid | Unavailable


def judge(rule: Rule, finding: Finding, now: datetime) -> Verdict:
    """As ``judge_at``; ``now`` is aware UTC."""
    return judge_at(rule, finding, now.timestamp())


def judge_at(rule: Rule, finding: Finding, wall: float) -> Verdict:
    """What happens to a request; ``wall``: Unix seconds.

    A rule that names users, amr or an age needs a session, whatever its access says (``Rule.needs``).
    """
    if rule.needs is Access.NOBODY:
        return Forbid("nobody", None)
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
    """Whether it matters to ``judge`` who comes; if not, nobody need be asked."""
    return rule.needs is not Access.ANYONE and rule.needs is not Access.NOBODY


def still_admits(rule: Rule, session: Session, wall: float) -> bool:
    """Whether a session that ``judge_at`` admitted under this rule is admitted again, with the same method, without asking anew.

    Of all that is judged, only the end of a session and an age that a rule asks for depend on the time.
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
