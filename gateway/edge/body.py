"""The body of a request while it arrives.

Owns the bytes that were received and not read yet, within a bound. Above the bound the gateway stops reading from the client.
Must never give out a byte twice, or send ``100 Continue`` before the body is read.
Rules from: RFC 9110 §10.1.1 (100 Continue), RFC 9112 §6.
"""

import asyncio
from typing import Final, Protocol

HELD_BYTES: Final = 64 * 1024
"""While more unread bytes than this are held, the gateway reads no more from the client."""


class BodySender(Protocol):
    """The client's connection, as a body sees it."""

    def go_on(self) -> None:
        """Send ``100 Continue`` if the client waits for it."""

    def hold_back(self) -> None:
        """Stop reading from the client. Each call needs one ``let_come``."""

    def let_come(self) -> None:
        """Undo one ``hold_back``."""


class BodySink(Protocol):
    """Receives a body piece by piece."""

    def body_piece(self, piece: bytes) -> None:
        """The next bytes of the body."""

    def body_ended(self) -> None:
        """The body is whole."""

    def body_failed(self, error: Exception) -> None:
        """The body broke off."""


class Body:
    """One body. Read it with one of ``piece``, ``at_hand`` and ``pour``.

    ``sender``: the connection that it comes by. ``length``: in bytes, None if unknown before its end (chunked). ``is_asked``: the client
    need not wait for ``100 Continue``. ``is_whole``: all of it arrived. ``error``: why it broke off, or None.
    """

    __slots__ = ("_held", "_is_held_back", "_pieces", "_sink", "_waiter", "error", "is_asked", "is_whole", "length", "sender")

    def __init__(self, sender: BodySender, length: int | None) -> None:
        """A body of which nothing has arrived yet."""
        self.sender = sender
        self._pieces: list[bytes] = []
        self._held = 0
        self._is_held_back = False
        self._sink: BodySink | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.is_asked = False
        self.length = length
        self.is_whole = False
        self.error: Exception | None = None

    # What the connection says.

    def arrived(self, piece: bytes) -> None:
        """The connection has received the next bytes."""
        if self._sink is not None:
            self._sink.body_piece(piece)
            return
        self._pieces.append(piece)
        self._held += len(piece)
        if self._held > HELD_BYTES and not self._is_held_back:
            self._is_held_back = True
            self.sender.hold_back()
        self._wake()

    def ended(self) -> None:
        """The connection has received all of it."""
        self.is_whole = True
        if self._sink is not None:
            self._sink.body_ended()
        self._wake()

    def failed(self, error: Exception) -> None:
        """The body broke off: it is not what its head announced, it was too slow, or the client left."""
        if self.is_whole or self.error is not None:
            return
        self.error = error
        if self._sink is not None:
            self._sink.body_failed(error)
        self._wake()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # What a reader asks.

    def ask(self) -> None:
        """The body will be read: send ``100 Continue`` to a client that waits for it."""
        if not self.is_asked:
            self.is_asked = True
            self.sender.go_on()

    async def piece(self) -> bytes:
        """The next bytes as they arrived; empty at the end of the body. Raises the error that ``failed`` got."""
        if not self._pieces and not self.is_whole:
            self.ask()
        while not self._pieces:
            if self.is_whole:
                return b""
            if self.error is not None:
                raise self.error
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._taken()

    def put_back(self, piece: bytes) -> None:
        """Give back the last result of ``piece``; the next call returns it again."""
        if piece:
            self._pieces.insert(0, piece)
            self._held += len(piece)

    def at_hand(self) -> bytes | None:
        """The whole body if it has already arrived, else None."""
        return self._taken() if self.is_whole and self.error is None else None

    def pour(self, sink: BodySink) -> None:
        """Call ``sink`` with what has arrived, and with every piece that arrives later."""
        self.ask()
        self._sink = sink
        if self._pieces:
            sink.body_piece(self._taken())
        if self.error is not None:
            sink.body_failed(self.error)
        elif self.is_whole:
            sink.body_ended()

    def drop(self) -> None:
        """Discard the rest of the body, now and as it arrives."""
        self._sink = _NOWHERE
        self._taken()

    def _taken(self) -> bytes:
        pieces, self._pieces, self._held = self._pieces, [], 0
        if self._is_held_back:
            self._is_held_back = False
            self.sender.let_come()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def whole_body_of(text: bytes) -> Body:
    """A body that is already whole."""
    body = Body(_NOBODY, len(text))
    body.arrived(text)
    body.ended()
    return body


class _Nobody:
    """The sender of a body that is already whole: there is no client to stop or to start."""

    __slots__ = ()

    def go_on(self) -> None:
        """Does nothing."""

    def hold_back(self) -> None:
        """Does nothing."""

    def let_come(self) -> None:
        """Does nothing."""


_NOBODY: Final = _Nobody()


class _Nowhere:
    """The sink of a body that nobody reads: it drops everything."""

    __slots__ = ()

    def body_piece(self, piece: bytes) -> None:
        """Drops the bytes."""

    def body_ended(self) -> None:
        """Does nothing."""

    def body_failed(self, error: Exception) -> None:
        """Does nothing."""


_NOWHERE: Final = _Nowhere()
