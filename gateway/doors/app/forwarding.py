"""Forwards an admitted request to one app and relays the answer.

Owns which fields the app gets, which fields the browser gets back, and who may cache the answer (the rules are in ``policy.http.fields``;
one function serves requests, event streams and WebSockets). Registers what stays open under a session. Must never be called before the
request was admitted.
"""

from dataclasses import dataclass, field

from gateway.doors.app.admitted import Admitted
from gateway.doors.app.face import Face
from gateway.doors.app.kept_lines import Kept
from gateway.doors.app.session_watcher import SessionWatcher
from gateway.doors.app.stripped_overrides import StrippedOverrides
from gateway.doors.app_sessions import AppSessions
from gateway.doors.deciding import Decision
from gateway.doors.pass_resolver import PassResolver
from gateway.edge.forwarding import Failed, Forwarding, ForwardingRules
from gateway.edge.handshake import is_handshake
from gateway.edge.http_proxy import HttpProxy
from gateway.edge.pins import Asker, Pinning
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.rules import Waiting
from gateway.edge.websocket import WebSocketRelay
from gateway.edge.write_batch import WriteBatch
from gateway.errors import OutsideFailed
from gateway.memo import RecentCache
from gateway.policy.http.answer_rewrites import SWITCHING_PROTOCOLS, Rewrite, Rewritten, usual_rewrite
from gateway.policy.http.app_cookies import KeepCookie
from gateway.policy.http.bound_cookies import BoundCookies
from gateway.policy.http.caching import Use, use_of
from gateway.policy.http.cookies import NotTheApps
from gateway.policy.http.fields import ForwardedFrom, to_app
from gateway.policy.http.messages import FieldLine, Fields, Malformed, RequestHead
from gateway.policy.http.outgoing import END, app_lines, cookie_line, identity_text, way_text
from gateway.policy.http.request_heads import Block
from gateway.policy.routing.routing import Access, App
from gateway.upstream.fetching import Taking
from gateway.upstream.heads import field_lines

_OUTSIDE = Malformed(404, "outside_prefix")
MOST_COOKIES, LONGEST_COOKIES = 512, 2048
"""``Cookie`` lines that are cached for an app: twice this many, each of at most ``LONGEST_COOKIES`` bytes; together at most 2 MiB."""
_CHUNKED = b"Transfer-Encoding: chunked\r\n"


