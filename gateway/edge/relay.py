"""Writes a server's answer to the client as it arrives, without a task and without needless copies.

Owns the writing of one answer, and what happens when one side fails in the middle:
- the server breaks off: the client's connection is reset, so that half an answer never looks whole;
- the client leaves: the server's connection is closed;
- the client is slow: the gateway stops reading from the server.
Must never decide which fields the answer has: ``rewrite`` does. Rules from: RFC 9112 §6 to 9.
"""

import asyncio
import socket
import struct
from typing import Final, Protocol

from gateway.edge.responses import Response
from gateway.edge.write_batch import BatchedAnswer, WriteBatch
from gateway.errors import OutsideFailed, TimedOut
from gateway.policy.http.answer_rewrites import Rewrite
from gateway.policy.http.messages import Fields
from gateway.policy.http.request_ids import with_id
from gateway.upstream.heads import LAST_CHUNK, AnswerTerms, answer_head
from gateway.upstream.receiving import CLIENT

_RESET: Final = struct.pack("ii", 1, 0)  # linger for zero seconds: reset
_SMALL_BYTES: Final = 16 * 1024


class ClientPins:
    """Connections to servers that only one client connection may use (``edge.pins``). ``is_holding``: whether there are any."""

    is_holding: bool

    def close(self) -> None:
        """Close them, because the client has left."""
        raise NotImplementedError


class Client:
    """A client connection, as a relay sees it (``edge.connection.ClientConnection``).

    ``relay``: writes the current answer; the connection tells it when the client reads again, and when it left. ``is_broken``: the relay
    is about to reset the connection. ``writing_paused``: the write buffer is full. ``pins``: connections that are closed with this one.
    """

    __slots__ = ("is_broken", "pins", "relay", "transport", "writing_paused")

    def __init__(self) -> None:
        """The client is not connected yet."""
        self.transport: asyncio.Transport | None = None
        self.relay: Relay | None = None
        self.pins: ClientPins | None = None
        self.is_broken = False
        self.writing_paused = False

    def over(self, status: int | None, keeps: bool) -> None:
        """The relayed answer is over. ``status``: the one that the client got, None for none. ``keeps``: the connection stays open."""
        raise NotImplementedError

    def answer(self, response: Response) -> None:
        """Write ``response`` as the answer of the current request. Nothing of an answer may have been written before."""
        raise NotImplementedError

    def failed(self, error: Exception) -> None:
        """Answer the current request after an unexpected ``error``."""
        raise NotImplementedError

    def hold_back(self) -> None:
        """Stop reading from the client. Each call needs one ``let_come``."""
        raise NotImplementedError

    def let_come(self) -> None:
        """Undo one ``hold_back``."""
        raise NotImplementedError

    def switched(self) -> bytes:
        """Another protocol gets the transport now; returns the bytes that the client has already sent for it."""
        raise NotImplementedError

    def connection_lost(self, exc: BaseException | None) -> None:
        """The client has left."""
        raise NotImplementedError


class AnswerSource(Protocol):
    """Where an answer comes from: a connection to a server, or the wait for a connection (``Fetching``)."""

    def abort(self) -> None:
        """Give the answer up."""

    def pause_reading(self) -> None:
        """Read no more from the server."""

    def resume_reading(self) -> None:
        """Read from the server again."""


class RelayObserver:
    """The object that started a relay, and is told of its end."""

    __slots__ = ()

    def over(self, relay: "Relay") -> None:
        """The relay is over; called exactly once."""
        raise NotImplementedError


