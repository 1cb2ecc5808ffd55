"""The app door: answers every request to an app host. It forwards the request to the app, or answers why not.

    own path? ─▶ does it have a server? ─▶ decision (doors.deciding) ─▶ forward, or say why not

Owns that order. Must never forward a path under ``/.gateway/``, nor a request that ``policy.session.admission.judge_at`` did not admit. A
request that is not admitted sends no byte to the app, not even its head.
"""

import secrets
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from gateway.clock import Clock
from gateway.doors.answers import json_answer, to_response
from gateway.doors.app.admitted import Admitted
from gateway.doors.app.app_cookies import AppCookies
from gateway.doors.app.face import Face
from gateway.doors.app.forwarding import AppForwarding
from gateway.doors.app.session_watcher import SessionWatcher
from gateway.doors.app.stripped_overrides import StrippedOverrides
from gateway.doors.deciding import Decision, Decisions
from gateway.doors.explaining import Explaining, word
from gateway.doors.own.kept_forms import FormAnswer, KeptForms
from gateway.doors.pass_resolver import PassResolver
from gateway.edge.forwarding import Failed
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.rules import Waiting
from gateway.errors import AllDown, Busy, OutsideFailed, TimedOut
from gateway.pages import UpstreamDown
from gateway.policy.http.messages import Answer, Malformed, RequestHead
from gateway.policy.routing.routing import App, RouteTable, is_own
from gateway.policy.session.admission import Admit, SignIn
from gateway.policy.session.kept_form import Framed, Keep, KeptForm, Lose, may_be_kept
from gateway.policy.session.session import Session

__all__ = [
    "Admitted",
    "AppCookies",
    "AppForwarding",
    "Face",
    "OwnPaths",
    "PassResolver",
    "ProtectedDoor",
    "SessionWatcher",
    "SignInStart",
    "StrippedOverrides",
]

RETRY_SECONDS = 5
"""The ``Retry-After`` of an app that is down or has no room, in seconds.

A server that failed is tried again after this time (``policy.routing.server_health``), and other requests may have ended by then.
"""

_NO_UPSTREAM = Malformed(404, "no_upstream")
"""The answer for an app that a front proxy carries: the gateway has no server for it, and only answers the proxy's sub-requests."""

SignInStart = Callable[[RequestHead, App, str], Answer]
"""Begins a hand-off (see ``doors.own.handoff``) for a top-level navigation; the text is the reason for the sign-in.

Any other request gets 401 with the address where a navigation may begin.
"""


class OwnPaths(Protocol):
    """Answers everything under ``/.gateway/`` on an app host."""

    async def handle(self, request: Request, head: RequestHead, app: App) -> Response:
        """The whole answer. The words for the access log are left in the request."""


