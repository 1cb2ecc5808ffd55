"""Which of the session cookies that a browser presents belong to a session that lives, and which can go.

Owns that choice, from what Okta said. Must never choose between two users: then nobody is signed in. Must never call a cookie dead of which
Okta said anything else than that it knows no session for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core.cookies import expired, repeated
from gateway.core.messages import Fields
from gateway.core.redemption import expiries
from gateway.core.session import Finding, NoSession, Session, SessionCookie, Unknown

Cookies = tuple[SessionCookie, ...]
DEAD_REASONS = frozenset(("not_found", "revoked"))


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found; ``cookies``: those of the session, none without one; ``dead``: those that carry no session any more."""

    finding: Finding
    cookies: Cookies = ()
    dead: Cookies = ()


def questions(living: Cookies) -> tuple[Cookies, ...]:
    """What to ask Okta about cookies that are not revoked: all at once, or each alone where a name is repeated."""
    if repeated(living):
        return tuple((cookie,) for cookie in living)
    return (living,) if living else ()


def questions_again(living: Cookies, finding: Finding | None) -> tuple[Cookies, ...]:
    """What to ask where all at once carry no session (None: that was not asked): each alone, a dead one may hide a living one."""
    return tuple((cookie,) for cookie in living) if isinstance(finding, NoSession) and len(living) > 1 else ()


def judged(presented: Cookies, revoked: Cookies, findings: Mapping[Cookies, Finding]) -> Judged:
    """Whose session it is. ``revoked``: of the presented ones; ``findings``: the answer to each question, in order."""
    dead = {*revoked, *(cookie for asked, found in findings.items() for cookie in asked if _is_dead(asked, found))}
    sessions = {asked: found for asked, found in findings.items() if isinstance(found, Session)}
    gone = tuple(cookie for cookie in presented if cookie in dead)
    if len({found.user_id for found in sessions.values()}) > 1:
        return Judged(NoSession("repeated"), (), gone)
    unknown = next((found for found in findings.values() if isinstance(found, Unknown)), None)
    if unknown is not None:
        return Judged(unknown, (), gone)
    first = next(iter(sessions.values()), None)
    if first is None:
        return Judged(next(iter(findings.values()), NoSession("revoked" if presented else "no_cookie")), (), gone)
    # Asked about alone, the cookies of one session still belong together; no name comes twice.
    chosen: dict[bytes, SessionCookie] = {}
    for asked, found in sessions.items():
        if found.id == first.id:
            for cookie in asked:
                chosen.setdefault(cookie.name, cookie)
    return Judged(first, tuple(chosen.values()), gone)


def _is_dead(asked: Cookies, found: Finding) -> bool:
    return len(asked) == 1 and isinstance(found, NoSession) and found.reason in DEAD_REASONS


def dead_expiries(chosen: Cookies, dead: Cookies, parents: tuple[str, ...]) -> Fields:
    """The lines that take the dead cookies out of the browser, on the parent domains too.

    Where a living cookie has the same name, only on the parent domains: Okta sets its own on the login host itself, so the other one was
    planted there.
    """
    alive = {cookie.name for cookie in chosen}
    names = {cookie.name for cookie in dead}
    beside = tuple(expired(name, parent) for name in sorted(names & alive) for parent in parents)
    return (*expiries(names - alive, parents), *beside)
