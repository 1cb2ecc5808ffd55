"""The TLS handshake of a new connection: it has a deadline, the connection counts while it lasts, and failures are counted.

Owns a connection from TCP to the first byte of HTTP. Must never hand over a connection that is not encrypted, except to the server that
redirects plain http to https. Rules from: RFC 8446.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import Protocol, cast

from gateway.policy.http.https_redirect import speaks_http


class Host(Protocol):
    """The server that the handshakes belong to (``edge.server.HttpServer``)."""

    @property
    def head_seconds(self) -> float:
        """The deadline of a handshake, in seconds."""

    def came(self) -> None:
        """Count one more connection."""

    def left(self) -> None:
        """Count one connection less."""

    def unsecured(self, reason: str) -> None:
        """Count a failed handshake. ``reason``: ``http`` if the client sent plain http, else ``tls``."""


class Handshake(asyncio.Protocol):
    """One handshake. At its end the connection is handed over to ``guest``."""

    def __init__(
        self,
        host: Host,
        guest: asyncio.Protocol,
        context: ssl.SSLContext,
        under_way: set[asyncio.Task[None]],
        plain_guest: Callable[[], asyncio.Protocol] | None = None,
    ) -> None:
        """``under_way``: the set that holds the task while it runs. ``plain_guest``: makes the protocol for plain http, or None."""
        self._plain_guest = plain_guest
        self._first = asyncio.get_running_loop().create_future()
        self._host = host
        self._guest = guest
        self._context = context
        self._under_way = under_way
        self._early: list[bytes] = []
        self._read: list[bytes] = []
        self._has_begun = False
        self._is_lost = False
        self._plain: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the task of the handshake."""
        plain = self._plain = cast(asyncio.Transport, transport)  # what a stream's protocol is given
        self._host.came()
        task = asyncio.get_running_loop().create_task(self._secure(plain), name="tls-handshake")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def data_received(self, data: bytes) -> None:
        """Keep bytes that arrive early: the client's hello (uvloop reads at once), or data right after the handshake."""
        (self._early if self._has_begun else self._read).append(data)
        if self._plain is not None and not self._has_begun:
            self._plain.pause_reading()  # the rest, and the end of the stream, are for the protocol that comes next
        self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client left before the hand-over."""
        self._is_lost = True
        self._go_on()

    def _go_on(self) -> None:
        if not self._first.done():
            self._first.set_result(None)

    async def _secure(self, plain: asyncio.Transport) -> None:
        until = asyncio.get_running_loop().time() + self._host.head_seconds
        try:
            async with asyncio.timeout_at(until):
                await self._first
        except BaseException as error:
            plain.abort()
            self._host.left()
            if isinstance(error, TimeoutError):
                return self._host.unsecured("tls")
            raise
        if self._is_lost:
            self._host.left()
            return self._host.unsecured("tls")
        if self._plain_guest is not None and speaks_http(self._read[0]):
            self._host.left()
            self._host.unsecured("http")
            self._hand_over(plain, self._plain_guest(), self._read)
            return plain.resume_reading()
        await self._shake_hands(plain, until)

    async def _shake_hands(self, plain: asyncio.Transport, until: float) -> None:
        loop = asyncio.get_running_loop()
        self._has_begun = True
        seconds = max(until - loop.time(), 0.001)
        securing = loop.create_task(
            loop.start_tls(plain, self, self._context, server_side=True, ssl_handshake_timeout=seconds), name="start-tls"
        )
        try:
            # After one turn of the loop the TLS protocol is installed at the transport. One turn later it is connected, and gets the bytes
            # that were read too early, before any later ones.
            await asyncio.sleep(0)
            if self._read:
                loop.call_soon(_feed, plain.get_protocol(), b"".join(self._read))
            secured = await securing
        except OSError as error:
            self._host.unsecured("http" if isinstance(error, ssl.SSLError) and error.reason == "HTTP_REQUEST" else "tls")
            plain.abort()
            return
        except asyncio.CancelledError:
            plain.abort()
            raise
        finally:
            self._host.left()
        if secured is None or self._is_lost:
            return
        self._hand_over(secured, self._guest, self._early)

    def _hand_over(self, transport: asyncio.Transport, guest: asyncio.Protocol, early: list[bytes]) -> None:
        transport.set_protocol(guest)
        guest.connection_made(transport)
        for piece in early:
            guest.data_received(piece)


def _feed(tls: asyncio.BaseProtocol, received: bytes) -> None:
    """Give bytes to the TLS protocol that replaced ``Handshake`` at the transport, as the transport would."""
    protocol = cast(asyncio.BufferedProtocol, tls)  # what TLS is in asyncio and in uvloop
    left = memoryview(received)
    while left:
        buffer = memoryview(protocol.get_buffer(len(left)))
        count = min(len(buffer), len(left))
        buffer[:count] = left[:count]
        protocol.buffer_updated(count)
        left = left[count:]
