"""An answer whose head has arrived: look at it, then relay it, read it, or abort.

Owns what was received before somebody said what becomes of it, within a bound. One of the three must happen. Must never lose a piece
between two readers.
"""

import asyncio

from gateway.edge.relay import Relay, RelayOwner
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.errors import HungUp, Nonsense, OutsideFailed
from gateway.policy.http.fields import from_outside
from gateway.policy.http.messages import Fields
from gateway.upstream.connection import Connection
from gateway.upstream.receiving import Reader
from gateway.upstream.write_batch import WriteBatch

_HELD_BYTES = 256 * 1024


class Incoming(Reader):
    """Reads one answer and holds it for a coroutine; the server waits while too much is held."""

    def __init__(self, connection: Connection) -> None:
        """The request is to be sent over ``connection`` with this as its reader."""
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
        """Hold it, and wake whoever waits."""
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
        """There will be no more of it."""
        self.error = error
        self.came.set()

    def taken(self) -> list[bytes]:
        """What is held; there is room again."""
        pieces, self.pieces, self._held_bytes = self.pieces, [], 0
        if self.is_held_back:
            self.is_held_back = False
            self.connection.resume_reading()
        return pieces


class Exchange:
    """An answer that was asked for; ``status``, ``reason`` and end-to-end ``fields`` are there once ``head`` returned."""

    def __init__(self, incoming: Incoming, turn: WriteBatch | None = None) -> None:
        """``incoming`` reads it; ``turn``: at whose end the last of a small answer is relayed, None: at once."""
        self._incoming = incoming
        self._turn = turn
        self._is_done = False
        self.fields: Fields = ()

    @property
    def status(self) -> int:
        """The final status."""
        return self._incoming.status

    @property
    def reason(self) -> bytes:
        """The reason phrase as it came."""
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
        """Give the answer up; its connection is closed unless the answer was read to its end."""
        if not self._is_done and not self._incoming.is_whole and self._incoming.error is None:
            self._incoming.error = HungUp("aborted")
            self._incoming.connection.abort()
        self._is_done = True

    async def piece(self) -> bytes:
        """The next bytes of the body as they arrived, nothing decompressed or held back; empty at its end.

        Raises ``OutsideFailed`` when it ends too early or stands still.
        """
        incoming = self._incoming
        while not incoming.pieces and not incoming.is_whole:
            if incoming.error is not None:
                raise incoming.error
            incoming.came.clear()
            await incoming.came.wait()
        return b"".join(incoming.taken())

    async def read(self, largest_bytes: int) -> bytes:
        """The whole body; ``Nonsense`` when it is larger than that."""
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
        """Stream the answer to the client, with ``fields`` in place of its own; the response that is returned is finished.

        From the first byte on nothing is raised for a server that fails: the client's connection is broken, ``abandoned`` says why.
        """
        given = self.fields if fields is None else fields
        waiting = Waiting(asyncio.get_running_loop().create_future())
        connection = None if self._incoming.is_whole else self._incoming.connection
        relay = Relay(request.client, connection, request.asked, lambda _, __: given, waiting, self._turn, request.id_line)
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


class Waiting(RelayOwner):
    """A coroutine that waits for the end of what it has relayed."""

    __slots__ = ("ended",)

    def __init__(self, ended: asyncio.Future[None]) -> None:
        """``ended``: what it waits for."""
        self.ended = ended

    def over(self, relay: Relay) -> None:
        """Wake it."""
        if not self.ended.done():
            self.ended.set_result(None)
