"""Forwards a WebSocket: first the handshake between client and app, then a ``Tunnel`` for the frames.

The app answers the client's own handshake (key, version, subprotocols, extensions). Only a 101 with a correct ``Sec-WebSocket-Accept``
opens the tunnel; an answer with another status is relayed like any other answer.

Owns the only case in which a client connection stops being HTTP. Must never tunnel anything but ``Upgrade: websocket`` on an HTTP/1.1 GET
without a body. Must never send a field that ``policy.http.fields`` did not pass. Rules from: RFC 6455 §4, RFC 9110 §7.8.
"""

from dataclasses import dataclass

from gateway.edge.exchange import Exchange, Incoming
from gateway.edge.handshake import handshake_fields, is_accepted, without_handshake
from gateway.edge.open_connections import OpenConnections
from gateway.edge.pins import NOBODY, Asker, Pinning
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.tunnel import GOING_AWAY, LOST, REVOKED, TOO_BIG, Tunnel
from gateway.errors import Nonsense, StaleConnection
from gateway.policy.http.answer_rewrites import Rewrite
from gateway.policy.http.messages import Fields
from gateway.policy.http.request_ids import with_id
from gateway.upstream.connection import Connection
from gateway.upstream.heads import answer_head, head_is_clean, request_head
from gateway.upstream.servers import ConnectionSource

_HOP_BY_HOP: Fields = ((b"Connection", b"Upgrade"), (b"Upgrade", b"websocket"))
_WORDS = {0: "", GOING_AWAY: "going_away", REVOKED: "revoked", TOO_BIG: "message_too_large", LOST: "cut_short:hung_up"}


@dataclass(frozen=True, slots=True)
class WebSocketRelay:
    """Forwards WebSockets to the servers of one ``source``.

    ``open_connections``: the registry in which they are entered while they are open.
    """

    source: ConnectionSource
    open_connections: OpenConnections
    largest_message_bytes: int | None = None

    async def relay(
        self,
        request: Request,
        target: str,
        fields: Fields,
        rewrite: Rewrite,
        asker: Asker = NOBODY,
    ) -> Response:
        """Open the WebSocket to the app, then the one to the client, and return when it is over; or relay the app's refusal.

        ``request`` is one that ``is_handshake`` accepts. ``fields`` are end-to-end with a Host; the client's Sec-WebSocket fields are
        added. Raises ``OutsideFailed``, but only before the first byte to the client. At every stage, the end of the session or of
        this process ends the WebSocket.
        """
        opening = _Opening(request)
        with self.open_connections.held(asker.fingerprints, opening.cut, opening.leave):
            own = handshake_fields(request.fields)
            taking = Pinning.of(self.source, asker, self.open_connections, request.client, fields)
            head = with_id(request_head("GET", target, (*without_handshake(fields), *own, *_HOP_BY_HOP)), request.id_line)
            try:
                answer, exchange = await _answered(head, taking, is_new=False)
            except StaleConnection:
                answer, exchange = await _answered(head, taking, is_new=True)
            try:
                rewritten = rewrite(exchange.status, exchange.fields)
                tunnel = self._tunnel(request, answer, rewritten) if exchange.status == 101 else None
            except BaseException:
                answer.connection.abort()
                raise
            if tunnel is None:
                return await exchange.relay(request, rewritten)
            opening.tunnel = tunnel
            return await _carried(request, answer, (*rewritten, *_HOP_BY_HOP), opening, tunnel)

    def _tunnel(self, request: Request, answer: "_Answer", rewritten: Fields) -> Tunnel:
        if not is_accepted(request.fields, answer.fields):
            raise Nonsense("websocket_handshake")
        if not head_is_clean(answer.reason, rewritten):
            raise Nonsense("head")
        return Tunnel(request.client, answer.connection, self.largest_message_bytes)


async def _answered(head: bytes, taking: Pinning, *, is_new: bool) -> tuple["_Answer", Exchange]:
    """Send the handshake, and wait for the head of its answer. ``is_new``: use a connection that was not used before."""
    answer = await _begun(head, taking, is_new=is_new)
    exchange = Exchange(answer)
    try:
        await exchange.head()
    except BaseException:
        answer.connection.abort()
        raise
    return answer, exchange


async def _begun(head: bytes, taking: Pinning, *, is_new: bool) -> "_Answer":
    """Send the handshake. If the connection closed before anything was written, another one is used."""

    def begin(connection: Connection) -> _Answer:
        answer = _Answer(connection)
        connection.begin(head, answer, upgrade=True)
        return answer

    return await taking.begun(begin, is_new=is_new)


async def _carried(request: Request, answer: "_Answer", fields: Fields, opening: "_Opening", tunnel: Tunnel) -> Response:
    """Open the tunnel and wait for its end. There must be no ``await`` before ``tunnel.open``."""
    head = with_id(answer_head(101, answer.reason, fields, request.answer_terms)[0], request.id_line)
    request.is_begun = True
    tunnel.open(head, answer.early, is_lost=answer.is_gone)
    if opening.is_leaving:
        tunnel.end(GOING_AWAY)
    try:
        await tunnel.over
    finally:
        tunnel.gone()
    return Response.relayed(101, fields, 0, _WORDS[tunnel.code], keeps=False)


class _Answer(Incoming):
    """Reads the answer to a handshake. Bytes after a 101 are held until the tunnel is open (``receiving.ByteSink``)."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.early: list[bytes] = []
        self.is_gone = False

    def arrived(self, status: int, reason: bytes, fields: Fields, pieces: list[bytes], is_whole: bool) -> None:
        super().arrived(status, reason, fields, pieces, is_whole)
        if status == 101:
            self.connection.switch(self)
            self.connection.pause_reading()

    def received(self, data: bytes) -> None:
        self.early.append(data)

    def gone(self) -> None:
        self.is_gone = True

    def writable(self, is_writable: bool) -> None:
        """Does nothing: nothing is sent to the server yet."""


class _Opening:
    """Ends a WebSocket that is open or being opened.

    An open one ends with a Close frame that says why. Before that, ``cut`` resets the client's connection, which cancels the handshake;
    ``leave`` lets the handshake end first, so that the client gets a Close frame.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self.tunnel: Tunnel | None = None
        self.is_leaving = False

    def cut(self) -> None:
        if self.tunnel is not None:
            self.tunnel.end(REVOKED)
        else:
            self._request.break_off()

    def leave(self) -> None:
        self.is_leaving = True
        if self.tunnel is not None:
            self.tunnel.end(GOING_AWAY)