@dataclass(frozen=True, slots=True)
class AppForwarding:
    """Forwards the requests of one app.

    ``pass_resolver``: knows which cookies no app may get. ``session_watcher``: watches the sessions of what stays open. ``batch``: collects
    the writes of one pass of the event loop (``WriteBatch``). ``keep_cookie``: judges each ``Set-Cookie`` of the app. ``app_sessions``:
    binds the app's own sessions to users. ``overrides``: logs override fields that are taken out. ``cookies``: a cache of ``Cookie`` lines.
    """

    face: Face
    http: HttpProxy
    websocket: WebSocketRelay
    pass_resolver: PassResolver
    session_watcher: SessionWatcher
    batch: WriteBatch
    keep_cookie: KeepCookie
    app_sessions: AppSessions | None = None
    overrides: StrippedOverrides | None = None
    cookies: RecentCache[bytes, bytes] = field(default_factory=lambda: RecentCache(MOST_COOKIES), repr=False, compare=False)
    _forwarded: RecentCache[str, tuple[bytes, bytes]] = field(init=False, default_factory=RecentCache, repr=False, compare=False)
    _rules: ForwardingRules = field(init=False, repr=False, compare=False)
    _usual: tuple[tuple[Rewrite, ...], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """``_usual``: the usual rewrites of answers, indexed by whether the answer is private, and by its ``Use``. All users share them."""
        refer = self.face.references.value if self.face.references is not None else None
        usual = tuple(tuple(usual_rewrite(is_private, use, self.keep_cookie, refer) for use in Use) for is_private in (False, True))
        object.__setattr__(self, "_usual", usual)
        rules = ForwardingRules(self.batch, self.websocket.open_connections.in_flight, self.http.largest_body, self.http.small_body)
        object.__setattr__(self, "_rules", rules)

    def begin(
        self, request: Request, head: RequestHead, app: App, admitted: Admitted, decision: Decision, failed: Failed
    ) -> Waiting | Malformed | None:
        """Send the request to the app; None: the answer is relayed as it comes. For a WebSocket: a coroutine that lasts until its end.

        ``Malformed``: 400 for fields that two servers could read in two ways, 404 for a path outside of the app's prefix. ``failed``:
        makes the answer where the app gives none, or where the body is larger than this app allows. ``decision``: caches the bytes that
        the app is sent, while the same decision holds for the same head.
        """
        bound = self._bound(head, admitted, decision)
        kept = request.block.kept
        is_kept = isinstance(kept, Kept) and kept.forwarding is self and kept.is_settled
        if not isinstance(kept, Kept) or not is_kept or (bound is not None and not bound.knows(kept.read)):
            kept = request.block.kept = self._kept(request.block, head, bound)
        if not kept.is_plain and b"upgrade" in request.named and is_handshake(request):
            return self._websocket(request, head, app, admitted, failed, bound)
        if self.http.uploads is not None and request.body is not None and request.body.length is None:
            return self._whole_upload(request, head, app, admitted, failed, bound)
        text = decision.text
        if not text or request.body is not None:
            made = self._text(request, kept, head, app, admitted, bound)
            if isinstance(made, Malformed):
                return made
            text = made
            if bound is not None and self.app_sessions is not None:
                self.app_sessions.report(bound)
            if request.body is None and kept.is_settled and (bound is None or bound.is_same_again):
                decision.text = text
        rewrite, watch = self._rewrite(kept.use, head, admitted, bound, decision), admitted.watch
        Forwarding(request, self._rules, text, self._taking(request, kept, head, admitted), rewrite, failed, watch).begin()
        if watch is not None:
            self.session_watcher.look_soon()
        return None

    def _bound(self, head: RequestHead, admitted: Admitted, decision: Decision) -> BoundCookies | None:
        """Which app sessions this request may carry (``BoundCookies``); None where the app's sessions are not bound to users."""
        if self.app_sessions is None:
            return None
        bound = decision.bound
        if bound is None:
            bound = self.app_sessions.bound(head, admitted.session, admitted.principal, self.pass_resolver.user_of_pass)
            if admitted.session is not None:
                decision.bound = bound
        return bound

    async def _websocket(
        self, request: Request, head: RequestHead, app: App, admitted: Admitted, failed: Failed, bound: BoundCookies | None
    ) -> Response:
        fields = self._fields(head, app, admitted, bound, upgrade=True)
        target = self._target(head)
        if isinstance(fields, Malformed) or target is None:
            return failed(request, fields if isinstance(fields, Malformed) else _OUTSIDE)
        if bound is not None and self.app_sessions is not None:
            self.app_sessions.report(bound)
        fingerprints = admitted.watch.fingerprints if admitted.watch is not None else ()
        asker = Asker.of(head, admitted.session, fingerprints, self._key(admitted))
        try:
            with self.session_watcher.watched(admitted.watch):
                response = await self.websocket.relay(request, target, fields, self._rewrite(use_of(head), head, admitted, bound), asker)
        except OutsideFailed as error:
            return failed(request, error)
        request.reason = response.abandoned
        return response

    async def _whole_upload(
        self, request: Request, head: RequestHead, app: App, admitted: Admitted, failed: Failed, bound: BoundCookies | None
    ) -> Response:
        """Store the body until it is complete, then send it with its length. The end of the session stops this in every stage."""
        fields = self._fields(head, app, admitted, bound, upgrade=False)
        target = self._target(head)
        uploads, body = self.http.uploads, request.body
        if isinstance(fields, Malformed) or target is None or uploads is None or body is None:
            return failed(request, fields if isinstance(fields, Malformed) else _OUTSIDE)
        if bound is not None and self.app_sessions is not None:
            self.app_sessions.report(bound)
        fingerprints = admitted.watch.fingerprints if admitted.watch is not None else ()
        asker = Asker.of(head, admitted.session, fingerprints, self._key(admitted))
        with self.websocket.open_connections.held(fingerprints, request.break_off), self.session_watcher.watched(admitted.watch):
            async with uploads.whole(body, head.client) as whole:
                if isinstance(whole, Malformed):
                    return failed(request, whole)
                request.body = whole
                sized = (*fields, (b"Content-Length", b"%d" % (whole.length or 0)))
                rewrite = self._rewrite(use_of(head), head, admitted, bound)
                try:
                    return await self.http.forward(request, head.method, target, sized, rewrite, asker)
                except OutsideFailed as error:
                    return failed(request, error)

    def _text(
        self, request: Request, kept: Kept, head: RequestHead, app: App, admitted: Admitted, bound: BoundCookies | None
    ) -> bytes | Malformed:
        """The request head that the app is sent, as bytes."""
        first = request.line.text
        if self.face.rewriting is not None:
            target = self._target(head)
            if target is None:
                return _OUTSIDE
            first = f"{head.method} {target} HTTP/1.1\r\n".encode("latin-1")
        framing = _CHUNKED if request.body is not None and request.body.length is None else b""
        if kept.text is None:
            fields = self._fields(head, app, admitted, bound, upgrade=False)
            return fields if isinstance(fields, Malformed) else b"".join((first, field_lines(fields)[: -len(END)], framing, END))
        host, forwarded = self._forwarded_lines(head, app)
        return b"".join((first, host, framing, kept.text, forwarded, self._identity(admitted), END))

    def _forwarded_lines(self, head: RequestHead, app: App) -> tuple[bytes, bytes]:
        """The ``Host`` line, and the ``X-Forwarded-*`` lines. They are always the same for one client, so they are cached."""
        key = head.client if head.secure else f"http {head.client}"
        found = self._forwarded.get(key)
        if found is None:
            found = way_text(self._forwarded_from(head, app), self.face.host, self.face.rules.constant)
            self._forwarded.keep(key, found)
        return found

    def _forwarded_from(self, head: RequestHead, app: App) -> ForwardedFrom:
        return ForwardedFrom(head.client, "https" if head.secure else "http", app.origin.partition("://")[2], self.face.prefix)

    def _identity(self, admitted: Admitted) -> bytes:
        """The identity lines that tell the app who the user is."""
        session, known = admitted.session, admitted.principal.known
        if session is None:
            return b""
        if known is None:
            return identity_text(self.face.rules, session)
        if known.identity_of is not session:
            known.identity, known.identity_of = identity_text(self.face.rules, session), session
        return known.identity

    def _kept(self, block: Block, head: RequestHead, bound: BoundCookies | None) -> Kept:
        """What this app gets of these header lines (``Kept``)."""
        if self.overrides is not None:
            self.overrides.note(block.named)
        unwanted = self.pass_resolver.not_the_apps(head)
        if bound is not None:
            bound.knows(None)

        def cookie(line: FieldLine) -> bytes:
            if bound is None:
                return self._cookie_line(line, unwanted)
            known = bound.known(line.value, unwanted)
            if known is not None:
                return b"%b: %b\r\n" % (line.spelled, known)
            bound.note_pass(line.value)
            return bound.text(self._cookie_line(line, unwanted))

        lines = app_lines(block.lines, self.face.rules, cookie)
        text = b"".join(lines) if lines is not None else None
        is_plain = b"upgrade" not in block.named and b"authorization" not in block.named
        return Kept(self, text, use_of(head), is_plain, bound.read if bound is not None else None, not unwanted.was_checked)

    def _cookie_line(self, line: FieldLine, unwanted: NotTheApps) -> bytes:
        """This ``Cookie`` line without the cookies that no app may get.

        It is cached, because it does not depend on the user; except if it holds a value of the user's pass, which may be in another line.
        """
        if unwanted.finds(line.value):
            return cookie_line(line, unwanted)
        found = self.cookies.get(line.text)
        if found is None:
            found = cookie_line(line, unwanted)
            if len(line.text) <= LONGEST_COOKIES and not unwanted.was_checked:
                self.cookies.keep(line.text, found)
        return found

    def _taking(self, request: Request, kept: Kept, head: RequestHead, admitted: Admitted) -> Taking:
        """Which connection the request may use: a shared one, or this user's own one.

        A user has an own connection if NTLM or Negotiate signed in on it (``edge.pins``).
        """
        pins = request.client.pins
        if (kept.is_plain or b"authorization" not in request.named) and (pins is None or not pins.is_holding):
            return Taking(self.http.source, self._key(admitted), head.client)
        fingerprints = admitted.watch.fingerprints if admitted.watch is not None else ()
        asker = Asker.of(head, admitted.session, fingerprints, self._key(admitted))
        return Pinning.of(self.http.source, asker, self.websocket.open_connections, request.client, head.fields)

    def _target(self, head: RequestHead) -> str | None:
        """The request target for the app; None for a path outside of its prefix."""
        return head.target if self.face.rewriting is None else self.face.prefixes.inner(head.target)

    def _fields(self, head: RequestHead, app: App, admitted: Admitted, bound: BoundCookies | None, upgrade: bool) -> Fields | Malformed:
        face = self.face
        public = app.origin.partition("://")[2]
        fields = to_app(
            head.fields, face.rules, admitted.session, self._forwarded_from(head, app), self.pass_resolver.not_the_apps(head), upgrade
        )
        if isinstance(fields, Malformed):
            return fields
        fields = bound.fields(fields) if bound is not None else fields
        return fields if face.host == public else ((b"Host", face.host.encode("ascii")), *fields[1:])

    def _rewrite(
        self, use: Use, head: RequestHead, admitted: Admitted, bound: BoundCookies | None, decision: Decision | None = None
    ) -> Rewrite:
        """The function that rewrites the app's answer for this user. It is cached in the decision."""
        if decision is not None and decision.rewrite is not None:
            return decision.rewrite
        is_private = admitted.session is not None or admitted.rule.access is not Access.ANYONE
        as_it_is = self._usual[is_private][use]
        if self.face.rewriting is not None or bound is not None:
            as_it_is = Rewritten(as_it_is, self.face.rewriting, bound)
        if not admitted.principal.is_stale or not is_private:
            if decision is not None and decision.bound is bound:
                decision.rewrite = as_it_is
            return as_it_is

        def rewrite(status: int, fields: Fields) -> Fields:
            kept = as_it_is(status, fields)
            return (*kept, *self.pass_resolver.renewed(admitted.principal, head)) if status != SWITCHING_PROTOCOLS else kept

        return rewrite

    def _key(self, admitted: Admitted) -> bytes | None:
        return admitted.session.id.encode("utf-8", "surrogatepass") if self.face.is_sticky and admitted.session is not None else None
