"""An answer of a server for code that waits for it: first its head, then one of ``relay``, ``read`` (or ``piece``) and ``abort``.

Owns the bytes that arrive before the caller has chosen one of these, within a bound. The caller must choose one.
Must never lose a piece of the body when the answer passes from one reader to another.
"""

import asyncio

from gateway.edge.relay import Relay, RelayObserver
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.write_batch import WriteBatch
from gateway.errors import HungUp, Nonsense, OutsideFailed
from gateway.policy.http.fields import from_outside
from gateway.policy.http.messages import Fields
from gateway.upstream.connection import Connection
from gateway.upstream.receiving import Reader

_HELD_BYTES = 256 * 1024
"""While more bytes than this are held, the gateway reads no more from the server."""


class Incoming(Reader):
    """Reads one answer and holds its bytes until a coroutine takes them; at most about ``_HELD_BYTES``."""

    def __init__(self, connection: Connection) -> None:
        """The caller then sends the request over ``connection``, with this object as its reader."""
        self.connection = connection
        self.status = 0
        self.reason = b""
        self.fields: Fields = ()
        self.pieces: list[bytes] = []
        self.is_whole = False
        self.is_held_back = False
        self.error: OutsideFailed | None = None
        self.came = asyncio.Event()
        self._held_bytes = 0

    def arrived(self, status: int, reason: bytes, fields: Fields, pieces: list[bytes], is_whole: bool) -> None:
        """Hold the bytes, and wake the coroutine that waits for them."""
        if status:
            self.status, self.reason, self.fields = status, reason, fields
        self.pieces += pieces
        self._held_bytes += sum(map(len, pieces))
        self.is_whole = is_whole
        self.came.set()
        if self._held_bytes > _HELD_BYTES and not self.is_whole and not self.is_held_back:
            self.is_held_back = True
            self.connection.pause_reading()

    def failed(self, error: OutsideFailed) -> None:
        """The answer broke off: store the error, and wake the coroutine that waits."""
        self.error = error
        self.came.set()

    def taken(self) -> list[bytes]:
        """Take what is held; reading from the server goes on if it was paused."""
        pieces, self.pieces, self._held_bytes = self.pieces, [], 0
        if self.is_held_back:
            self.is_held_back = False
            self.connection.resume_reading()
        return pieces


class Exchange:
    """The answer to a request that was sent. ``status``, ``reason`` and the end-to-end ``fields`` are known when ``head`` has returned."""

    def __init__(self, incoming: Incoming, batch: WriteBatch | None = None) -> None:
        """``incoming`` reads the answer. ``batch``: the write batch in which a small answer is written; None: it is written at once."""
        self._incoming = incoming
        self._batch = batch
        self._is_done = False
        self.fields: Fields = ()

    @property
    def status(self) -> int:
        """The final status."""
        return self._incoming.status

    @property
    def reason(self) -> bytes:
        """The reason phrase as received."""
        return self._incoming.reason

    async def head(self) -> None:
        """Wait for the head of the answer; raises ``OutsideFailed``."""
        incoming = self._incoming
        while not incoming.status:
            if incoming.error is not None:
                raise incoming.error
            incoming.came.clear()
            await incoming.came.wait()
        self.fields = from_outside(incoming.fields)

    def abort(self) -> None:
        """Give the answer up. Its connection is closed, unless the answer was read to its end."""
        if not self._is_done and not self._incoming.is_whole and self._incoming.error is None:
            self._incoming.error = HungUp("aborted")
            self._incoming.connection.abort()
        self._is_done = True

    async def piece(self) -> bytes:
        """The next bytes of the body as they arrived, not decompressed; empty at the end of the body.

        Raises ``OutsideFailed`` when the body ends too early or nothing arrives in time.
        """
        incoming = self._incoming
        while not incoming.pieces and not incoming.is_whole:
            if incoming.error is not None:
                raise incoming.error
            incoming.came.clear()
            await incoming.came.wait()
        return b"".join(incoming.taken())

    async def read(self, largest_bytes: int) -> bytes:
        """The whole body. Raises ``Nonsense`` when it is larger than ``largest_bytes``, else as ``piece``."""
        body = bytearray()
        try:
            while piece := await self.piece():
                body += piece
                if len(body) > largest_bytes:
                    raise Nonsense("too_large")
        finally:
            self.abort()
        return bytes(body)

    async def relay(self, request: Request, fields: Fields | None = None, *, closes: bool = False) -> Response:
        """Stream the answer to the client, with ``fields`` instead of its own, and return when it is over: the ``Response`` is written.

        A server that fails before the first byte to the client raises. After it, the client's connection is broken, and ``abandoned`` of
        the returned response says why. ``closes``: the client's connection ends after this answer.
        """
        given = self.fields if fields is None else fields
        waiting = Waiting(asyncio.get_running_loop().create_future())
        connection = None if self._incoming.is_whole else self._incoming.connection
        relay = Relay(request.client, connection, request.answer_terms, lambda _, __: given, waiting, self._batch, request.id_line)
        if closes:
            relay.force_close()
        self._is_done = request.is_begun = True
        try:
            self._hand_over(relay)
            await waiting.ended
        finally:
            relay.gone()
        if relay.error is not None:
            request.is_begun = False
            raise relay.error
        return Response.relayed(relay.status, relay.fields, relay.sent, relay.abandoned, keeps=relay.keeps)

    def _hand_over(self, relay: Relay) -> None:
        incoming = self._incoming
        if not incoming.is_whole:
            incoming.connection.hand_to(relay)
        relay.arrived(incoming.status, incoming.reason, incoming.fields, incoming.pieces, incoming.is_whole)
        if incoming.error is not None:
            relay.failed(incoming.error)
        elif not relay.is_held and not relay.is_over:
            incoming.taken()


class Waiting(RelayObserver):
    """The observer of a relay for whose end a coroutine waits."""

    __slots__ = ("ended",)

    def __init__(self, ended: asyncio.Future[None]) -> None:
        """``ended``: the future that the coroutine waits for."""
        self.ended = ended

    def over(self, relay: Relay) -> None:
        """Wake the coroutine."""
        if not self.ended.done():
            self.ended.set_result(None)
