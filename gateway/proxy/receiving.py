"""Who gets what arrives from a server behind the gateway: the reader of an answer, or the sink of a connection that stopped being HTTP;
and who hears what becomes of the connection itself.

Owns the three interfaces. Every call is made on the loop's thread, and may neither wait nor raise.
"""

from typing import Protocol, TypeVar

from gateway.core.messages import Fields
from gateway.errors import OutsideFailed
from gateway.outbound import Deadlines

Guest = TypeVar("Guest", contravariant=True)

CLIENT = "client"
"""The stage of an exchange in which a client is waited for that does not take what it was sent."""


class Reader(Protocol):
    """Gets one answer."""

    def began(self, status: int, reason: bytes, fields: Fields, length: int | None) -> None:
        """The head of the final answer, or of a 101; ``length`` of the body where it is known."""

    def piece(self, received: bytes) -> None:
        """The next bytes of the body."""

    def ended(self) -> None:
        """The answer is whole; the connection is not this reader's any more."""

    def flushed(self) -> None:
        """All that arrived at once was handed over."""

    def failed(self, error: OutsideFailed) -> None:
        """There will be no more of it; the connection is gone."""


class Sink(Protocol):
    """Gets bytes."""

    def received(self, data: bytes) -> None:
        """The next ones."""

    def gone(self) -> None:
        """The connection ended."""

    def writable(self, is_writable: bool) -> None:
        """Whether the server takes more just now."""


class Home(Protocol[Guest]):
    """Where a connection belongs."""

    deadlines: Deadlines

    def began(self) -> None:
        """A request was sent."""

    def ended(self, failed: bool | None) -> None:
        """It is over: True, the server is to blame; False, it answered; None, nobody can tell. Once for each ``began``."""

    def take_back(self, connection: Guest) -> None:
        """It is free again."""

    def lost(self, connection: Guest) -> None:
        """It is closed; called exactly once."""
