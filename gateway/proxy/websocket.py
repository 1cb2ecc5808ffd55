"""Carrying a WebSocket: the handshake end to end, then frames as they come, in both directions with backpressure.

Owns the one way in which a connection stops being HTTP. The server behind the gateway answers the client's own handshake (key,
version, subprotocols, extensions), and only its proof, ``Sec-WebSocket-Accept``, opens the tunnel; any other answer is an
ordinary one (U3). Frames are passed on, never rebuilt: pings, close codes and compression are the two ends' own. Must never tunnel
anything but ``Upgrade: websocket`` on an HTTP/1.1 GET without a body (U1, U14), nor see a field that ``core.fields`` did not pass.
Rules from: RFC 6455 §4, RFC 9110 §7.8, ATTACKS U1 to U14.
"""

import asyncio
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import ClientResponse, ClientSession, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import StreamWriter

from gateway.core.fields import from_outside
from gateway.core.messages import Fields
from gateway.core.session import Fingerprint
from gateway.errors import Nonsense
from gateway.outbound import Deadlines, Destination, can_be_sent, send_once
from gateway.proxy.frames import Frames, close_frame
from gateway.proxy.handshake import handshake_fields, is_accepted, without_handshake
from gateway.proxy.http import Exchange, Rewrite, refusal
from gateway.proxy.live import Live
from gateway.proxy.relayed import RelayedResponse, head_is_clean

_HOP: Fields = ((b"Connection", b"Upgrade"), (b"Upgrade", b"websocket"))

REVOKED = 1008
"""Close code for a connection whose session ended: policy violation."""
TOO_BIG = 1009
LOST = 1014
"""Close code when the server behind us went away without one: bad gateway."""
_CODES = {"gone": LOST, "too_big": TOO_BIG, "cut": REVOKED}


@dataclass(frozen=True, slots=True)
class WebSocketRelay:
    """Carries WebSockets to one destination; ``live`` knows them by fingerprint while they are open."""

    client: ClientSession
    destination: Destination
    deadlines: Deadlines
    live: Live
    largest_message_bytes: int | None = None

    async def relay(
        self, request: web.BaseRequest, target: str, fields: Fields, rewrite: Rewrite, fingerprints: Iterable[Fingerprint] = ()
    ) -> web.StreamResponse:
        """Open the WebSocket behind, then the one in front, and carry frames until either ends; or relay the refusal.

        ``request`` is one that ``is_handshake`` accepts; ``fields`` are end-to-end, to which the client's own Sec-WebSocket fields
        are added. Raises ``OutsideFailed`` while the client has got nothing. What ends the session ends this as well, in every stage.
        """
        cutting = _Cutting(request)
        with self.live.held(fingerprints, cutting.cut):
            return await self._relayed(request, (target, fields), rewrite, cutting)

    async def _relayed(
        self, request: web.BaseRequest, going: tuple[str, Fields], rewrite: Rewrite, cutting: "_Cutting"
    ) -> web.StreamResponse:
        target, fields = going
        if not can_be_sent((*fields, *handshake_fields(request.raw_headers))):
            return refusal(400)
        head = ("GET", target, (*without_handshake(fields), *handshake_fields(request.raw_headers), *_HOP))
        response = await send_once(self.client, self.destination, head, None, self.deadlines.first_byte, deadlines=self.deadlines)
        if response.status != 101:
            exchange = Exchange(response, self.deadlines.idle)
            try:
                rewritten = rewrite(exchange.status, exchange.fields)
            except BaseException:
                exchange.abort()
                raise
            return await exchange.relay(request, rewritten)
        try:
            return await self._switched(request, response, rewrite, cutting)
        finally:
            response.close()

    async def _switched(
        self, request: web.BaseRequest, response: ClientResponse, rewrite: Rewrite, cutting: "_Cutting"
    ) -> web.StreamResponse:
        received: Fields = tuple(response.raw_headers)
        connection = response.connection
        protocol = connection.protocol if connection is not None else None
        if protocol is None or not is_accepted(request.raw_headers, received):
            raise Nonsense("websocket_handshake")
        fields = (*rewrite(101, from_outside(received)), *_HOP)
        reason = (response.reason or "").encode("utf-8", "surrogateescape")
        if not head_is_clean(reason, fields):
            raise Nonsense("head")
        switched = RelayedResponse(101, reason, fields, closes=True)
        try:
            await switched.prepare(request)
        except ConnectionError:
            return switched
        tunnel = _Tunnel(request, protocol, self.largest_message_bytes)
        cutting.tunnel = tunnel
        await tunnel.run()
        return switched