class ProtectedDoor:
    """The app door: one object for all app hosts."""

    def __init__(
        self,
        table: RouteTable,
        forwarding: Mapping[str, AppForwarding],
        pass_resolver: PassResolver,
        own: OwnPaths,
        sign_in: SignInStart,
        forms: KeptForms,
        clock: Clock,
    ) -> None:
        """``pass_resolver`` finds the user of a request; ``own`` answers the own paths; ``forms`` keeps forms that came without a session.

        ``forwarding``: what forwards to each app, by the app's name. An app that is missing there is carried by a front proxy.
        """
        self._forms = forms
        self._table = table
        self._forwarding = forwarding
        self._pass_resolver = pass_resolver
        self._decisions = Decisions(pass_resolver, clock)
        self._explaining = Explaining(table, clock)
        self._own = own
        self._sign_in = sign_in
        self._fails: dict[str, Failed] = {app.name: partial(self._failed, app) for app in table.apps}

    def begin(self, request: Request, head: RequestHead, app: App) -> Response | Waiting | None:
        """The answer; or a coroutine that makes it; or None where the request was sent to the app and the answer will be relayed.

        The words for the access log are left in ``request``.
        """
        request.head = head
        if is_own(head.path):
            return self._own.handle(request, head, app)
        if app.name not in self._forwarding:
            return self._refusal(request, head, _NO_UPSTREAM)
        if request.body is not None and may_be_kept(head):
            return self._sent_again(request, head, app)
        decision = self._decisions.from_cache(head, app)
        return self._waits(request, head, app) if decision is None else self._decided(request, head, app, decision)

    async def _waits(self, request: Request, head: RequestHead, app: App) -> Response | None:
        """Ask Okta who the user is, then go on as if the cache had known it."""
        return await self._goes_on(request, head, app, await self._decisions.decide(head, app))

    def _decided(self, request: Request, head: RequestHead, app: App, decision: Decision) -> Response | Waiting | None:
        """Do what the verdict says, and note the words for the access log."""
        verdict, rule, principal = decision.verdict, decision.rule, decision.principal
        if rule.pattern:
            request.route = rule.pattern
        if isinstance(verdict, Malformed):
            return self._refusal(request, head, verdict)
        request.fingerprint = principal.shown
        if isinstance(verdict, Admit):
            return self._forward(request, head, app, _admitted(decision, verdict.session, head), decision)
        request.verdict, request.reason = word(verdict), verdict.reason
        if isinstance(verdict, SignIn):
            found = self._forms.wants(request, head, app)
            if found is not None:
                return self._turned_away(request, head, app, found)
            return _closing(request, self._sign_in(head, app, verdict.reason))
        return _closing(request, self._explaining.verdict(head, rule, principal, verdict))

    async def _turned_away(self, request: Request, head: RequestHead, app: App, found: Keep | Lose | Framed) -> Response:
        """Answer a form or a frame that came without a session."""
        answer, request.reason = await self._forms.turned_away(request, head, app, found)
        return _closing(request, answer)

    async def _sent_again(self, request: Request, head: RequestHead, app: App) -> Response | None:
        """Handle a POST that may be a kept form, sent again by its browser. Only the body shows whether it is one, or a form of the app."""
        found = await self._forms.read(request, head, app)
        if isinstance(found, KeptForm):
            return await self._kept_form(request, head, app, found)
        decision = await self._decision(head, app)
        if isinstance(found, FormAnswer):
            return self._form_response(request, decision, found)
        return await self._goes_on(request, head, app, decision)

    async def _kept_form(self, request: Request, head: RequestHead, app: App, form: KeptForm) -> Response | None:
        """Send a kept form to the app, if its owner sends it and if it was not sent before."""
        decision = await self._decision(head, app)
        form_answer = self._forms.judged(form, head, app, decision.verdict)
        if form_answer is None and isinstance(decision.verdict, Admit):
            form_answer = await self._forms.claimed(form, head, app)
            if form_answer is None:
                form = form.renamed(secrets.token_urlsafe(16))
                decision = await self._decision(head, app)  # decide again: the user may have been signed out during the claim
                form_answer = self._forms.judged(form, head, app, decision.verdict)
        if form_answer is not None:
            return self._form_response(request, decision, form_answer)
        if not isinstance(decision.verdict, Admit):
            return await self._goes_on(request, head, app, decision)
        request.route, request.fingerprint = decision.rule.pattern, decision.principal.shown
        request.becomes(form.content_type.encode("latin-1"), form.body)
        request.head = own = head.replaced(fields=request.fields)
        admitted = _admitted(decision, decision.verdict.session, own)
        step = self._forward(request, own, app, admitted, decision, partial(self._form_failed, app, form))
        return step if step is None or isinstance(step, Response) else await step

    async def _goes_on(self, request: Request, head: RequestHead, app: App, decision: Decision) -> Response | None:
        step = self._decided(request, head, app, decision)
        return step if step is None or isinstance(step, Response) else await step

    def _form_response(self, request: Request, decision: Decision, form_answer: FormAnswer) -> Response:
        """The answer to a kept form that is not sent to the app."""
        request.route, request.fingerprint, request.verdict = decision.rule.pattern, decision.principal.shown, word(decision.verdict)
        answer, request.reason = form_answer
        return _closing(request, answer)

    async def _decision(self, head: RequestHead, app: App) -> Decision:
        return self._decisions.from_cache(head, app) or await self._decisions.decide(head, app)

    def _form_failed(self, app: App, form: KeptForm, request: Request, error: OutsideFailed | Malformed) -> Response:
        """Like ``_failed``; but a form that was provably not sent to the app is offered again."""
        if request.head is None or isinstance(error, Malformed) or error.left:
            return self._failed(app, request, error)
        answer, _ = self._forms.unsent(form, request.head, app, error)
        request.reason = f"upstream_{error.reason}"
        return _closing(request, answer)

    def _forward(
        self, request: Request, head: RequestHead, app: App, admitted: Admitted, decision: Decision, failed: Failed | None = None
    ) -> Response | Waiting | None:
        """Send an admitted request to its app."""
        request.verdict = "admit"
        if admitted.session is not None:
            self._pass_resolver.touch(admitted.principal, head)
        step = self._forwarding[app.name].begin(request, head, app, admitted, decision, failed or self._fails[app.name])
        return self._refusal(request, head, step) if isinstance(step, Malformed) else step

    def _failed(self, app: App, request: Request, error: OutsideFailed | Malformed) -> Response:
        """The answer where the app's answer could not be relayed, or the request could not be sent."""
        head = request.head
        if head is None:
            raise error if isinstance(error, OutsideFailed) else ValueError(error.reason)
        if isinstance(error, Malformed):
            return self._refusal(request, head, error)
        request.reason = f"upstream_{error.cause}"
        return _closing(request, self.down(head, app, error, is_signed_in=bool(request.fingerprint)))

    def down(self, head: RequestHead, app: App, error: OutsideFailed, *, is_signed_in: bool) -> Answer:
        """The answer (502, 503 or 504) where the app gave no answer that could be relayed."""
        has_no_room = isinstance(error, AllDown | Busy)
        status = 503 if has_no_room else 504 if isinstance(error, TimedOut) else 502
        content = {"error": "upstream_down", "reason": error.cause}
        answer = self._explaining.page(head, UpstreamDown(app.title, status, error.cause, is_signed_in)) or json_answer(status, content)
        return answer.plus((b"Retry-After", b"%d" % RETRY_SECONDS)) if has_no_room else answer

    def _refusal(self, request: Request, head: RequestHead, malformed: Malformed) -> Response:
        request.verdict, request.reason = "refused", malformed.reason
        return to_response(self._explaining.malformed(head, malformed), closes=True)


def _admitted(decision: Decision, session: Session | None, head: RequestHead) -> Admitted:
    """The ``Admitted`` for this decision. It is made once and used again while rule, user and session stay the same objects."""
    admitted = decision.admitted
    if isinstance(admitted, Admitted):
        return admitted
    rule, principal = decision.rule, decision.principal
    known = principal.known
    admitted = known.admitted if known is not None else None
    if (
        not isinstance(admitted, Admitted)
        or admitted.rule is not rule
        or admitted.principal is not principal
        or admitted.session is not session
    ):
        admitted = Admitted.under(rule, session, principal, head)
        if known is not None:
            known.admitted = admitted
    decision.admitted = admitted
    return admitted


def _closing(request: Request, answer: Answer) -> Response:
    """The answer as a response. It closes the connection if a request body was announced, because the gateway will not read that body."""
    return to_response(answer, closes=request.has_unread_body)
