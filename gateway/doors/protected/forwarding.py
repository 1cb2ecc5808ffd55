"""The way to one app and back: what it is told, what it is not, and what of its answer may be kept by whom.

Owns the choice of the fields both ways (the rules are in ``core.fields``, one function for requests, events and WebSockets alike, H8)
and the registration of what is open under a session. Must never be asked before ``judge`` admitted. Rules from: DESIGN section 5.6
and 5.7; ATTACKS group H, C12, C16, H23, L15.
"""

from dataclasses import dataclass

from aiohttp import web

from gateway.core.cookies import is_gateway_name, is_okta_name
from gateway.core.fields import FieldRules, Forwarding, from_app, private, to_app
from gateway.core.messages import Fields, Malformed, RequestHead
from gateway.core.navigation import is_document
from gateway.core.routing import Access, App, Rule
from gateway.core.session import Session
from gateway.doors.protected.gate import Comer, Gate
from gateway.proxy.handshake import is_handshake
from gateway.proxy.http import HttpProxy
from gateway.proxy.websocket import WebSocketRelay


@dataclass(frozen=True, slots=True)
class Going:
    """An admitted request: under which rule, as whom (None: the app is told nobody), and what was known of its browser."""

    rule: Rule
    session: Session | None
    comer: Comer


@dataclass(frozen=True, slots=True)
class AppForwarding:
    """Forwards to one app; ``rules`` say what it is told."""

    rules: FieldRules
    http: HttpProxy
    websocket: WebSocketRelay
    gate: Gate

    async def forward(self, request: web.BaseRequest, head: RequestHead, app: App, going: Going) -> web.StreamResponse | Malformed:
        """The app's answer, streamed; 400 for fields that two servers could read in two ways. Raises ``OutsideFailed`` before its head."""
        upgrade = is_handshake(request)
        fields = to_app(head.fields, self.rules, going.session, _forwarding(head, app), _is_not_the_apps, upgrade)
        if isinstance(fields, Malformed):
            return fields

        def rewrite(status: int, answered: Fields) -> Fields:
            own = from_app(answered)
            if status == 101 or (going.session is None and going.rule.access is Access.ANYONE):
                return own
            return (*private(own, is_document(head)), *self.gate.renewed(going.comer, head))

        fingerprints = going.comer.fingerprints if going.session is not None else ()
        if upgrade:
            return await self.websocket.relay(request, head.target, fields, rewrite, fingerprints)
        with self.websocket.live.held(fingerprints, lambda: _cut(request)):
            return await self.http.forward(request, head.method, head.target, fields, rewrite)


def _forwarding(head: RequestHead, app: App) -> Forwarding:
    return Forwarding(head.client, head.peer, "https" if head.secure else "http", app.origin.partition("://")[2])


def _is_not_the_apps(name: bytes, value: bytes) -> bool:
    return is_gateway_name(name) or is_okta_name(name)


def _cut(request: web.BaseRequest) -> None:
    """Break the client's connection; its going cancels the request, and that releases the app."""
    if request.transport is not None:
        request.transport.abort()
