"""An open WebSocket: bytes pass between the client's and the server's connection, with backpressure in both directions.

Owns the end of the WebSocket: which side gets which Close frame, and how long the gateway waits for the answer to it.
An open WebSocket has no deadline and no task: everything happens in callbacks of the two connections.
Must never change, delay or invent a frame, except the Close frame when the gateway itself ends the WebSocket.
Rules from: RFC 6455 §5.5.1, §7.1.1, §7.4.1.
"""

import asyncio
import secrets
from collections.abc import Iterable

from gateway.edge.frames import Frames, close_frame
from gateway.edge.relay import Client
from gateway.upstream.connection import Connection

GOING_AWAY, REVOKED, TOO_BIG, LOST = 1001, 1008, 1009, 1014
"""The gateway's Close codes: this process stops; the session ended; a message is too large; the app's connection was lost."""

LAST_WORDS_SECONDS = 2.0
"""After a Close of the gateway: how long the client may take to answer it, and both sides to read what was written. Then both are reset."""


class Tunnel(asyncio.Protocol):
    """Both directions of one WebSocket. As a protocol, it stands at the client's transport.

    ``over``: done when the client's connection may be closed. ``code``: the code of the gateway's own Close, 0 for none.
    """

    __slots__ = ("_client", "_connection", "_down", "_is_full", "_transport", "_up", "code", "is_ending", "over")

    def __init__(self, client: Client, connection: Connection, largest_message_bytes: int | None) -> None:
        """Nothing is passed on before ``open``. Raises ``ConnectionError`` if the client has left."""
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
        """Write the 101 (``head``) and begin.

        ``early``: bytes that the server sent after its 101; its connection is paused since. ``is_lost``: it has ended since.
        """
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
        """Bytes from the server: pass them on."""
        if not self.is_ending:
            self._down.admitted(received)
            self._transport.write(received)

    def lost(self) -> None:
        """The server's connection ended. After a Close frame that is the regular end; without one, the client gets a Close (1014)."""
        if self._down.closed or self._up.closed:
            self._let_go()
            self._finish()
        else:
            self.end(LOST)

    def let_client(self, speak: bool) -> None:
        """Read from the client, or not: whether the server's write buffer has room."""
        if not self.is_ending and not self._transport.is_closing():
            (self._transport.resume_reading if speak else self._transport.pause_reading)()

    def end(self, code: int) -> None:
        """End the WebSocket: send a Close frame with ``code`` to both sides.

        A side gets no frame if it would stand in the middle of another frame, or after a Close frame of the other side.
        """
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
        self._transport.resume_reading()  # reading may be paused for a slow server, and the client's own Close comes after those bytes

    def gone(self) -> None:
        """The client left, or its request was cancelled: close the server's connection after what was written."""
        self._let_go()
        self._finish()

    # What the loop calls.

    def data_received(self, data: bytes) -> None:
        """Bytes from the client: pass them on. After the gateway's own Close they are dropped, and the client's Close is awaited."""
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
        """The client's write buffer is full: read no more from the server."""
        self._is_full = True
        self._connection.pause_reading()

    def resume_writing(self) -> None:
        """The client's write buffer has room again: read from the server."""
        self._is_full = False
        self._connection.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client left."""
        self.gone()
        # Later: the coroutine that waits for ``over`` must end first. Else its request would count as cancelled, and not as answered.
        asyncio.get_running_loop().call_soon(self._client.connection_lost, exc)

    def _let_go(self) -> None:
        """Close the server's connection after what was written; reset both connections if they do not end in time."""
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
    """Receives the bytes of the server's connection for the tunnel (``receiving.ByteSink``)."""

    __slots__ = ("_tunnel",)

    def __init__(self, tunnel: Tunnel) -> None:
        self._tunnel = tunnel

    def received(self, data: bytes) -> None:
        self._tunnel.deliver(data)

    def gone(self) -> None:
        self._tunnel.lost()

    def writable(self, is_writable: bool) -> None:
        self._tunnel.let_client(is_writable)