class _Cutting:
    """How a WebSocket is cut: by its tunnel, which says why; before there is one, by breaking the client's connection.

    That cancels the request, and with it the handshake behind.
    """

    def __init__(self, request: web.BaseRequest) -> None:
        self._request = request
        self.tunnel: _Tunnel | None = None

    def cut(self) -> None:
        if self.tunnel is not None:
            self.tunnel.cut()
        elif self._request.transport is not None:
            self._request.transport.abort()


class _Direction:
    """One direction of a tunnel, in the shape of the parsers that aiohttp's two protocols feed after a 101."""

    def __init__(self, source: BaseProtocol, sink: BaseProtocol, writer: AbstractStreamWriter, frames: Frames, ended: "_Ended") -> None:
        self._source = source
        self._sink = sink
        self._writer = writer
        self._ended = ended
        self._full = asyncio.Event()
        self.frames = frames

    def feed_data(self, received: bytes) -> tuple[bool, bytes]:
        if self._ended.is_set() or self._sink.transport is None:
            return False, b""
        admitted = self.frames.admitted(received)
        self._sink.transport.write(received[:admitted])
        if admitted < len(received):
            self._ended.set("too_big")
        elif self._sink.writing_paused:
            self._source.pause_reading()
            self._full.set()
        return False, b""

    def feed_eof(self) -> None:
        self._ended.set("gone")

    def say(self, frame: bytes) -> None:
        """Put a Close frame of ours behind what was passed on, where that is possible and none went by."""
        if self.frames.at_boundary and not self.frames.closed and self._sink.transport is not None:
            self._sink.transport.write(frame)

    async def breathe(self) -> None:
        """Let the source go on whenever the sink has taken what it was given."""
        while True:
            await self._full.wait()
            self._full.clear()
            try:
                await self._writer.drain()
            except ConnectionError:
                self._ended.set("gone")
                return
            self._source.resume_reading()


class _Ended:
    """The end of a tunnel, and the first reason for it: gone, too_big or cut."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.reason = ""

    def set(self, reason: str) -> None:
        self.reason = self.reason or reason
        self._event.set()

    def is_set(self) -> bool:
        return self._event.is_set()

    async def wait(self) -> str:
        await self._event.wait()
        return self.reason


class _Tunnel:
    """Two directions and one end. The client's end arrives as a cancellation, as everywhere in this server."""

    def __init__(self, request: web.BaseRequest, app: BaseProtocol, largest_message_bytes: int | None) -> None:
        self._ended = _Ended()
        self._client = request.protocol
        self._app = app
        app_writer = StreamWriter(app, asyncio.get_running_loop())
        self._up = _Direction(self._client, app, app_writer, Frames(largest_message_bytes), self._ended)
        self._down = _Direction(app, self._client, request.writer, Frames(), self._ended)

    def cut(self) -> None:
        """End the connection from our side; the client is told with ``REVOKED``."""
        self._ended.set("cut")

    async def run(self) -> None:
        """Carry until one side ends, a message is too large, or ``cut``; both sides are told, what was passed on is flushed."""
        async with asyncio.TaskGroup() as group:
            breathing = [
                group.create_task(self._up.breathe(), name="websocket-to-app"),
                group.create_task(self._down.breathe(), name="websocket-to-client"),
            ]
            self._app.set_parser(self._down, self._down)  # type: ignore[attr-defined] # the client's protocol has it, typed Any
            self._client.set_parser(self._up)  # type: ignore[arg-type] # declared for its own reader, of which it calls these two
            code = _CODES[await self._ended.wait()]
            for task in breathing:
                task.cancel()
        self._down.say(close_frame(code))
        self._up.say(close_frame(code, secrets.token_bytes))
