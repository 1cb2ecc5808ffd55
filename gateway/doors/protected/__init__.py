"""The app door: what stands between a browser and a protected app.

    own path? ─▶ does it have a server? ─▶ decision (doors.deciding) ─▶ forward, or say why not

Owns that order. Must never forward anything under ``/.gateway/``, or a request that ``judge`` did not admit; then the app sees nothing of
it, not even its head (O1).
Rules from: DESIGN section 5; ATTACKS O1, P1 to P24, S14, U6, U7, L18, D5.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from aiohttp import web

from gateway.clock import Clock
from gateway.core.admission import Admit, SignIn, is_about_somebody
from gateway.core.messages import Answer, Malformed, RequestHead
from gateway.core.routing import App, RouteTable, Rule, is_own, place_of
from gateway.doors.answers import json_answer, to_response
from gateway.doors.deciding import Decisions
from gateway.doors.explaining import Explaining, word
from gateway.doors.gate import NOBODY, Comer, Gate
from gateway.doors.notes import FINGERPRINT, REASON, ROUTE, VERDICT
from gateway.doors.protected.app_cookies import AppCookies
from gateway.doors.protected.familiar import Familiar, Familiars
from gateway.doors.protected.forwarding import AppForwarding, Face
from gateway.doors.protected.going import Going, Line
from gateway.doors.protected.lasting import Lasting
from gateway.errors import AllDown, Busy, OutsideFailed, TimedOut
from gateway.pages import UpstreamDown
from gateway.proxy.heads import Asked
from gateway.proxy.relay import Client, Owner
from gateway.proxy.relayed import RelayedResponse

__all__ = [
    "AppCookies",
    "AppForwarding",
    "Face",
    "Familiar",
    "Familiars",
    "Gate",
    "Going",
    "Lasting",
    "Line",
    "OwnPaths",
    "ProtectedDoor",
    "SignInStart",
]

RETRY_SECONDS = 5
"""After so long a server of an app is tried again (``core.standing``), and somebody else's request may have ended."""

_NO_UPSTREAM = Malformed(404, "no_upstream")
"""A front proxy carries this app: had it been asked for there, this would be a request for the app."""

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
        """``forwarding``: the way to each app, by its name; an app without one is carried by a front proxy."""
        self._table = table
        self._forwarding = forwarding
        self._gate = gate
        self._decisions = Decisions(gate, clock)
        self._explaining = Explaining(table, clock)
        self._own = own
        self._sign_in = sign_in

    async def handle(self, request: web.BaseRequest, head: RequestHead) -> web.StreamResponse:
        """The whole answer; the words for the access log are left in ``request``."""
        app = self._table.host(head.authority)
        if not isinstance(app, App):
            return self._refused(request, head, Malformed(421, "unknown_host"))
        if is_own(head.path):
            return await self._own.handle(request, head, app)
        if app.name not in self._forwarding:
            return self._refused(request, head, _NO_UPSTREAM)
        verdict, rule, comer = await self._decisions.made(head, app)
        if rule.pattern:
            request[ROUTE] = rule.pattern
        if isinstance(verdict, Malformed):
            return self._refused(request, head, verdict)
        request[FINGERPRINT] = comer.shown
        if isinstance(verdict, Admit):
            return await self._forward(request, head, app, Going.under(rule, verdict.session, comer, head))
        request[VERDICT], request[REASON] = word(verdict), verdict.reason
        if isinstance(verdict, SignIn):
            return _closing(request, self._sign_in(head, app))
        return _closing(request, self._explaining.verdict(head, rule, comer, verdict))

    def at_once(self, client: Client, asked: Asked, known: Familiar, line: Line, owner: Owner) -> Going | None:
        """Forward a request without a body, its answer straight to ``client``, where Okta need not be waited for.

        None for everything else, and then nothing was sent: ``handle`` has it. ``owner`` is told once when all is done.
        """
        forwarding = self._forwarding.get(known.app.name)
        method = line.method
        path = line.target.partition("?")[0]
        rule = place_of(known.app, path) if forwarding is not None and not is_own(path) else None
        if forwarding is None or rule is None or isinstance(rule, Malformed):
            return None
        comer = self._recalled(known, rule, method)
        verdict = self._decisions.verdict(rule, method, comer) if comer is not None else None
        if comer is None or not isinstance(verdict, Admit):
            return None
        going = known.going
        if going is None or going.rule is not rule or going.comer is not comer:
            going = known.going = Going.under(rule, verdict.session, comer, known.head)
        if not forwarding.at_once(client, asked, known, line, going, owner):
            return None
        if going.session is not None:
            self._gate.touch(comer, known.head)
        return going

    def _recalled(self, known: Familiar, rule: Rule, method: str) -> Comer | None:
        if not is_about_somebody(rule, method):
            return NOBODY
        if known.comer is not None and known.good is not None and self._gate.is_good(known.good):
            return known.comer
        if known.presented is None:
            known.presented = self._gate.presented(known.head)
        known.comer = self._gate.recalled_by(known.presented, known.head)
        known.good = self._gate.good_until(known.comer) if known.comer is not None else None
        return known.comer

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

    def down(self, head: RequestHead, app: App, error: OutsideFailed) -> Answer:
        """What is said where the app gave no answer that could be passed on."""
        has_no_room = isinstance(error, AllDown | Busy)
        status = 503 if has_no_room else 504 if isinstance(error, TimedOut) else 502
        told = {"error": "upstream_down", "reason": error.reason}
        answer = self._explaining.said(head, UpstreamDown(app.name, status, error.reason)) or json_answer(status, told)
        return answer.plus((b"Retry-After", b"%d" % RETRY_SECONDS)) if has_no_room else answer

    def _refused(self, request: web.BaseRequest, head: RequestHead, malformed: Malformed) -> web.StreamResponse:
        request[VERDICT], request[REASON] = "refused", malformed.reason
        return to_response(self._explaining.malformed(head, malformed), closes=True)


def _closing(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    """The answer; where a body was announced that nobody will read, the connection ends behind it (S14)."""
    return to_response(answer, closes=request.body_exists and not request.content.is_eof())
