"""An answer on its way to a client: from one connection straight onto the other, without a task and without a copy that is not needed.

Owns the writing of one answer, and what happens when a side goes away in the middle: a server that breaks off breaks the client's
connection (never a clean end), a client that goes takes the server's connection with it, a slow one makes the server wait. Must never
decide what the fields of the answer are: ``rewrite`` does. Rules from: RFC 9112 §6 to 9.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Final, Protocol

from gateway.edge.responses import Response
from gateway.errors import OutsideFailed, TimedOut
from gateway.policy.http.messages import Fields
from gateway.policy.http.request_ids import with_id
from gateway.upstream.heads import LAST_CHUNK, AnswerTerms, answer_head
from gateway.upstream.receiving import CLIENT, Reader
from gateway.upstream.write_batch import WriteBatch

Rewrite = Callable[[int, Fields], Fields]
"""From the status and the end-to-end fields of an answer to those that the client gets."""

_RESET: Final = struct.pack("ii", 1, 0)  # linger for zero seconds: reset
_SMALL_BYTES: Final = 16 * 1024


class ClientPins:
    """Connections to servers that belong to one connection of a client; ``is_holding``: whether there are any."""

    is_holding: bool

    def close(self) -> None:
        """The client is gone: so are they."""
        raise NotImplementedError


class Client:
    """The connection of a client: what a relay needs of it.

    ``relay`` writes the answer under way; the connection tells it when its client takes more, and when it left. ``is_broken`` is said by
    the relay before the connection is broken off. ``writing_paused``: the client is slower than we are. ``pins``: what is closed with it.
    """

    __slots__ = ("is_broken", "pins", "relay", "transport", "writing_paused")

    def __init__(self) -> None:
        """Nobody is connected yet."""
        self.transport: asyncio.Transport | None = None
        self.relay: Relay | None = None
        self.pins: ClientPins | None = None
        self.is_broken = False
        self.writing_paused = False

    def over(self, status: int | None, keeps: bool) -> None:
        """What was relayed without a task is over; ``status``: as it was told, None for none; ``keeps``: the connection goes on."""
        raise NotImplementedError

    def answer(self, response: Response) -> None:
        """Answer the request under way with this, where nothing of an answer was written."""
        raise NotImplementedError

    def failed(self, error: Exception) -> None:
        """As ``answer``, where something was not foreseen."""
        raise NotImplementedError

    def hold_back(self) -> None:
        """Let the client wait with what it sends."""
        raise NotImplementedError

    def let_come(self) -> None:
        """Go on reading."""
        raise NotImplementedError

    def switched(self) -> bytes:
        """Another protocol stands at the transport now: what the client sent for it already."""
        raise NotImplementedError

    def connection_lost(self, exc: BaseException | None) -> None:
        """The client is gone."""
        raise NotImplementedError


class AnswerSource(Protocol):
    """Where an answer comes from: a connection, or the wait for one."""

    def abort(self) -> None:
        """Nobody takes it any more."""

    def pause_reading(self) -> None:
        """Let it wait."""

    def resume_reading(self) -> None:
        """Go on."""


class RelayOwner:
    """Who has an answer relayed."""

    __slots__ = ()

    def over(self, relay: "Relay") -> None:
        """Nothing more will happen; called once."""
        raise NotImplementedError


class Relay(Reader):
    """Reads one answer and writes it to ``client``; ``owner`` is told once when nothing more will happen.

    ``abandoned``: why it ended before it was whole, empty where it did not. ``error``: what failed before anything was written.
    """

    __slots__ = (
        "_asked", "_id_line", "_is_bare", "_is_chunked", "_is_whole", "_out", "_owner", "_turn", "abandoned", "client", "error", "fields",
        "has_begun", "is_held", "is_over", "keeps", "rewrite", "sent", "status", "way",
    )  # fmt: skip

    def __init__(
        self,
        client: Client,
        way: AnswerSource | None,
        asked: AnswerTerms,
        rewrite: Rewrite,
        owner: RelayOwner,
        turn: WriteBatch | None = None,
        id_line: bytes = b"",
    ) -> None:
        """Registers itself with the client's connection; ``way`` None: nobody need be told when its client goes.

        ``turn``: at whose end the last of a small answer is written; None: at once. ``id_line``: of its request.
        """
        self.client = client
        self.way = way
        self._asked = asked
        self.rewrite = rewrite
        self._owner = owner
        self._turn = turn
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
        """Write it, at the end of this turn where it is all of a small answer."""
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
        if is_whole and self._turn is not None and self.sent < _SMALL_BYTES:
            self._turn.write(self._write)
        else:
            self._write()

    def _begin(self, status: int, reason: bytes, fields: Fields) -> bool:
        """Make the head that the client gets; False where that failed, and the answer is over."""
        try:
            self.fields = self.rewrite(status, fields)
        except Exception as error:  # noqa: BLE001 - called by the loop: a bug behind it must end this answer, and is told to ``over``
            self.error = error
            self._end()
            return False
        self.status = status
        self.has_begun = True
        text, self._is_bare, self._is_chunked, self.keeps = answer_head(status, reason, self.fields, self._asked, keeps=self.keeps)
        self._out.append(with_id(text, self._id_line))
        return True

    def _write(self) -> None:
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
            if self._is_whole and self._turn is not None:
                self._turn.behind(self._ended_behind)
            elif self._is_whole:
                self._end()
        elif not self._is_whole and not self.is_held and self.way is not None:
            self.is_held = True
            self.way.pause_reading()

    def _ended_behind(self) -> None:
        if not self.is_over:
            self._end()

    def failed(self, error: OutsideFailed) -> None:
        """The server broke off, or stood still."""
        if self.is_over:
            return
        if not self.has_begun:
            self.error = error
            self._end()
        else:
            stalled = isinstance(error, TimedOut) and error.stage == CLIENT
            self._abandon("client_stalled" if stalled else f"cut_short:{error.cause}")

    def writable(self) -> None:
        """The client takes more. A whole answer is over only now: else who asks for many and takes none fills our memory."""
        if self._out:
            return  # written at the end of the turn
        if self._is_whole and not self.is_over:
            self._end()
        elif self.is_held and not self.is_over and self.way is not None:
            self.is_held = False
            self.way.resume_reading()

    def gone(self) -> None:
        """The client left."""
        if not self.is_over:
            self.abandoned = "client_gone"
            self._end()

    def cut(self) -> None:
        """What let this answer in is revoked."""
        self.break_off("revoked")

    def break_off(self, reason: str) -> None:
        """End it now, and visibly so."""
        if not self.is_over:
            self._abandon(reason)

    def force_close(self) -> None:
        """End the client's connection behind this answer; only before its head was written."""
        self.keeps = False

    def _abandon(self, reason: str) -> None:
        self.abandoned = reason
        self.keeps = False
        transport = self.client.transport
        self.client.is_broken = True  # so that who hears of the end does not close it first: TLS would say an orderly goodbye
        self._end()  # first: whoever waits for the end hears why, and not only that the client's connection is gone
        break_off(transport)

    def _end(self) -> None:
        self.is_over = True
        if not self._is_whole and self.way is not None:
            self.way.abort()
        if self.client.relay is self:
            self.client.relay = None
        self._owner.over(self)


def break_off(transport: asyncio.Transport | None) -> None:
    """Break a client's connection, so that it cannot take what it has for the whole."""
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        # Without it the last packet is an orderly FIN, and a body that ends with the connection would look whole.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()
