"""Explains why a request to an app is not admitted: a page for people, JSON for scripts.

The app door and the sub-request door share these answers. Must never say more than the verdict does. Must never redirect: where to sign
in is decided by each door. Rules from: RFC 9110 §15.5.6.
"""

from typing import assert_never

from gateway.clock import Clock
from gateway.doors.answers import json_answer
from gateway.doors.own.outcomes import page
from gateway.doors.pass_resolver import Principal
from gateway.pages import BadRequest, Forbidden, StepUpNeeded, UnavailablePage, View
from gateway.policy.http.messages import Answer, Malformed, RequestHead
from gateway.policy.routing.navigation import RequestKind, is_document, kind_of
from gateway.policy.routing.routing import RouteTable, Rule
from gateway.policy.session.admission import NOBODY_MAY, Admit, Forbid, SignIn, StepUp, Unavailable, Verdict
from gateway.policy.session.session import Session


class Explaining:
    """Turns refusals into answers."""

    def __init__(self, table: RouteTable, clock: Clock) -> None:
        """``table``: the hosts to which a form in a page may lead."""
        self._origins = table.origins
        self._clock = clock

    def verdict(self, head: RequestHead, rule: Rule, principal: Principal, verdict: StepUp | Forbid | Unavailable) -> Answer:
        """The answer to a request that is not admitted, and that a plain sign-in would not help."""
        match verdict:
            case Unavailable(reason, seconds):
                content: dict[str, object] = {"error": "unavailable", "reason": reason, "retry_after_seconds": seconds}
                return self.page(head, UnavailablePage(reason, seconds)) or json_answer(503, content, retry_after(verdict))
            case Forbid() if verdict.reason == NOBODY_MAY:
                return self.malformed(head, Malformed(403, NOBODY_MAY))
            case Forbid(reason, login):
                return self.page(head, Forbidden(login or "", reason)) or json_answer(403, {"error": "forbidden", "reason": reason})
            case StepUp(reason):
                return self._step_up(head, rule, principal, reason)
            case _:
                assert_never(verdict)

    def _step_up(self, head: RequestHead, rule: Rule, principal: Principal, reason: str) -> Answer:
        """The answer that names what the sign-in lacks."""
        session = principal.finding if isinstance(principal.finding, Session) else None
        missing = tuple(sorted((rule.amr or frozenset()) - set(session.amr if session is not None else ())))
        within = rule.authenticated_within_seconds if reason == "authenticated_within" else None
        view = StepUpNeeded(
            session.login if session is not None else "", f"step_up_{reason}", missing, int(within) if within is not None else None
        )
        return self.page(head, view) or json_answer(403, {"error": "step_up", "reason": reason, "missing": list(missing)})

    def malformed(self, head: RequestHead, malformed: Malformed) -> Answer:
        """The answer to a request that is refused for its form."""
        view = BadRequest(malformed.status, malformed.reason)
        return self.page(head, view) or json_answer(malformed.status, {"error": malformed.reason})

    def page(self, head: RequestHead, view: View) -> Answer | None:
        """The page; None where the client does not show pages, such as a script or a WebSocket."""
        return page(view, self._clock, *self._origins) if kind_of(head) is not RequestKind.WEBSOCKET and is_document(head) else None


def retry_after(verdict: Unavailable) -> tuple[bytes, bytes]:
    """The ``Retry-After`` field for this verdict."""
    return b"Retry-After", b"%d" % verdict.retry_after_seconds


def word(verdict: Verdict | Malformed) -> str:
    """The verdict as the log names it."""
    match verdict:
        case Admit():
            return "admit"
        case SignIn():
            return "sign_in"
        case StepUp():
            return "step_up"
        case Forbid():
            return "forbid"
        case Unavailable():
            return "unavailable"
        case Malformed():
            return "refused"
        case _:
            assert_never(verdict)