class Relay(BatchedAnswer):
    """Reads one answer and writes it to ``client``. At the end, whatever it is, ``observer.over`` is called once.

    ``source``: the source of the answer. ``has_begun``: the head for the client was made. ``is_held``: the source is paused, because the
    client is slow. ``abandoned``: why the answer ended before it was whole, else empty. ``error``: what failed before ``has_begun``.
    """

    __slots__ = (
        "_batch",
        "_id_line",
        "_is_bare",
        "_is_chunked",
        "_is_whole",
        "_observer",
        "_out",
        "_terms",
        "abandoned",
        "client",
        "error",
        "fields",
        "has_begun",
        "is_held",
        "is_over",
        "keeps",
        "rewrite",
        "sent",
        "source",
        "status",
    )  # fmt: skip

    def __init__(
        self,
        client: Client,
        source: AnswerSource | None,
        terms: AnswerTerms,
        rewrite: Rewrite,
        observer: RelayObserver,
        batch: WriteBatch | None = None,
        id_line: bytes = b"",
    ) -> None:
        """Registers itself as ``client.relay``. ``source`` None: there is no source to abort when the client leaves.

        ``batch``: the write batch in which a small answer is written; None: it is written at once. ``id_line``: the request's id line.
        """
        self.client = client
        self.source = source
        self._terms = terms
        self.rewrite = rewrite
        self._observer = observer
        self._batch = batch
        self._id_line = id_line
        self._out: list[bytes] = []
        self._is_bare = self._is_chunked = self._is_whole = False
        self.has_begun = self.is_held = self.is_over = False
        self.keeps = True
        self.status = 0
        self.sent = 0
        self.fields: Fields = ()
        self.abandoned = ""
        self.error: Exception | None = None
        client.relay = self

    def arrived(self, status: int, reason: bytes, fields: Fields, pieces: list[bytes], is_whole: bool) -> None:
        """Write these bytes of the answer; the end of a small answer is written with the write batch."""
        if is_whole:
            self._is_whole = True
            self.is_held = False
        if status and not self._begin(status, reason, fields):
            return
        out = self._out
        if not self._is_bare:
            for piece in pieces:
                self.sent += len(piece)
                if self._is_chunked:
                    out += (b"%x\r\n" % len(piece), piece, b"\r\n")
                else:
                    out.append(piece)
        if is_whole and self._is_chunked:
            out.append(LAST_CHUNK)
        if is_whole and self._batch is not None and self.sent < _SMALL_BYTES:
            self._batch.answer(self)
        else:
            self.write_out()

    def _begin(self, status: int, reason: bytes, fields: Fields) -> bool:
        """Make the head that the client gets; False if that failed: then the relay is over."""
        try:
            self.fields = self.rewrite(status, fields)
        except Exception as error:  # noqa: BLE001 - called by the loop: a bug in ``rewrite`` must end this answer; ``observer`` gets it
            self.error = error
            self._end()
            return False
        self.status = status
        self.has_begun = True
        text, self._is_bare, self._is_chunked, self.keeps = answer_head(status, reason, self.fields, self._terms, keeps=self.keeps)
        self._out.append(with_id(text, self._id_line))
        return True

    def write_out(self) -> None:
        """Write what is ready of the answer, if it is not over; after its last bytes, it ends behind the other writes of the batch."""
        transport = self.client.transport
        if self.is_over or transport is None:
            return
        out, self._out = self._out, []
        if len(out) == 1:
            transport.write(out[0])
        elif out and self.sent < _SMALL_BYTES:
            transport.write(b"".join(out))
        elif out:
            transport.writelines(out)
        if not self.client.writing_paused:
            if self._is_whole and self._batch is not None:
                self._batch.behind(self)
            elif self._is_whole:
                self._end()
        elif not self._is_whole and not self.is_held and self.source is not None:
            self.is_held = True
            self.source.pause_reading()

    def was_written(self) -> None:
        """The whole answer was written: it is over."""
        if not self.is_over:
            self._end()

    def failed(self, error: OutsideFailed) -> None:
        """The server broke off, or sent nothing in time."""
        if self.is_over:
            return
        if not self.has_begun:
            self.error = error
            self._end()
        else:
            stalled = isinstance(error, TimedOut) and error.stage == CLIENT
            self._abandon("client_stalled" if stalled else f"cut_short:{error.cause}")

    def writable(self) -> None:
        """The client reads again: read on from the server, or end the relay if the answer is whole."""
        if self._out:
            return  # the write batch will write it
        if self._is_whole and not self.is_over:
            # Not before: a client that sends many requests and reads no answer would fill the memory.
            self._end()
        elif self.is_held and not self.is_over and self.source is not None:
            self.is_held = False
            self.source.resume_reading()

    def gone(self) -> None:
        """The client has left."""
        if not self.is_over:
            self.abandoned = "client_gone"
            self._end()

    def cut(self) -> None:
        """Break the answer off, because its session was revoked."""
        self.break_off("revoked")

    def break_off(self, reason: str) -> None:
        """End the answer now, by resetting the client's connection. ``reason``: for the log."""
        if not self.is_over:
            self._abandon(reason)

    def force_close(self) -> None:
        """Close the client's connection after this answer. Call it only before the head was written."""
        self.keeps = False

    def _abandon(self, reason: str) -> None:
        self.abandoned = reason
        self.keeps = False
        transport = self.client.transport
        self.client.is_broken = True  # so that ``Client.over`` does not close it in order: TLS would send close_notify
        self._end()  # before the reset: the observer then gets ``abandoned``, and not only the loss of the connection
        break_off(transport)

    def _end(self) -> None:
        self.is_over = True
        if not self._is_whole and self.source is not None:
            self.source.abort()
        if self.client.relay is self:
            self.client.relay = None
        self._observer.over(self)


def break_off(transport: asyncio.Transport | None) -> None:
    """Reset a client's connection (RST), so that the client cannot take half an answer for a whole one."""
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        # Without it the last packet is an orderly FIN, and a body that ends with the connection would look whole.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()
