"""The sub-request door: a front proxy (nginx, Caddy, …) asks whether a request may pass, and carries the bytes itself.

    peer listed? ─▶ dialect? ─▶ the original request read ─▶ its host an app? ─▶ own path? ─▶ decision (doors.deciding)
                                                                                                │
                                            200 with every identity field ◀─────────────────────┴──▶ why not, in the proxy's terms

Owns that order, and how long the proxy waits for Okta. Must never answer 200 for any verdict but ``Admit``. Must never read a body, set a
cookie, or use a field of a peer that is not listed. The paths under ``/.gateway/auth`` are never forwarded.

A user who must sign in is sent to ``/.gateway/sign-in`` of the app host. That path sets the cookie of the hand-off, so no proxy has to
pass on a cookie of a sub-request, and redirect loops are counted as for the app door.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from gateway.clock import Clock
from gateway.doors.answers import json_answer, redirect_answer, to_response
from gateway.doors.deciding import Decision, Decisions
from gateway.doors.explaining import Explaining, retry_after, word
from gateway.doors.own.addresses import return_target, sign_in_path
from gateway.doors.own.outcomes import no_session
from gateway.doors.pass_resolver import PassResolver, Principal
from gateway.doors.refusals import refusal_answer
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.rules import Waiting
from gateway.memo import Memo
from gateway.policy.http.messages import Answer, HeadLimits, Malformed, RequestHead
from gateway.policy.routing.dialects import Dialect, dialect_of, loops, original
from gateway.policy.routing.forward_auth_response import ForwardAuthResponse, kept_for, redirect_status, terse, terse_sign_in
from gateway.policy.routing.navigation import Network, is_listed
from gateway.policy.routing.routing import App, RouteTable, is_own
from gateway.policy.session.admission import Admit, SignIn, Unavailable
from gateway.policy.session.session import Session

LONGEST_TERSE_URL = 3000
"""Characters of a URL that fits into the head of an answer to nginx. For a longer one, the sign-in comes back to ``/``."""

_NOT_LISTED = Malformed(403, "peer_not_listed")
_NO_DIALECT = Malformed(404, "no_such_path")
_LOOP = Malformed(508, "auth_of_auth")
_OWN = Malformed(403, "own_path")
_UNKNOWN_HOST = Malformed(403, "unknown_host")
_LOGIN_HOST = Malformed(403, "login_host")
_OKTAS = Malformed(403, "okta_cookie")
"""The front proxy would carry this cookie of Okta's to the app. (Where the gateway forwards, it takes the cookie out.)"""


class Reply(NamedTuple):
    """An answer to the proxy, and what the access log says of it."""

    answer: Answer
    verdict: str
    reason: str = ""
    app: str = ""
    route: str = ""
    fingerprint: str = ""


class SubrequestQuestion(NamedTuple):
    """The question of a listed peer: may this request to this app pass?"""

    dialect: Dialect
    head: RequestHead
    app: App


@dataclass(frozen=True, slots=True)
class SubrequestRules:
    """Which peers may ask; how large an original head may be; how long a proxy may cache a 200, in seconds.

    ``wait_seconds``: how long Okta is waited for, in seconds; 0: the default of the proxy's dialect. If Okta answers later, its answer is
    cached.
    """

    trusted_proxies: tuple[Network, ...]
    limits: HeadLimits
    max_age: float = 0.0
    wait_seconds: float = 0.0


