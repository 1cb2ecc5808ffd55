"""The way to one app and back: what it is told, what it is not, and what of its answer may be kept by whom.

Owns the choice of the fields both ways (the rules are in ``core.fields``, one function for requests, events and WebSockets alike, H8)
and the registration of what is open under a session. Must never be asked before ``judge`` admitted. Rules from: DESIGN section 5.6
and 5.7; ATTACKS group H, C12, C16, H23, L15.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.core.app_cookies import KeepCookie
from gateway.core.cookies import not_the_apps
from gateway.core.fields import FieldRules, answered, to_app
from gateway.core.fields import Forwarding as Way
from gateway.core.learned import Recent
from gateway.core.messages import Fields, Malformed, RequestHead
from gateway.core.prefixes import Prefixes
from gateway.core.rewriting import Rewriting
from gateway.core.routing import Access, App
from gateway.doors.gate import Gate
from gateway.doors.protected.going import Going
from gateway.doors.protected.lasting import Lasting
from gateway.edge.forwarding import Forwarding, Passage
from gateway.edge.handshake import is_handshake
from gateway.edge.http_proxy import HttpProxy
from gateway.edge.pins import Asker, Pinning
from gateway.edge.relay import Rewrite
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.rules import Waiting
from gateway.edge.websocket import WebSocketRelay
from gateway.errors import OutsideFailed
from gateway.policy.http.caching import Use, asked_again, use_of
from gateway.policy.http.outgoing import END, app_lines, cookie_line, identity_text, way_text
from gateway.policy.http.request_heads import Block, FieldLine
from gateway.proxy.fetching import Taking
from gateway.proxy.heads import field_lines
from gateway.proxy.turn import Turn

_OUTSIDE = Malformed(404, "outside_prefix")
MOST_COOKIES, LONGEST_COOKIES = 512, 2048
"""Twice so many lines of cookies are remembered for an app, of at most so many bytes: 2 MiB."""
_CHUNKED = b"Transfer-Encoding: chunked\r\n"
SWITCHING_PROTOCOLS = 101

Fails = Callable[[Request, RequestHead, App, OutsideFailed | Malformed], Response]
"""What is said to a request whose answer could not be passed on, or that could not be sent."""


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
    cookies: Recent[bytes, bytes] = field(default_factory=lambda: Recent(MOST_COOKIES), repr=False, compare=False)
    _usual: tuple[tuple[Rewrite, ...], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """``_usual``: what becomes of most answers, whoever asked, by whether the answer is private, and by its use."""
        usual = tuple(tuple(_usually(is_private, use, self.keep_cookie) for use in Use) for is_private in (False, True))
        object.__setattr__(self, "_usual", usual)

    def begin(self, request: Request, head: RequestHead, app: App, going: Going, failed: Fails) -> Waiting | Malformed | None:
        """Send it, and its answer straight back: None; or what waits for the end of a WebSocket.

        Or 400 for fields that two servers could read in two ways, 404 for a path outside of the app's prefix.
        ``failed``: what is said where the app gives no answer, or the body is larger than this app's may be.
        """
        if b"upgrade" in request.named and is_handshake(request):
            return self._websocket(request, head, app, going, failed)
        outgoing = self._outgoing(request, head, app, going)
        if isinstance(outgoing, Malformed):
            return outgoing
        text, taking = outgoing
        passage = Passage(
            text,
            taking,
            self._rewrite(head, going),
            lambda error: failed(request, head, app, error),
            self.turn,
            (self.websocket.live.brief, going.watch),
            (self.http.largest_body, self.http.small_body),
        )
        Forwarding(request, passage).begin()
        if going.watch is not None:
            self.lasting.look_soon()
        return None

    async def _websocket(self, request: Request, head: RequestHead, app: App, going: Going, failed: Fails) -> Response:
        fields = self._fields(head, app, going, upgrade=True)
        target = self._target(head)
        if isinstance(fields, Malformed) or target is None:
            return failed(request, head, app, fields if isinstance(fields, Malformed) else _OUTSIDE)
        fingerprints = going.watch.fingerprints if going.watch is not None else ()
        asker = Asker.of(head, going.session, fingerprints, self._key(going))
        try:
            with self.lasting.watched(going.watch):
                response = await self.websocket.relay(request, target, fields, self._rewrite(head, going), asker)
        except OutsideFailed as error:
            return failed(request, head, app, error)
        request.reason = response.abandoned
        return response

    def _outgoing(self, request: Request, head: RequestHead, app: App, going: Going) -> tuple[bytes, Taking] | Malformed:
        """The head that the app is sent, and how a connection for it is taken."""
        target = self._target(head)
        if target is None:
            return _OUTSIDE
        is_chunked = request.body is not None and request.body.length is None
        lines = self._lines(request, head, app, going)
        if lines is None:
            fields = self._fields(head, app, going, upgrade=False)
            if isinstance(fields, Malformed):
                return fields
            lines = [field_lines(fields)[: -len(END)]]
        if is_chunked:
            lines.append(_CHUNKED)
        lines.append(END)
        return f"{head.method} {target} HTTP/1.1\r\n".encode("ascii") + b"".join(lines), self._taking(request, head, going)

    def _lines(self, request: Request, head: RequestHead, app: App, going: Going) -> list[bytes] | None:
        """The lines behind the first, as far as they need not be read; None where they must be."""
        known, rules = going.comer.known, self.face.rules
        block = request.block
        text = block.kept[1] if isinstance(block.kept, tuple) and block.kept[0] is self else self._kept(block)
        if text is None:
            return None
        kept = [text]
        host, way = way_text(Way(head.client, "https" if head.secure else "http", app.origin.partition("://")[2]), self.face.host)
        kept.insert(0, host)
        kept.append(way)
        session = going.session
        if session is not None and known is not None:
            if known.identity_of is not session:
                known.identity, known.identity_of = identity_text(rules, session), session
            kept.append(known.identity)
        elif session is not None:
            kept.append(identity_text(rules, session))
        return kept

    def _kept(self, block: Block) -> bytes | None:
        """What goes on of these lines; None where they must be read."""
        lines = app_lines(block.lines, self.face.rules, self._cookie_line)
        text = b"".join(lines) if lines is not None else None
        block.kept = (self, text)
        return text

    def _cookie_line(self, line: FieldLine) -> bytes:
        """What goes on in place of this ``Cookie`` line."""
        found = self.cookies.get(line.text)
        if found is None:
            found = cookie_line(line, not_the_apps)
            if len(line.text) <= LONGEST_COOKIES:
                self.cookies.keep(line.text, found)
        return found

    def _taking(self, request: Request, head: RequestHead, going: Going) -> Taking:
        """From everybody's connections, or, where a user signs in to one, from this user's own."""
        pins = request.client.pins
        if b"authorization" not in request.named and (pins is None or not pins.is_holding):
            return Taking(self.http.source, self._key(going), head.client)
        fingerprints = going.watch.fingerprints if going.watch is not None else ()
        asker = Asker.of(head, going.session, fingerprints, self._key(going))
        return Pinning.of(self.http.source, asker, self.websocket.live, request.client, head.fields)

    def _target(self, head: RequestHead) -> str | None:
        """What the app is asked for; None for a path outside of its prefix."""
        return head.target if self.face.rewriting is None else self.face.prefixes.inner(head.target)

    def _fields(self, head: RequestHead, app: App, going: Going, upgrade: bool) -> Fields | Malformed:
        face = self.face
        public = app.origin.partition("://")[2]
        forwarding = Way(head.client, "https" if head.secure else "http", public)
        fields = to_app(head.fields, face.rules, going.session, forwarding, not_the_apps, upgrade)
        if isinstance(fields, Malformed) or face.host == public:
            return fields
        return ((b"Host", face.host.encode("ascii")), *fields[1:])

    def _rewrite(self, head: RequestHead, going: Going) -> Rewrite:
        """From the app's answer to what its user may see again."""
        is_private = going.session is not None or going.rule.access is not Access.ANYONE
        rewriting = self.face.rewriting
        as_it_is = self._usual[is_private][use_of(head)]
        if rewriting is None and not going.comer.is_stale:
            return as_it_is

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
