"""The app door: what stands between a browser and a protected app.

    own path? ─▶ path read ─▶ rule ─▶ WebSocket from a foreign page? ─▶ who comes (Gate) ─▶ judge ─▶ forward, or say why not

Owns that order and the answers of a refusal, in a form that the asker can read: pages for people, JSON for scripts. Must never forward
anything under ``/.gateway/``, or a request that ``judge`` did not admit; then the app sees nothing of it, not even its head (O1).
Rules from: DESIGN section 5; ATTACKS O1, P1 to P24, S14, U6, U7, L18, D5.
"""

from collections.abc import Callable, Mapping
from typing import Protocol, assert_never

from aiohttp import web

from gateway.clock import Clock
from gateway.core.admission import Admit, Forbid, SignIn, StepUp, Unavailable, Verdict, judge_at
from gateway.core.cookies import PASS_NAME, pairs
from gateway.core.messages import Answer, Malformed, RequestHead
from gateway.core.navigation import Kind, is_document, kind_of
from gateway.core.routing import App, RouteTable, Rule, is_own, place_of
from gateway.core.session import Session
from gateway.doors.answers import json_answer, to_response
from gateway.doors.notes import FINGERPRINT, REASON, ROUTE, VERDICT
from gateway.doors.own_requests import page
from gateway.doors.protected.forwarding import AppForwarding, Face, Going
from gateway.doors.protected.gate import Comer, Gate
from gateway.doors.protected.lasting import Lasting
from gateway.errors import AllDown, Busy, OutsideFailed, TimedOut
from gateway.pages import BadRequest, Forbidden, UpstreamDown, View
from gateway.pages import Unavailable as UnavailablePage
from gateway.proxy.heads import Asked
from gateway.proxy.relay import Client, Relay
from gateway.proxy.relayed import RelayedResponse

__all__ = ["AppForwarding", "Face", "Gate", "Going", "Lasting", "OwnPaths", "ProtectedDoor", "SignInStart"]

RETRY_SECONDS = 5
"""After so long a server of an app is tried again (``core.standing``), and somebody else's request may have ended."""

SignInStart = Callable[[RequestHead, App], Answer]
"""Begins a hand-off for a top-level navigation; for anything else 401 and where a navigation may begin (L18)."""


class OwnPaths(Protocol):
    """Answers everything under ``/.gateway/`` on an app host."""

    async def handle(self, request: web.BaseRequest, head: RequestHead, app: App) -> web.StreamResponse:
        """The whole answer; its words for the log are left in the request."""


