"""Whose session counts, when Okta was asked about several cookies of one browser by themselves.

Must never choose between two users, and must never read "nobody" into an answer that Okta did not give.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.core.session import Finding, NoSession, Session, SessionCookie, Unknown

Cookies = tuple[SessionCookie, ...]

TWO_USERS: Final = NoSession("two_users")


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

    One living user: his session, and every cookie without a session is dead. Two living users: no session, and all cookies are dead.
    Where Okta did not say something about a cookie, nobody is chosen: that cookie may be another user's.
    """
    sessions = [(cookie, finding) for cookie, finding in findings if isinstance(finding, Session)]
    if len({session.user_id for _, session in sessions}) > 1:
        return Judgement(TWO_USERS, dead=tuple(cookie for cookie, _ in findings))
    for _, finding in findings:
        if isinstance(finding, Unknown):
            return Judgement(finding)
    if not sessions:
        return Judgement(findings[0][1] if findings else NoSession("no_cookie"), dead=tuple(cookie for cookie, _ in findings))
    living: dict[bytes, SessionCookie] = {}
    for cookie, _ in sessions:
        living.setdefault(cookie.name, cookie)
    dead = tuple(cookie for cookie, finding in findings if not isinstance(finding, Session))
    return Judgement(sessions[0][1], tuple(living.values()), dead)
