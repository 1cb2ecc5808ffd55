"""The two interfaces for bytes that arrive from a server: ``Reader`` for an answer, ``ByteSink`` for a connection after a 101.

All calls are made on the event loop's thread; an implementation must not wait or raise.
``Reader`` is a class and not a ``Protocol``: each request calls it about five times, and mypyc compiles a call of a class's method to
a table lookup, but a call of a ``Protocol``'s method to a dictionary lookup.
"""

from typing import Protocol

from gateway.errors import OutsideFailed
from gateway.policy.http.messages import Fields

CLIENT = "client"
"""The stage of an exchange in which the gateway waits for a slow client, and does not read from the server."""


class Reader:
    """Receives one answer."""

    __slots__ = ()

    def arrived(self, status: int, reason: bytes, fields: Fields, pieces: list[bytes], is_whole: bool) -> None:
        """The next part of the answer.

        ``status``, ``reason``, ``fields``: the head of the final answer, or of a 101. ``status`` is 0 in all later calls, whose ``reason``
        and ``fields`` mean nothing. ``pieces``: the next bytes of the body. ``is_whole``: the answer is complete, and the connection does
        not belong to this reader any more.
        """
        raise NotImplementedError

    def failed(self, error: OutsideFailed) -> None:
        """The answer broke off; its connection is closed."""
        raise NotImplementedError


class ByteSink(Protocol):
    """Receives the bytes of a connection that is no longer HTTP."""

    def received(self, data: bytes) -> None:
        """The next bytes."""

    def gone(self) -> None:
        """The connection is closed."""

    def writable(self, is_writable: bool) -> None:
        """Whether the server's write buffer has room."""