class SubrequestDoor:
    """Answers everything under ``/.gateway/auth``."""

    def __init__(
        self,
        table: RouteTable,
        pass_resolver: PassResolver,
        responses: Mapping[str, ForwardAuthResponse],
        rules: SubrequestRules,
        clock: Clock,
    ) -> None:
        """``responses``: what makes the identity lines of each app, by the app's name."""
        self._table = table
        self._pass_resolver = pass_resolver
        self._decisions = Decisions(pass_resolver, clock)
        self._explaining = Explaining(table, clock)
        self._responses = responses
        self._rules = rules
        self._listed: Memo[str, bool] = Memo(partial(is_listed, trusted=rules.trusted_proxies))

    def begin(self, request: Request, head: RequestHead) -> Response | Waiting:
        """The reply, if the cache knows the user; else a coroutine that asks Okta. The words for the access log are left in ``request``."""
        reply = self.from_cache(head)
        return self._waits(request, head) if reply is None else _to_response(request, reply)

    def from_cache(self, head: RequestHead) -> Reply | None:
        """The reply, as far as the cache knows the user; None where Okta must be asked."""
        question = self._question(head)
        if isinstance(question, Reply):
            return question
        decision = self._decisions.from_cache(question.head, question.app)
        return self._reply(question, decision) if decision is not None else None

    async def _waits(self, request: Request, head: RequestHead) -> Response:
        question = self._question(head)
        if isinstance(question, Reply):
            return _to_response(request, question)
        wait_seconds = self._rules.wait_seconds or question.dialect.wait_seconds
        return _to_response(request, self._reply(question, await self._decisions.decide(question.head, question.app, wait_seconds)))

    def unreadable(self, target: str, malformed: Malformed) -> Answer:
        """The refusal of a sub-request whose own head is refused."""
        dialect = dialect_of(target)
        return terse(malformed.reason) if dialect is not None and dialect.is_terse else refusal_answer(malformed, ())

    def _question(self, head: RequestHead) -> SubrequestQuestion | Reply:
        """Read what the proxy asks; or the reply that refuses it."""
        if not self._listed[head.peer]:
            return Reply(json_answer(403, {"error": _NOT_LISTED.reason}), "refused", _NOT_LISTED.reason)
        dialect = dialect_of(head.target)
        if dialect is None:
            return Reply(json_answer(404, {"error": _NO_DIALECT.reason}), "refused", _NO_DIALECT.reason)
        found = original(dialect, head, self._table, self._rules.limits)
        if isinstance(found, Malformed):
            return self._refusal(dialect, head, found)
        original_head, host = found
        if not isinstance(host, App):
            return self._refusal(dialect, original_head, _UNKNOWN_HOST if host is None else _LOGIN_HOST)
        if is_own(original_head.path):
            return self._refusal(dialect, original_head, _LOOP if loops(original_head.path) else _OWN, host.name)
        return SubrequestQuestion(dialect, original_head, host)

    def _reply(self, question: SubrequestQuestion, decision: Decision) -> Reply:
        """The reply for this decision, in the form that the proxy's dialect understands."""
        verdict, rule, principal = decision.verdict, decision.rule, decision.principal
        dialect, head, app = question
        if isinstance(verdict, Admit) and self._pass_resolver.holds_oktas(head):
            return self._refusal(dialect, head, _OKTAS, app.name, rule.pattern)
        if isinstance(verdict, Admit):
            if verdict.session is not None:
                self._pass_resolver.touch(principal, head)
            return Reply(self._admitted(app, verdict.session, principal), "admit", "", app.name, rule.pattern, principal.shown)
        if isinstance(verdict, Malformed):
            return self._refusal(dialect, head, verdict, app.name, rule.pattern)
        if isinstance(verdict, SignIn):
            answer = _sign_in(dialect, head, app)
        elif dialect.is_terse:
            answer = terse(word(verdict), *((retry_after(verdict),) if isinstance(verdict, Unavailable) else ()))
        else:
            answer = self._explaining.verdict(head, rule, principal, verdict)
        return Reply(answer, word(verdict), verdict.reason, app.name, rule.pattern, principal.shown)

    def _admitted(self, app: App, session: Session | None, principal: Principal) -> Answer:
        """200 with the identity fields, and for how long the proxy may cache it."""
        seconds = (
            int(min(self._rules.max_age, self._pass_resolver.seconds_left(principal)))
            if self._rules.max_age > 0 and session is not None
            else 0
        )
        return Answer(200, self._responses[app.name].fields(session) + kept_for(seconds))

    def _refusal(self, dialect: Dialect, head: RequestHead, malformed: Malformed, app: str = "", route: str = "") -> Reply:
        answer = terse(malformed.reason) if dialect.is_terse else self._explaining.malformed(head, malformed)
        return Reply(answer, "refused", malformed.reason, app, route)


def _to_response(request: Request, reply: Reply) -> Response:
    """The reply as a response. It closes the connection if a request body was announced, because the gateway does not read it."""
    request.app, request.route, request.fingerprint = reply.app, reply.route, reply.fingerprint
    request.verdict, request.reason = reply.verdict, reply.reason
    return to_response(reply.answer, closes=request.has_unread_body)


def _sign_in(dialect: Dialect, head: RequestHead, app: App) -> Answer:
    """For a navigation: a redirect to the sign-in. For other requests: a status, with the address of the sign-in."""
    url = app.origin + sign_in_path(return_target(head))
    if dialect.is_terse:
        return terse_sign_in(head, url if len(url) <= LONGEST_TERSE_URL else app.origin + sign_in_path("/"))
    status = redirect_status(head)
    return no_session(url) if status is None else redirect_answer(status, url)
