"""The choice of one session when Okta was asked about several cookies of a browser, each cookie alone.

It must never choose between two users, and must never treat a missing answer as "nobody". If one cookie carries a session, another cookie
is *dead* only if Okta knows no session for it. A cookie that waits for a second factor is not dead, and then no session is chosen yet.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.policy.http.cookies import expired
from gateway.policy.http.messages import Fields
from gateway.policy.session.session import Finding, NoSession, Session, SessionCookie, Unknown
from gateway.policy.switch.redemption import expiries

Cookies = tuple[SessionCookie, ...]

DEAD_REASONS: Final = frozenset(("not_found", "revoked"))
TWO_USERS: Final = NoSession("two_users")
FACTOR_PENDING: Final = NoSession("mfa_pending")


@dataclass(frozen=True, slots=True)
class Judgement:
    """The session of a browser. ``living``: the cookies that carry it, each name once. ``dead``: the cookies to expire in the browser."""

    finding: Finding
    living: Cookies = ()
    dead: Cookies = ()


def judged_apart(findings: Sequence[tuple[SessionCookie, Finding]]) -> Judgement:
    """The session of a browser, from Okta's answer about each of its cookies alone.

    One user: the user's first session and its cookies; each cookie for which Okta knows no session is dead. Two users: no session, and all
    cookies are dead. If Okta gave no clear answer about a cookie, no session is chosen, because that cookie may be another user's. The same
    holds for a cookie that waits for a second factor: another user may have just begun to sign in with it.
    """
    sessions = [(cookie, finding) for cookie, finding in findings if isinstance(finding, Session)]
    if len({session.user_id for _, session in sessions}) > 1:
        return Judgement(TWO_USERS, dead=tuple(cookie for cookie, _ in findings))
    for _, finding in findings:
        if isinstance(finding, Unknown):
            return Judgement(finding)
    if sessions and any(finding == FACTOR_PENDING for _, finding in findings):
        return Judgement(FACTOR_PENDING)
    if not sessions:
        return Judgement(findings[0][1] if findings else NoSession("no_cookie"), dead=tuple(cookie for cookie, _ in findings))
    first = sessions[0][1]
    living: dict[bytes, SessionCookie] = {}
    for cookie, session in sessions:
        if session.id == first.id:
            living.setdefault(cookie.name, cookie)
    dead = tuple(cookie for cookie, finding in findings if isinstance(finding, NoSession) and finding.reason in DEAD_REASONS)
    return Judgement(first, tuple(living.values()), dead)


def dead_expiries(chosen: Cookies, dead: Cookies, parents: tuple[str, ...]) -> Fields:
    """The ``Set-Cookie`` lines that delete the dead cookies in the browser, on the login host and on its parent domains.

    If a living cookie has the same name, the dead one is deleted on the parent domains only. Okta sets its cookies on the login host
    itself, so the dead cookie of that name was set on a parent domain by another host.
    """
    alive = {cookie.name for cookie in chosen}
    names = {cookie.name for cookie in dead}
    beside = tuple(expired(name, parent) for name in sorted(names & alive) for parent in parents)
    return (*expiries(names - alive, parents), *beside)
