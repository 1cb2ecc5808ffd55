"""The interface of the shared state, and the bounds of what it keeps.

Owns the promises that every engine keeps. Must never depend on one engine: all calls are coroutines, so that an engine behind a network
fits too.
"""

from dataclasses import dataclass
from typing import Protocol

from gateway.revocations import LARGEST, Remembered, Revocation


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that one kind of entry may hold: a number of ``entries``, and the ``bytes`` of their keys and values together."""

    entries: int = 100_000
    bytes: int = 16 * 1024 * 1024


DEFAULT_BOUNDS = Bounds()
REVOCATION_BOUNDS = Bounds(LARGEST, 32 * 1024 * 1024)
"""For each kind of revoked key, as many as the memory of one process remembers."""


class SharedState(Protocol):
    """Entries by kind and key, each with an end; claims, which one caller wins; revocations.

    An entry whose seconds have passed is absent. At the bound of its kind the oldest entries go, and ``forgotten`` counts them. The kinds
    whose name begins with "revoked." are the engine's own. Every call raises ``StateFailed`` where the engine cannot do it; then nothing
    has changed, or, with an engine behind a network, it is not known whether anything has.
    """

    @property
    def epoch(self) -> str:
        """The name of this memory: it changes when the memory has begun empty."""

    @property
    def forgotten(self) -> int:
        """How many entries this process pushed out at a bound before their end."""

    async def claim(self, kind: str, key: bytes, seconds: float) -> bool:
        """True for the first caller; False for every other one until ``seconds`` after the claim that was won."""

    async def put(self, kind: str, key: bytes, value: bytes, seconds: float) -> None:
        """Keep the value for so long, in place of the one before; it is the newest entry of its kind then.

        ``StateFailed`` too where key and value are larger than the bound of the whole kind.
        """

    async def get(self, kind: str, key: bytes) -> bytes | None:
        """The value; None where there is none."""

    async def take(self, kind: str, key: bytes) -> bytes | None:
        """The value, deleted in the same step, so that one caller gets it; None where there is none."""

    async def delete(self, kind: str, key: bytes) -> None:
        """Make the entry absent."""

    async def entries(self, kind: str) -> list[tuple[bytes, bytes]]:
        """Every key of this kind with its value, oldest first."""

    async def remember(self, revocation: Revocation) -> None:
        """Keep the revocation for as long as a session can last; hearing it again begins its time anew. All of it, or nothing."""

    async def revocations(self) -> list[Remembered]:
        """Every revocation that is kept, one for each revoked key, with its age."""

    async def aclose(self) -> None:
        """Let go of files and connections. No call may follow."""
