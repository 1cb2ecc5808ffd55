"""Who gets what arrives from a server behind the gateway: the reader of an answer, or the sink of a connection that stopped being HTTP.

Owns the two interfaces. Every call is made on the loop's thread, and may neither wait nor raise. A reader derives from its class: each
request calls it five times, and compiled such a call is a look into a table, where that of a ``Protocol`` is one into a dictionary.
"""

from typing import Protocol

from gateway.errors import OutsideFailed
from gateway.policy.http.messages import Fields

CLIENT = "client"
"""The stage of an exchange in which a client is waited for that does not take what it was sent."""


class Reader:
    """Gets one answer."""

    __slots__ = ()

    def arrived(self, status: int, reason: bytes, fields: Fields, pieces: list[bytes], is_whole: bool) -> None:
        """What came of the answer at once.

        ``status``, ``reason``, ``fields``: of the head of the final answer, or of a 101; 0, and nothing that counts, where it came before.
        ``pieces``: the next bytes of the body. ``is_whole``: there will be no more, and the connection is not this reader's any more.
        """
        raise NotImplementedError

    def failed(self, error: OutsideFailed) -> None:
        """There will be no more of it; the connection is gone."""
        raise NotImplementedError


class ByteSink(Protocol):
    """Gets bytes."""

    def received(self, data: bytes) -> None:
        """The next ones."""

    def gone(self) -> None:
        """The connection ended."""

    def writable(self, is_writable: bool) -> None:
        """Whether the server takes more just now."""
