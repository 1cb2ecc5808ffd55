"""A WebSocket under way: two connections, frames passed on as they come, backpressure both ways, and one end.

Owns the end: which side is told what, and how long its last words are waited for. There is no deadline while it is open, and no task:
everything happens in the calls of the two connections. Must never change, hold back or make up a frame, but for the Close of an end that is
ours. Rules from: RFC 6455 §5.5.1, §7.1.1, §7.4.1.
"""

import asyncio
import secrets
from collections.abc import Iterable

from gateway.edge.frames import Frames, close_frame
from gateway.edge.relay import Client
from gateway.upstream.connection import Connection

GOING_AWAY, REVOKED, TOO_BIG, LOST = 1001, 1008, 1009, 1014
"""Close codes of ours: this process ends; the session ended (policy); a message too large; the server behind us went (bad gateway)."""

LAST_WORDS_SECONDS = 2.0
"""How long a client may take to answer our Close, and either side to take what was written, before its connection is broken."""


class Tunnel(asyncio.Protocol):
    """The client's side, and the end. ``over`` is done when the client's connection may be closed; ``code``: of our Close, 0 for none."""

    __slots__ = ("_client", "_connection", "_down", "_is_full", "_transport", "_up", "code", "is_ending", "over")

    def __init__(self, client: Client, connection: Connection, largest_message_bytes: int | None) -> None:
        """Nothing flows before ``open``. ConnectionError where the client has left."""
        if client.transport is None:
            raise ConnectionResetError("the client left")
        self._client = client
        self._transport = client.transport
        self._connection = connection
        self._up = Frames(largest_message_bytes)
        self._down = Frames()
        self._is_full = False
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_ending = False
        self.code = 0

    def open(self, head: bytes, early: Iterable[bytes], *, is_lost: bool) -> None:
        """Write the 101 (``head``) and go; ``early`` came behind the server's own, whose connection is paused, or ``is_lost`` since."""
        self._transport.set_protocol(self)
        self._transport.write(head)
        self._connection.switch(_FromServer(self))
        if sent := self._client.switched():
            self.data_received(sent)
        for received in early:
            self.deliver(received)
        if is_lost:
            self.lost()
        elif not self._is_full:
            self._connection.resume_reading()

    def deliver(self, received: bytes) -> None:
        """Bytes of the server."""
        if not self.is_ending:
            self._down.admitted(received)
            self._transport.write(received)

    def lost(self) -> None:
        """The server left: in order behind a Close of either side, else the client is told."""
        if self._down.closed or self._up.closed:
            self._let_go()
            self._finish()
        else:
            self.end(LOST)

    def let_client(self, speak: bool) -> None:
        """The server takes more, or nothing more just now."""
        if not self.is_ending and not self._transport.is_closing():
            (self._transport.resume_reading if speak else self._transport.pause_reading)()

    def end(self, code: int) -> None:
        """End it from our side: both ends are told ``code``, where a frame may be put and none of theirs said it before."""
        if self.is_ending:
            return
        self.code = code
        if self._up.at_boundary and not self._up.closed:
            self._connection.write(close_frame(code, secrets.token_bytes))
        self._let_go()
        if self._transport.is_closing() or self._down.closed or not self._down.at_boundary:
            self._finish()
            return
        self._transport.write(close_frame(code))
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._transport.resume_reading()  # its own Close, or its end, stands behind whatever the server did not take

    def gone(self) -> None:
        """The client left, or is given up: the server gets what is under way, and its own end."""
        self._let_go()
        self._finish()

    # What the loop calls.

    def data_received(self, data: bytes) -> None:
        """Bytes of the client; behind an end of ours nobody gets them, and its Close is the last."""
        if self.is_ending:
            if self.code != TOO_BIG:
                self._up.admitted(data)
            if self._up.closed:
                self._finish()
            return
        admitted = self._up.admitted(data)
        self._connection.write(data if admitted == len(data) else data[:admitted])
        if admitted < len(data):
            self.end(TOO_BIG)

    def pause_writing(self) -> None:
        """The client takes nothing more just now."""
        self._is_full = True
        self._connection.pause_reading()

    def resume_writing(self) -> None:
        """It does again."""
        self._is_full = False
        self._connection.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client left; its handler is told once whoever waits for ``over`` has seen it, and ends as having been answered."""
        self.gone()
        asyncio.get_running_loop().call_soon(self._client.connection_lost, exc)

    def _let_go(self) -> None:
        """Close the server's connection behind what was written, and break both if they do not end in time."""
        if not self.is_ending:
            self.is_ending = True
            self._connection.close()
            asyncio.get_running_loop().call_later(LAST_WORDS_SECONDS, self._break)

    def _break(self) -> None:
        self._connection.abort()
        self._transport.abort()
        self._finish()

    def _finish(self) -> None:
        if not self.over.done():
            self.over.set_result(None)


class _FromServer:
    """The server's side, as its connection calls it (``receiving.Sink``)."""

    __slots__ = ("_tunnel",)

    def __init__(self, tunnel: Tunnel) -> None:
        self._tunnel = tunnel

    def received(self, data: bytes) -> None:
        self._tunnel.deliver(data)

    def gone(self) -> None:
        self._tunnel.lost()

    def writable(self, is_writable: bool) -> None:
        self._tunnel.let_client(is_writable)
