"""Whose session counts, when Okta was asked about several cookies of one browser by themselves, and which of them can go.

Must never choose between two users, and must never read "nobody" into an answer that Okta did not give. Beside a living session a cookie
is dead only where Okta knows no session for it: one that waits for a second factor is not, and decides nothing yet.
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
    """Who a browser is. ``living``: the cookies that carry the session, no name twice. ``dead``: the cookies to expire in the browser."""

    finding: Finding
    living: Cookies = ()
    dead: Cookies = ()

    @property
    def names_over(self) -> frozenset[bytes]:
        """The cookie names to expire in the browser: under none of them lives the session that counts."""
        return frozenset(cookie.name for cookie in self.dead) - {cookie.name for cookie in self.living}


def judged_apart(findings: Sequence[tuple[SessionCookie, Finding]]) -> Judgement:
    """Who a browser is, by what Okta said of each of its cookies by itself.

    One living user: his first session with its own cookies, and every cookie for which Okta knows no session is dead. Two living users:
    no session, and all cookies are dead.
    Where Okta did not say something about a cookie, nobody is chosen: that cookie may be another user's. The same holds for a cookie that
    waits for a second factor: it may belong to another user who has just begun to sign in.
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
    """The lines that take the dead cookies out of the browser, on the parent domains too.

    Where a living cookie has the same name, only on the parent domains: Okta sets its own on the login host itself, so the other one was
    planted there.
    """
    alive = {cookie.name for cookie in chosen}
    names = {cookie.name for cookie in dead}
    beside = tuple(expired(name, parent) for name in sorted(names & alive) for parent in parents)
    return (*expiries(names - alive, parents), *beside)