class ProtectedDoor:
    """Everything that reaches an app host."""

    def __init__(
        self, table: RouteTable, forwarding: Mapping[str, AppForwarding], gate: Gate, own: OwnPaths, sign_in: SignInStart, clock: Clock
    ) -> None:
        """``forwarding``: the way to each app, by its name."""
        self._table = table
        self._forwarding = forwarding
        self._gate = gate
        self._own = own
        self._sign_in = sign_in
        self._clock = clock

    async def handle(self, request: web.BaseRequest, head: RequestHead) -> web.StreamResponse:
        """The whole answer; the words for the access log are left in ``request``."""
        app = self._table.host(head.authority)
        if not isinstance(app, App):
            return self._refused(request, head, Malformed(421, "unknown_host"))
        if is_own(head.path):
            return await self._own.handle(request, head, app)
        rule = place_of(app, head.path)
        if isinstance(rule, Malformed):
            return self._refused(request, head, rule)
        request[ROUTE] = rule.pattern
        if kind_of(head) is Kind.WEBSOCKET and not _may_open_websocket(head, app):
            return self._refused(request, head, Malformed(403, "websocket_origin"))
        comer = await self._gate.comer(head, rule)
        request[FINGERPRINT] = comer.shown
        verdict = judge_at(rule, head.method, comer.finding, self._clock.wall())
        if isinstance(verdict, Admit):
            return await self._forward(request, head, app, Going(rule, verdict.session, comer))
        request[VERDICT], request[REASON] = _word(verdict), verdict.reason
        return _closing(request, self._explained(head, app, rule, comer, verdict))

    def at_once(self, client: Client, asked: Asked, head: RequestHead, app: App, over: Callable[[Relay], None]) -> Going | None:
        """Forward a request without a body now, its answer straight to ``client``, where nobody has to be waited for.

        None for everything else, and then nothing was sent: ``handle`` has it. ``over`` is called once when all is done.
        """
        path = head.path
        if is_own(path):
            return None
        rule = place_of(app, path)
        if isinstance(rule, Malformed) or kind_of(head) is Kind.WEBSOCKET:
            return None
        comer = self._gate.recalled(head, rule)
        if comer is None:
            return None
        verdict = judge_at(rule, head.method, comer.finding, self._clock.wall())
        if not isinstance(verdict, Admit):
            return None
        going = Going(rule, verdict.session, comer)
        if self._forwarding[app.name].at_once(client, asked, head, app, going, over) is None:
            return None
        if going.session is not None:
            self._gate.touch(comer, head)
        return going

    async def _forward(self, request: web.BaseRequest, head: RequestHead, app: App, going: Going) -> web.StreamResponse:
        request[VERDICT], request[REASON] = "admit", ""
        if going.session is not None:
            self._gate.touch(going.comer, head)
        try:
            response = await self._forwarding[app.name].forward(request, head, app, going)
        except OutsideFailed as error:
            request[REASON] = f"upstream_{error.reason}"
            return _closing(request, self.down(head, app, error))
        if isinstance(response, Malformed):
            return self._refused(request, head, response)
        if isinstance(response, RelayedResponse):
            request[REASON] = response.abandoned
        return response

    def _explained(self, head: RequestHead, app: App, rule: Rule, comer: Comer, verdict: SignIn | StepUp | Forbid | Unavailable) -> Answer:
        match verdict:
            case SignIn():
                return self._sign_in(head, app)
            case Unavailable(reason, seconds):
                told: dict[str, object] = {"error": "unavailable", "reason": reason, "retry_after_seconds": seconds}
                retry = (b"Retry-After", b"%d" % seconds)
                return self._said(head, UnavailablePage(reason, seconds)) or json_answer(503, told, retry)
            case Forbid("method"):
                allow = (b"Allow", ", ".join(sorted(rule.methods or ())).encode("ascii"))
                answer = self._said(head, BadRequest(405, "method")) or json_answer(405, {"error": "method"})
                return answer.plus(allow)
            case Forbid(reason, login):
                return self._said(head, Forbidden(login or "", reason)) or json_answer(403, {"error": "forbidden", "reason": reason})
            case StepUp(reason):
                login = comer.finding.login if isinstance(comer.finding, Session) else ""
                return self._said(head, Forbidden(login, f"step_up_{reason}")) or json_answer(403, {"error": "step_up", "reason": reason})
            case _:
                assert_never(verdict)

    def down(self, head: RequestHead, app: App, error: OutsideFailed) -> Answer:
        """What is said where the app gave no answer that could be passed on."""
        has_no_room = isinstance(error, AllDown | Busy)
        status = 503 if has_no_room else 504 if isinstance(error, TimedOut) else 502
        told = {"error": "upstream_down", "reason": error.reason}
        answer = self._said(head, UpstreamDown(app.name, status, error.reason)) or json_answer(status, told)
        return answer.plus((b"Retry-After", b"%d" % RETRY_SECONDS)) if has_no_room else answer

    def _refused(self, request: web.BaseRequest, head: RequestHead, malformed: Malformed) -> web.StreamResponse:
        request[VERDICT], request[REASON] = "refused", malformed.reason
        told = {"error": malformed.reason}
        answer = self._said(head, BadRequest(malformed.status, malformed.reason)) or json_answer(malformed.status, told)
        return to_response(answer, closes=True)

    def _said(self, head: RequestHead, view: View) -> Answer | None:
        """The page, where the asker shows pages."""
        return page(view, self._clock, *self._table.origins) if kind_of(head) is not Kind.WEBSOCKET and is_document(head) else None


def _word(verdict: Verdict) -> str:
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
        case _:
            assert_never(verdict)


def _closing(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    """The answer; where a body was announced that nobody will read, the connection ends behind it (S14)."""
    return to_response(answer, closes=request.body_exists and not request.content.is_eof())


def _may_open_websocket(head: RequestHead, app: App) -> bool:
    """Whether the page that asks may (U6): a foreign one never; none at all only without the cookie that a browser would add."""
    origins = head.values(b"origin")
    if not origins:
        return all(name != PASS_NAME for name, _ in pairs(head.fields))
    return len(origins) == 1 and origins[0].decode("latin-1") in (app.origin, *app.websocket_origins)
