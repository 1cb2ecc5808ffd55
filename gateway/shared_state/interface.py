"""The interface of the shared state, and the bounds of what it keeps.

Owns the promises that every engine keeps. Must never depend on one engine: all calls but ``poll`` are coroutines, so that an engine behind
a network fits too.
"""

from collections.abc import Callable, Iterable, Mapping
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
"""For each kind of published revocation, as many as the memory of one process remembers."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to act for these keys until it ends. ``keys``: sorted, at least one. ``owner``: random, one for each turn.

    ``number`` grows with every lease that this memory gives: of two leases for one key the larger number is the later one.
    """

    keys: tuple[bytes, ...]
    owner: bytes
    number: int


Heard = Callable[[Remembered], None]
"""Gets a revocation that others published, and its age. It must not block or raise."""

Tell = Callable[[str, Mapping[str, object]], None]
"""Gets an event for the log, and its figures."""


class SharedState(Protocol):
    """Entries by kind and key, each with an end; claims, which one caller wins; leases; revocations.

    An entry whose seconds have passed is absent. At the bound of its kind the oldest entries go, and ``forgotten`` counts them. The kinds
    whose name begins with "revoked." and the kind "lease" are the engine's own. Every call raises ``StateFailed`` where the engine cannot
    do it; then nothing has changed, or, with an engine behind a network, it is not known whether anything has.
    """

    @property
    def epoch(self) -> str:
        """The name of this memory: it changes when the memory has begun empty."""

    @property
    def forgotten(self) -> int:
        """How many entries this process pushed out at a bound before their end."""

    @property
    def is_shared(self) -> bool:
        """Whether another process may use this memory too: then ``poll`` must be called before a cached answer is believed."""

    @property
    def ready(self) -> bool:
        """Whether everything that others published has reached this process, and what it publishes reaches them."""

    @property
    def problem(self) -> str:
        """Why it is not ready, with a remedy; empty where it is, or where that is not known."""

    async def follow(self, heard: Heard) -> None:
        """Hand every kept revocation to ``heard`` before this returns, oldest first; from then on those that others publish.

        Call it before anything is looked up. ``heard`` never gets what this process publishes after this call. ``StateFailed`` where the
        memory cannot be read; then it may be called again.
        """

    def poll(self) -> None:
        """Hand over now what others have published. Costs about 0.1 µs when there is nothing, and never raises.

        A failure makes ``ready`` False, and is not tried again within 50 ms.
        """

    async def publish(self, revocation: Revocation) -> None:
        """Keep the revocation for as long as a session can last, and send it to the others. Publishing it again begins its time anew.

        When this returns, every process of this machine hears it at its next ``poll``, or the server has it. An engine keeps trying to
        write a revocation whose ``publish`` raised ``StateFailed``.
        """

    async def report(self, report: Report) -> bool:
        """Win the claim of its key, publish its revocations and put its marks, all in one step; False, and no change, where it was won.

        A ``StateFailed`` leaves the claim to be won again; the revocations are kept trying to write as by ``publish``.
        """

    async def lease(self, keys: Iterable[bytes], owner: bytes, seconds: float) -> Lease | None:
        """A lease of all these keys, or None while somebody else holds one of them. The same owner gets a new lease in place of its old.

        Whoever gets it has heard by then, or hears at the next ``poll``, what was published before it was given: also what the holder
        before did, so a late answer is known to be late. ``ValueError`` for no key at all.
        """

    async def renew(self, lease: Lease, seconds: float) -> bool:
        """Let the lease end so many seconds from now. False where it was lost; it is not taken again then."""

    async def release(self, lease: Lease) -> None:
        """End the lease; one that was lost is let be."""

    async def claim(self, kind: str, key: bytes, seconds: float) -> bool:
        """True for the first caller; False for every other one until ``seconds`` after the claim that was won."""

    async def put(self, kind: str, key: bytes, value: bytes, seconds: float, *, under: Lease | None = None) -> None:
        """Keep the value for so long, in place of the one before; it is the newest entry of its kind then.

        ``under``: ``LeaseLost`` in place of the change where this lease is not held any more. ``StateFailed`` too where key and value are
        larger than the bound of the whole kind.
        """

    async def get(self, kind: str, key: bytes) -> bytes | None:
        """The value; None where there is none."""

    async def take(self, kind: str, key: bytes) -> bytes | None:
        """The value, deleted in the same step, so that one caller gets it; None where there is none."""

    async def delete(self, kind: str, key: bytes, *, under: Lease | None = None) -> None:
        """Make the entry absent. ``under``: as for ``put``."""

    async def entries(self, kind: str) -> list[tuple[bytes, bytes]]:
        """Every key of this kind with its value, oldest first."""

    async def aclose(self) -> None:
        """Let go of files, connections and tasks. No call may follow."""
