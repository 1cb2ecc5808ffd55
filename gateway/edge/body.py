"""The body of a request, as it arrives.

Owns what of it was received before somebody took it, within a bound: beyond that the client waits. Must never hand out a byte twice, nor
tell a client to go on with a body that nobody asked for. Rules from: RFC 9110 §10.1.1 (100 Continue), RFC 9112 §6.
"""

import asyncio
from typing import Final, Protocol

HELD_BYTES: Final = 64 * 1024
"""Beyond so many that nobody took, the client waits."""


class BodySender(Protocol):
    """The connection that a body comes by."""

    def go_on(self) -> None:
        """Say that the body may come (100), where the client waits for that."""

    def hold_back(self) -> None:
        """Let the client wait."""

    def let_come(self) -> None:
        """Go on reading."""


class BodySink(Protocol):
    """Gets a body piece by piece."""

    def body_piece(self, piece: bytes) -> None:
        """The next bytes."""

    def body_ended(self) -> None:
        """It is whole."""

    def body_failed(self, error: Exception) -> None:
        """There will be no more of it."""


class Body:
    """One body. Take it with ``piece``, ``at_hand`` or ``pour``, one of them.

    ``sender``: by which it comes; ``length``: in bytes, None where nobody knows it before its end. ``error``: why no more of it comes;
    ``is_whole``: all of it arrived.
    """

    __slots__ = ("_held", "_is_held_back", "_pieces", "_sink", "_waiter", "error", "is_asked", "is_whole", "length", "sender")

    def __init__(self, sender: BodySender, length: int | None) -> None:
        """Nothing arrived yet."""
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
        """The next bytes."""
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
        """All of it arrived."""
        self.is_whole = True
        if self._sink is not None:
            self._sink.body_ended()
        self._wake()

    def failed(self, error: Exception) -> None:
        """No more of it comes: it is not what its head announced, or its client left."""
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
        """Somebody will take it: a client that waits for that word sends it."""
        if not self.is_asked:
            self.is_asked = True
            self.sender.go_on()

    async def piece(self) -> bytes:
        """The next bytes as they arrived; empty at its end. Raises what ``failed`` was told."""
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
        """Give back what ``piece`` handed out last: it is the next again."""
        if piece:
            self._pieces.insert(0, piece)
            self._held += len(piece)

    def at_hand(self) -> bytes | None:
        """The whole body where it arrived already, else None."""
        return self._taken() if self.is_whole and self.error is None else None

    def pour(self, sink: BodySink) -> None:
        """Have ``sink`` called with what is there, and with what comes."""
        self.ask()
        self._sink = sink
        if self._pieces:
            sink.body_piece(self._taken())
        if self.error is not None:
            sink.body_failed(self.error)
        elif self.is_whole:
            sink.body_ended()

    def drop(self) -> None:
        """Nobody takes what is left of it."""
        self._sink = _NOWHERE
        self._taken()

    def _taken(self) -> bytes:
        pieces, self._pieces, self._held = self._pieces, [], 0
        if self._is_held_back:
            self._is_held_back = False
            self.sender.let_come()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def whole_body_of(text: bytes) -> Body:
    """A body that is all there."""
    body = Body(_NOBODY, len(text))
    body.arrived(text)
    body.ended()
    return body


class _Nobody:
    """Sends nothing, and waits for nothing."""

    __slots__ = ()

    def go_on(self) -> None:
        """Nobody is told."""

    def hold_back(self) -> None:
        """Nobody is told."""

    def let_come(self) -> None:
        """Nobody is told."""


_NOBODY: Final = _Nobody()


class _Nowhere:
    """Takes what nobody wants."""

    __slots__ = ()

    def body_piece(self, piece: bytes) -> None:
        """Dropped."""

    def body_ended(self) -> None:
        """Nobody waits."""

    def body_failed(self, error: Exception) -> None:
        """Nobody waits."""


_NOWHERE: Final = _Nowhere()
