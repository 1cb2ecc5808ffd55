"""The interface of the shared state, with its promises and its bounds.

Every engine keeps these promises. The interface must never depend on one engine. All calls except ``poll`` are coroutines, so that an
engine on another machine can implement it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from gateway.revocations import LARGEST, Remembered, Report, Revocation


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that one kind of entry may hold: a number of ``entries``, and the ``bytes`` of their keys and values together."""

    entries: int = 100_000
    bytes: int = 16 * 1024 * 1024


DEFAULT_BOUNDS = Bounds()
REVOCATION_BOUNDS = Bounds(LARGEST, 64 * 1024 * 1024)
"""The bound for each kind of published revocation: as many as the memory of one process holds."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A lock with an end time on some keys. ``keys``: sorted, at least one. ``owner``: a random value, new for each use.

    ``number`` grows with every lease: of two leases for one key, the one with the larger number is the later one.
    """

    keys: tuple[bytes, ...]
    owner: bytes
    number: int


OnRevocation = Callable[[Remembered], None]
"""Called with each revocation that another process published, and its age. It must not block or raise."""


class SharedState(Protocol):
    """Entries by kind and key, each with an end; claims, which only one caller wins; leases; revocations.

    An entry whose time has passed is absent. If a kind is full, its oldest entries are dropped, and ``forgotten`` counts them. Kinds whose
    name begins with "revoked.", and the kind "lease", are reserved for the engine. Every call raises ``StateFailed`` if the engine cannot
    do it. Then nothing has changed; with an engine on another machine it is not known whether anything has changed.
    """

    @property
    def epoch(self) -> str:
        """The name of this state. It changes when the state was lost and has begun empty."""

    @property
    def forgotten(self) -> int:
        """How many entries this process dropped before their end because a kind was full."""

    @property
    def is_shared(self) -> bool:
        """Whether other processes may use this state too. If so, call ``poll`` before a cached answer is used."""

    @property
    def hearing_seconds(self) -> float:
        """Seconds after a publication until every process has received it, and what they then write can be read."""

    @property
    def ready(self) -> bool:
        """Whether this process has received all that others published, and what it publishes reaches them."""

    @property
    def problem(self) -> str:
        """Why it is not ready, with a remedy. Empty if it is ready, or if the reason is not known."""

    async def follow(self, heard: OnRevocation) -> None:
        """Call ``heard`` with every stored revocation, oldest first, before this returns; from then on with those that others publish.

        Call it before the first look-up. ``heard`` does not get what this process publishes later. Raises ``StateFailed`` if the state
        cannot be read; then call it again.
        """

    def poll(self) -> None:
        """Call ``heard`` with what others have published. It takes about 0.1 µs if there is nothing, and never raises.

        After a failure ``ready`` is False, and the next try comes 50 ms later at the earliest.
        """

    async def publish(self, revocation: Revocation) -> None:
        """Store the revocation for as long as a session can last, and send it to the others. A repetition restarts its time.

        When this returns, every process of this machine receives it at its next ``poll``, or the server has stored it. If this raises
        ``StateFailed``, the engine keeps trying to write the revocation.
        """

    async def report(self, report: Report) -> bool:
        """Claim the report's key, publish its revocations and store its marks, all in one step. False, and no change, if it was claimed.

        After a ``StateFailed`` the key can be claimed again, and the engine keeps trying to write the revocations, as for ``publish``.
        """

    async def lease(self, keys: Iterable[bytes], owner: bytes, seconds: float) -> Lease | None:
        """A lease of all these keys, or None while another owner holds one of them. The same owner gets a new lease for its old one.

        The new holder receives, at its next ``poll`` at the latest, all that was published before the lease was given. So it knows what the
        earlier holder did, and can recognize a late answer. Raises ``ValueError`` if there is no key.
        """

    async def renew(self, lease: Lease, seconds: float) -> bool:
        """Set the end of the lease to ``seconds`` from now. False if the lease was lost; then it is not taken again."""

    async def release(self, lease: Lease) -> None:
        """End the lease. Nothing happens if it was lost."""

    async def claim(self, kind: str, key: bytes, seconds: float) -> bool:
        """True for the first caller. False for all others until ``seconds`` after that."""

    async def put(self, kind: str, key: bytes, value: bytes, seconds: float, *, under: Lease | None = None) -> None:
        """Store or replace the value for ``seconds``; it becomes the newest entry of its kind.

        ``under``: if this lease is no longer held, it raises ``LeaseLost`` and changes nothing. Raises ``StateFailed`` also if key and
        value are larger than the bound of the whole kind.
        """

    async def get(self, kind: str, key: bytes) -> bytes | None:
        """The value, or None."""

    async def take(self, kind: str, key: bytes) -> bytes | None:
        """Read and delete the value in one step, so that only one caller gets it; None if there is none."""

    async def delete(self, kind: str, key: bytes, *, under: Lease | None = None) -> None:
        """Delete the entry. ``under``: as for ``put``."""

    async def entries(self, kind: str) -> list[tuple[bytes, bytes]]:
        """All keys of this kind with their values, oldest first."""

    async def aclose(self) -> None:
        """Close files and connections, and end tasks. Make no call after it."""
