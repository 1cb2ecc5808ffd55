"""The app door: what stands between a browser and a protected app.

    own path? ─▶ does it have a server? ─▶ decision (doors.deciding) ─▶ forward, or say why not

Owns that order. Must never forward anything under ``/.gateway/``, or a request that ``judge`` did not admit; then the app sees nothing of
it, not even its head.
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
from gateway.doors.kept_forms import KeptForms, Turned
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
"""After so long a server of an app is tried again (``policy.routing.server_health``), and somebody else's request may have ended."""

_NO_UPSTREAM = Malformed(404, "no_upstream")
"""A front proxy carries this app: had it been asked for there, this would be a request for the app."""

SignInStart = Callable[[RequestHead, App, str], Answer]
"""Begins a hand-off for a top-level navigation; for anything else 401 and where a navigation may begin. The text is the reason."""


class OwnPaths(Protocol):
    """Answers everything under ``/.gateway/`` on an app host."""

    async def handle(self, request: Request, head: RequestHead, app: App) -> Response:
        """The whole answer; its words for the log are left in the request."""


class ProtectedDoor:
    """Everything that reaches an app host."""

    def __init__(
        self,
        table: RouteTable,
        forwarding: Mapping[str, AppForwarding],
        gate: PassResolver,
        own: OwnPaths,
        sign_in: SignInStart,
        forms: KeptForms,
        clock: Clock,
    ) -> None:
        """``forwarding``: the way to each app, by its name; an app without one is carried by a front proxy."""
        self._forms = forms
        self._table = table
        self._forwarding = forwarding
        self._gate = gate
        self._decisions = Decisions(gate, clock)
        self._explaining = Explaining(table, clock)
        self._own = own
        self._sign_in = sign_in
        self._fails: dict[str, Failed] = {app.name: partial(self._failed, app) for app in table.apps}

    def begin(self, request: Request, head: RequestHead, app: App) -> Response | Waiting | None:
        """The answer, what waits for it, or None where it is on its way; the words for the access log are left in ``request``."""
        request.head = head
        if is_own(head.path):
            return self._own.handle(request, head, app)
        if app.name not in self._forwarding:
            return self._refused(request, head, _NO_UPSTREAM)
        if request.body is not None and may_be_kept(head):
            return self._sent_again(request, head, app)
        decision = self._decisions.recalled(head, app)
        return self._waits(request, head, app) if decision is None else self._decided(request, head, app, decision)

    async def _waits(self, request: Request, head: RequestHead, app: App) -> Response | None:
        """Okta is asked who comes; then it goes on as if that had been known."""
        return await self._goes_on(request, head, app, await self._decisions.made(head, app))

    def _decided(self, request: Request, head: RequestHead, app: App, decision: Decision) -> Response | Waiting | None:
        verdict, rule, comer = decision.verdict, decision.rule, decision.comer
        if rule.pattern:
            request.route = rule.pattern
        if isinstance(verdict, Malformed):
            return self._refused(request, head, verdict)
        request.fingerprint = comer.shown
        if isinstance(verdict, Admit):
            return self._forward(request, head, app, _going(decision, verdict.session, head), decision)
        request.verdict, request.reason = word(verdict), verdict.reason
        if isinstance(verdict, SignIn):
            found = self._forms.wants(request, head, app)
            if found is not None:
                return self._turned_away(request, head, app, found)
            return _closing(request, self._sign_in(head, app, verdict.reason))
        return _closing(request, self._explaining.verdict(head, rule, comer, verdict))

    async def _turned_away(self, request: Request, head: RequestHead, app: App, found: Keep | Lose | Framed) -> Response:
        answer, request.reason = await self._forms.turned_away(request, head, app, found)
        return _closing(request, answer)

    async def _sent_again(self, request: Request, head: RequestHead, app: App) -> Response | None:
        """A form that its browser kept, or one of the app's own that looks like it until its body is read."""
        found = await self._forms.read(request, head, app)
        if isinstance(found, KeptForm):
            return await self._kept_form(request, head, app, found)
        decision = await self._decision(head, app)
        if isinstance(found, Turned):
            return self._told(request, decision, found)
        return await self._goes_on(request, head, app, decision)

    async def _kept_form(self, request: Request, head: RequestHead, app: App, form: KeptForm) -> Response | None:
        """To the app, where its owner sends it and nobody has before."""
        decision = await self._decision(head, app)
        turned = self._forms.judged(form, head, app, decision.verdict)
        if turned is None and isinstance(decision.verdict, Admit):
            turned = await self._forms.claimed(form, head, app)
            if turned is None:
                form = form.renamed(secrets.token_urlsafe(16))
                decision = await self._decision(head, app)  # whoever was signed out meanwhile sends nothing
                turned = self._forms.judged(form, head, app, decision.verdict)
        if turned is not None:
            return self._told(request, decision, turned)
        if not isinstance(decision.verdict, Admit):
            return await self._goes_on(request, head, app, decision)
        request.route, request.fingerprint = decision.rule.pattern, decision.comer.shown
        request.becomes(form.content_type.encode("latin-1"), form.body)
        request.head = own = head.replaced(fields=request.fields)
        going = _going(decision, decision.verdict.session, own)
        step = self._forward(request, own, app, going, decision, partial(self._form_failed, app, form))
        return step if step is None or isinstance(step, Response) else await step

    async def _goes_on(self, request: Request, head: RequestHead, app: App, decision: Decision) -> Response | None:
        step = self._decided(request, head, app, decision)
        return step if step is None or isinstance(step, Response) else await step

    def _told(self, request: Request, decision: Decision, turned: Turned) -> Response:
        request.route, request.fingerprint, request.verdict = decision.rule.pattern, decision.comer.shown, word(decision.verdict)
        answer, request.reason = turned
        return _closing(request, answer)

    async def _decision(self, head: RequestHead, app: App) -> Decision:
        return self._decisions.recalled(head, app) or await self._decisions.made(head, app)

    def _form_failed(self, app: App, form: KeptForm, request: Request, error: OutsideFailed | Malformed) -> Response:
        """As ``_failed``; a form that did not leave this machine is not lost."""
        if request.head is None or isinstance(error, Malformed) or error.left:
            return self._failed(app, request, error)
        answer, _ = self._forms.unsent(form, request.head, app, error)
        request.reason = f"upstream_{error.reason}"
        return _closing(request, answer)

    def _forward(
        self, request: Request, head: RequestHead, app: App, going: Admitted, decision: Decision, failed: Failed | None = None
    ) -> Response | Waiting | None:
        request.verdict = "admit"
        if going.session is not None:
            self._gate.touch(going.comer, head)
        step = self._forwarding[app.name].begin(request, head, app, going, decision, failed or self._fails[app.name])
        return self._refused(request, head, step) if isinstance(step, Malformed) else step

    def _failed(self, app: App, request: Request, error: OutsideFailed | Malformed) -> Response:
        """What is said where the app's answer could not be passed on, or the request not be sent."""
        head = request.head
        if head is None:
            raise error if isinstance(error, OutsideFailed) else ValueError(error.reason)
        if isinstance(error, Malformed):
            return self._refused(request, head, error)
        request.reason = f"upstream_{error.cause}"
        return _closing(request, self.down(head, app, error, is_signed_in=bool(request.fingerprint)))

    def down(self, head: RequestHead, app: App, error: OutsideFailed, *, is_signed_in: bool) -> Answer:
        """What is said where the app gave no answer that could be passed on."""
        has_no_room = isinstance(error, AllDown | Busy)
        status = 503 if has_no_room else 504 if isinstance(error, TimedOut) else 502
        told = {"error": "upstream_down", "reason": error.cause}
        answer = self._explaining.said(head, UpstreamDown(app.title, status, error.cause, is_signed_in)) or json_answer(status, told)
        return answer.plus((b"Retry-After", b"%d" % RETRY_SECONDS)) if has_no_room else answer

    def _refused(self, request: Request, head: RequestHead, malformed: Malformed) -> Response:
        request.verdict, request.reason = "refused", malformed.reason
        return to_response(self._explaining.malformed(head, malformed), closes=True)


def _going(decision: Decision, session: Session | None, head: RequestHead) -> Admitted:
    """``Admitted.under`` these, made once as long as they are the same."""
    going = decision.going
    if isinstance(going, Admitted):
        return going
    rule, comer = decision.rule, decision.comer
    known = comer.known
    going = known.going if known is not None else None
    if not isinstance(going, Admitted) or going.rule is not rule or going.comer is not comer or going.session is not session:
        going = Admitted.under(rule, session, comer, head)
        if known is not None:
            known.going = going
    decision.going = going
    return going


def _closing(request: Request, answer: Answer) -> Response:
    """The answer; where a body was announced that nobody will read, the connection ends behind it."""
    return to_response(answer, closes=request.has_unread_body)
