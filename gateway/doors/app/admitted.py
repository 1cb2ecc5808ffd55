"""A request that was let in: under which rule, and as whom."""

from dataclasses import dataclass

from gateway.doors.app.session_watcher import SessionWatch
from gateway.doors.pass_resolver import Principal
from gateway.policy.http.messages import RequestHead
from gateway.policy.routing.routing import Rule
from gateway.policy.session.session import Session


@dataclass(frozen=True, slots=True)
class Admitted:
    """Under which rule, as whom (None: the app is told nobody), what was known of the browser, and what it lasts by."""

    rule: Rule
    session: Session | None
    comer: Principal
    watch: SessionWatch | None

    @classmethod
    def under(cls, rule: Rule, session: Session | None, comer: Principal, head: RequestHead) -> "Admitted":
        """As above; the watch is for the session that lets it in, None where it goes as nobody."""
        held = comer.held
        watch = (
            SessionWatch(comer.fingerprints, held.cookies, session, head, held.browser)
            if session is not None and held is not None
            else None
        )
        return cls(rule, session, comer, watch)
