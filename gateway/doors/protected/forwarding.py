"""The way to one app and back: what it is told, what it is not, and what of its answer may be kept by whom.

Owns the choice of the fields both ways (the rules are in ``core.fields``, one function for requests, events and WebSockets alike, H8)
and the registration of what is open under a session. Must never be asked before ``judge`` admitted. Rules from: DESIGN section 5.6
and 5.7; ATTACKS group H, C12, C16, H23, L15.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from gateway.core.cookies import not_the_apps
from gateway.core.fields import FieldRules, Forwarding, answered, to_app
from gateway.core.messages import Fields, Malformed, RequestHead
from gateway.core.navigation import is_document
from gateway.core.prefixes import Prefixes
from gateway.core.rewriting import Rewriting
from gateway.core.routing import Access, App, Rule
from gateway.core.session import Session
from gateway.doors.gate import Comer, Gate
from gateway.doors.protected.lasting import Lasting, Watch
from gateway.errors import HungUp, UploadTooLarge
from gateway.proxy.handshake import is_handshake
from gateway.proxy.heads import Asked, request_head
from gateway.proxy.http import HttpProxy
from gateway.proxy.relay import Client, Relay, Rewrite
from gateway.proxy.websocket import WebSocketRelay

_OUTSIDE = Malformed(404, "outside_prefix")
_TOO_LARGE = Malformed(413, "body_too_large")


@dataclass(frozen=True, slots=True)
class Going:
    """An admitted request: under which rule, as whom (None: the app is told nobody), and what was known of its browser."""

    rule: Rule
    session: Session | None
    comer: Comer


@dataclass(frozen=True, slots=True)
class Face:
    """What an app sees: ``rules`` say what it is told, ``host`` by which name it is called; ``rewriting`` None: it knows its public name.

    ``is_sticky``: one session goes to one of its servers.
    """

    rules: FieldRules
    host: str
    prefixes: Prefixes = field(default_factory=Prefixes)
    rewriting: Rewriting | None = None
    is_sticky: bool = False


@dataclass(frozen=True, slots=True)
class AppForwarding:
    """Forwards to one app."""

    face: Face
    http: HttpProxy
    websocket: WebSocketRelay
    gate: Gate
    lasting: Lasting

    async def forward(self, request: web.BaseRequest, head: RequestHead, app: App, going: Going) -> web.StreamResponse | Malformed:
        """The app's answer, streamed; 400 for fields that two servers could read in two ways, 404 for a path outside of the app's prefix,
        413 for a body that is larger than the app's ``HttpProxy`` passes on.

        Raises ``OutsideFailed`` before its head.
        """
        upgrade = is_handshake(request)
        outgoing = self._outgoing(head, app, going, upgrade)
        if isinstance(outgoing, Malformed):
            return outgoing
        target, fields = outgoing
        rewrite, key = self._rewrite(head, going), self._key(going)
        watch = _watch(going)
        fingerprints = watch.fingerprints if watch is not None else ()
        with self.lasting.watched(watch, head):
            if upgrade:
                return await self.websocket.relay(request, target, fields, rewrite, fingerprints, key)
            with self.websocket.live.held(fingerprints, lambda: _cut(request)):
                try:
                    return await self.http.forward(request, head.method, target, fields, rewrite, key)
                except UploadTooLarge:
                    return _TOO_LARGE

    def at_once(
        self, client: Client, asked: Asked, head: RequestHead, app: App, going: Going, over: Callable[[Relay], None]
    ) -> Relay | None:
        """Send a request without a body now, over a connection that is free, its answer straight to ``client``.

        None where that is not possible: then nothing was sent. ``over`` is called once when all is done, whatever came of it.
        """
        outgoing = self._outgoing(head, app, going, upgrade=False)
        if isinstance(outgoing, Malformed):
            return None
        text = request_head(head.method, *outgoing)
        connection = self.http.source.idle(self._key(going))
        if connection is None:
            return None
        live, lasting, watch = self.websocket.live, self.lasting, _watch(going)

        def ended(relay: Relay) -> None:
            if watch is not None:
                live.release(watch.fingerprints, relay.cut)
                lasting.release(watch)
            over(relay)

        relay = Relay(client, connection, asked, self._rewrite(head, going), ended)
        try:
            connection.begin(text, relay, bare=asked.is_head)
        except HungUp:
            client.relay = None
            return None
        if watch is not None:
            live.hold(watch.fingerprints, relay.cut)
            lasting.hold(watch, head)
        return relay

    def _outgoing(self, head: RequestHead, app: App, going: Going, upgrade: bool) -> tuple[str, Fields] | Malformed:
        """The target and the fields that the app is sent."""
        face = self.face
        public = app.origin.partition("://")[2]
        forwarding = Forwarding(head.client, head.peer, "https" if head.secure else "http", public)
        fields = to_app(head.fields, face.rules, going.session, forwarding, not_the_apps, upgrade)
        if isinstance(fields, Malformed):
            return fields
        if face.host != public:
            fields = ((b"Host", face.host.encode("ascii")), *fields[1:])
        if face.rewriting is None:
            return head.target, fields
        target = face.prefixes.inner(head.target)
        return _OUTSIDE if target is None else (target, fields)

    def _rewrite(self, head: RequestHead, going: Going) -> Rewrite:
        """From the app's answer to what its user may see again."""
        is_private = going.session is not None or going.rule.access is not Access.ANYONE
        rewriting = self.face.rewriting

        def rewrite(status: int, fields: Fields) -> Fields:
            kept = answered(fields, is_private and status != 101, is_document(head))
            if rewriting is not None:
                kept = rewriting.answer(kept)
            return (*kept, *self.gate.renewed(going.comer, head)) if is_private and status != 101 else kept

        return rewrite

    def _key(self, going: Going) -> bytes | None:
        return going.session.id.encode("utf-8", "surrogatepass") if self.face.is_sticky and going.session is not None else None


def _watch(going: Going) -> Watch | None:
    """Whose session it is that lets this request last; None where it goes as nobody."""
    held = going.comer.held
    return Watch(going.comer.fingerprints, held.cookies, going.session) if going.session is not None and held is not None else None


def _cut(request: web.BaseRequest) -> None:
    """Break the client's connection; its going cancels the request, and that releases the app."""
    if request.transport is not None:
        request.transport.abort()
