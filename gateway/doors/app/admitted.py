"""A request that the rules admitted: under which rule, and for which user."""

from dataclasses import dataclass

from gateway.doors.app.session_watcher import SessionWatch
from gateway.doors.pass_resolver import Principal
from gateway.policy.http.messages import RequestHead
from gateway.policy.routing.routing import Rule
from gateway.policy.session.session import Session


@dataclass(frozen=True, slots=True)
class Admitted:
    """The rule, the session, the user with cookies and pass (``principal``), and what ``SessionWatcher`` must watch meanwhile.

    ``session`` None: the app is told no user. ``watch`` None: there is no session to watch.
    """

    rule: Rule
    session: Session | None
    principal: Principal
    watch: SessionWatch | None

    @classmethod
    def under(cls, rule: Rule, session: Session | None, principal: Principal, head: RequestHead) -> "Admitted":
        """Make the value; ``watch`` is set only if a session admits the request."""
        held = principal.held
        watch = (
            SessionWatch(principal.fingerprints, held.cookies, session, head, held.browser)
            if session is not None and held is not None
            else None
        )
        return cls(rule, session, principal, watch)
