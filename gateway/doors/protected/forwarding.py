"""The way to one app and back: what it is told, what it is not, and what of its answer may be kept by whom.

Owns the choice of the fields both ways (the rules are in ``core.fields``, one function for requests, events and WebSockets alike, H8)
and the registration of what is open under a session. Must never be asked before ``judge`` admitted. Rules from: DESIGN section 5.6
and 5.7; ATTACKS group H, C12, C16, H23, L15.
"""

from dataclasses import dataclass, field

from aiohttp import web

from gateway.core.app_cookies import KeepCookie
from gateway.core.cookies import not_the_apps
from gateway.core.fields import FieldRules, Forwarding, answered, passes, to_app
from gateway.core.messages import Fields, Malformed, RequestHead
from gateway.core.prefixes import Prefixes
from gateway.core.rewriting import Rewriting
from gateway.core.routing import Access, App
from gateway.core.varying import around, filled
from gateway.doors.gate import Gate
from gateway.doors.protected.familiar import Familiar
from gateway.doors.protected.going import Going, Line
from gateway.doors.protected.lasting import Lasting
from gateway.doors.protected.sending import Sending
from gateway.errors import UploadTooLarge
from gateway.policy.http.caching import Use, asked_again, use_of
from gateway.policy.http.connection_auth import signs_in_connection
from gateway.proxy.handshake import is_handshake
from gateway.proxy.heads import Asked, field_lines
from gateway.proxy.http import HttpProxy
from gateway.proxy.pins import Asker
from gateway.proxy.relay import Client, Owner, Rewrite
from gateway.proxy.turn import Turn
from gateway.proxy.websocket import WebSocketRelay

_OUTSIDE = Malformed(404, "outside_prefix")
SWITCHING_PROTOCOLS = 101
_TOO_LARGE = Malformed(413, "body_too_large")


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
    turn: Turn
    keep_cookie: KeepCookie
    _usual: tuple[tuple[Rewrite, ...], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """``_usual``: what becomes of most answers, whoever asked, by whether the answer is private, and by its use."""
        usual = tuple(tuple(_usually(is_private, use, self.keep_cookie) for use in Use) for is_private in (False, True))
        object.__setattr__(self, "_usual", usual)

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
        rewrite = self._rewrite(head, going)
        fingerprints = going.watch.fingerprints if going.watch is not None else ()
        asker = Asker.of(head, going.session, fingerprints, self._key(going))
        with self.lasting.watched(going.watch):
            if upgrade:
                return await self.websocket.relay(request, target, fields, rewrite, asker)
            with self.websocket.live.held(fingerprints, lambda: _cut(request)):
                try:
                    return await self.http.forward(request, head.method, target, fields, rewrite, asker)
                except UploadTooLarge:
                    return _TOO_LARGE

    def at_once(self, client: Client, asked: Asked, known: Familiar, line: Line, going: Going, owner: Owner) -> bool:
        """Send a request without a body in this turn of the loop, or as soon as a connection is free, its answer straight to ``client``.

        False where it may not be sent so. ``owner`` is told once when all is done, whatever came of it.
        """
        if client.pins is not None and client.pins.is_holding:
            return False
        target = line.target
        if self.face.rewriting is not None:
            inner = self.face.prefixes.inner(target)
            if inner is None:
                return False
            target = inner
        pieces = known.pieces if known.told is going.session and known.pieces else self._pieces(known, going)
        if not pieces:
            return False
        head = f"{line.method} {target} HTTP/1.1\r\n".encode("ascii") + filled(pieces, line.values)
        address = known.head.client
        sending = Sending(self.http.source, head, self._key(going), address, asked, self.websocket.live.brief, going.watch, owner)
        sending.begin(client, self._rewriting(known, going), self.turn)
        if going.watch is not None:
            self.lasting.look_soon()
        return True

    def _pieces(self, known: Familiar, going: Going) -> tuple[bytes, ...]:
        """The app's lines behind the first, around the values that vary; none where they are refused, sign in to a connection, or
        are no place for other values."""
        fields = self._fields(known.head, known.app, going, upgrade=False)
        if (
            isinstance(fields, Malformed)
            or signs_in_connection(fields)
            or not all(passes(self.face.rules, name) for name, _ in known.pairs)
        ):
            return ()
        known.pieces, known.told = around(field_lines(fields), known.pairs) or (), going.session
        return known.pieces

    def _outgoing(self, head: RequestHead, app: App, going: Going, upgrade: bool) -> tuple[str, Fields] | Malformed:
        """The target and the fields that the app is sent."""
        fields = self._fields(head, app, going, upgrade)
        if isinstance(fields, Malformed) or self.face.rewriting is None:
            return fields if isinstance(fields, Malformed) else (head.target, fields)
        target = self.face.prefixes.inner(head.target)
        return _OUTSIDE if target is None else (target, fields)

    def _fields(self, head: RequestHead, app: App, going: Going, upgrade: bool) -> Fields | Malformed:
        face = self.face
        public = app.origin.partition("://")[2]
        forwarding = Forwarding(head.client, "https" if head.secure else "http", public)
        fields = to_app(head.fields, face.rules, going.session, forwarding, not_the_apps, upgrade)
        if isinstance(fields, Malformed) or face.host == public:
            return fields
        return ((b"Host", face.host.encode("ascii")), *fields[1:])

    def _rewriting(self, known: Familiar, going: Going) -> Rewrite:
        """As ``_rewrite``."""
        is_private = going.session is not None or going.rule.access is not Access.ANYONE
        if self.face.rewriting is not None or going.comer.is_stale:
            return self._rewrite(known.head, going)
        return self._usual[is_private][known.use]

    def _rewrite(self, head: RequestHead, going: Going) -> Rewrite:
        """From the app's answer to what its user may see again."""
        is_private = going.session is not None or going.rule.access is not Access.ANYONE
        rewriting = self.face.rewriting
        as_it_is = self._usual[is_private][use_of(head)]

        def rewrite(status: int, fields: Fields) -> Fields:
            kept = as_it_is(status, fields)
            if rewriting is not None:
                kept = rewriting.answer(kept)
            return (*kept, *self.gate.renewed(going.comer, head)) if is_private and status != 101 else kept

        return rewrite

    def _key(self, going: Going) -> bytes | None:
        return going.session.id.encode("utf-8", "surrogatepass") if self.face.is_sticky and going.session is not None else None


def _usually(is_private: bool, use: Use, keep_cookie: KeepCookie) -> Rewrite:
    """What becomes of most answers, whoever asked."""
    is_page = use is Use.PAGE

    def rewrite(status: int, fields: Fields) -> Fields:
        if not is_private or status == SWITCHING_PROTOCOLS:
            return answered(fields, False, is_page, keep_cookie)
        kept = answered(fields, True, is_page, keep_cookie)
        return kept if is_page else asked_again(kept, fields, use)

    return rewrite


def _cut(request: web.BaseRequest) -> None:
    """Break the client's connection; its going cancels the request, and that releases the app."""
    if request.transport is not None:
        request.transport.abort()
