"""The memory engine: the shared state of a gateway that is a single process. It is lost when the process ends.

It must never keep more than its bounds, or walk through all entries in a call that changes one entry. Time is monotonic.
"""

import asyncio
import secrets
from collections.abc import Iterable, Iterator, Mapping
from heapq import heapify, heappop, heappush
from itertools import count
from typing import NamedTuple
from weakref import WeakValueDictionary

from gateway.clock import Clock
from gateway.errors import LeaseLost, StateFailed
from gateway.revocations import Remembered, Report, Revocation
from gateway.shared_state.interface import DEFAULT_BOUNDS, REVOCATION_BOUNDS, Bounds, Lease, OnRevocation
from gateway.shared_state.published import FORGOTTEN_PART, KINDS, REVOKED, Part, key_of, parts_of
from gateway.shared_state.serialization import BadSerialization, deserialized, serialized

_LEAST_ENDS = 64
"""A shorter list of ends is never cleaned up."""


class _Entry(NamedTuple):
    value: bytes
    started_at: float
    ends: float
    order: int


class _Kind:
    """The entries of one kind, oldest first. ``_ends`` is a heap of their ends; it may hold ends of deleted or replaced entries."""

    __slots__ = ("_bounds", "_bytes", "_ends", "_orders", "entries", "forgotten")

    def __init__(self, bounds: Bounds, orders: Iterator[int]) -> None:
        self._orders = orders
        self.entries: dict[bytes, _Entry] = {}
        self.forgotten = 0
        self._bounds = bounds
        self._bytes = 0
        self._ends: list[tuple[float, bytes]] = []

    def put(self, key: bytes, value: bytes, started_at: float, ends: float, now: float) -> float | None:
        """Store an entry. Returns the start of the last entry that was dropped to make room; None if none was."""
        size, gone = len(key) + len(value), None
        if size > self._bounds.bytes:
            raise StateFailed("the entry is larger than its kind may be")
        self.pop(key)
        self._drop_ended(now)
        while self.entries and (len(self.entries) >= self._bounds.entries or self._bytes + size > self._bounds.bytes):
            oldest = self.pop(next(iter(self.entries)))
            gone = oldest.started_at if oldest is not None else gone
            self.forgotten += 1
        self.entries[key] = _Entry(value, started_at, ends, next(self._orders))
        self._bytes += size
        heappush(self._ends, (ends, key))
        if len(self._ends) > _LEAST_ENDS + 2 * len(self.entries):
            self._ends = [(entry.ends, name) for name, entry in self.entries.items()]
            heapify(self._ends)
        return gone

    def find(self, key: bytes, now: float) -> _Entry | None:
        entry = self.entries.get(key)
        return entry if entry is not None and now < entry.ends else None

    def pop(self, key: bytes) -> _Entry | None:
        entry = self.entries.pop(key, None)
        if entry is not None:
            self._bytes -= len(key) + len(entry.value)
        return entry

    def _drop_ended(self, now: float) -> None:
        while self._ends and self._ends[0][0] <= now:
            ends, key = heappop(self._ends)
            entry = self.entries.get(key)
            if entry is not None and entry.ends == ends:
                self.pop(key)


class _Held(NamedTuple):
    lease: Lease
    ends: float


class _Store:
    """The data that several ``MemoryState`` objects of one process share."""

    def __init__(self, bounds: Mapping[str, Bounds]) -> None:
        self.epoch = secrets.token_hex(8)
        self.leases: dict[bytes, _Held] = {}
        self.last_lease = 0
        self.locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()
        self.followers: dict[object, OnRevocation] = {}
        self.kinds: dict[str, _Kind] = {}
        self._orders = count()
        self._bounds = {**dict.fromkeys(KINDS, REVOCATION_BOUNDS), **bounds}

    def make_room_for(self, keys: tuple[bytes, ...], now: float) -> None:
        """Make room for leases of these keys by dropping ended ones. Raises ``StateFailed`` if all are held; these are never dropped."""
        most = self._bounds.get("lease", DEFAULT_BOUNDS).entries
        if len(self.leases) + len(keys) > most:
            self.leases = {key: held for key, held in self.leases.items() if held.ends > now}
        if len(self.leases) + sum(key not in self.leases for key in keys) > most:
            raise StateFailed("there are as many leases as there may be")

    def kind(self, name: str) -> _Kind:
        found = self.kinds.get(name)
        if found is None:
            found = self.kinds[name] = _Kind(self._bounds.get(name, DEFAULT_BOUNDS), self._orders)
        return found


class MemoryState:
    """The shared state of a gateway that is one process. It begins empty, with a new epoch."""

    is_shared = False
    hearing_seconds = 0.0  # all receive it at once, and write in the event loop's next turn
    ready = True
    problem = ""

    def __init__(self, clock: Clock, bounds: Mapping[str, Bounds] | None = None, store: _Store | None = None) -> None:
        """``bounds``: by kind, if they differ from the default. ``store``: the data of another object (see ``beside``)."""
        self._clock = clock
        self._monotonic = clock.monotonic
        self._store = store or _Store(bounds or {})
        self._kind = self._store.kind

    def beside(self) -> "MemoryState":
        """Another gateway's view of the same data, in the same process. What one publishes, the other receives at once."""
        return MemoryState(self._clock, store=self._store)

    @property
    def epoch(self) -> str:
        """The name of this state; it is new in each process."""
        return self._store.epoch

    @property
    def locks(self) -> WeakValueDictionary[bytes, asyncio.Lock]:
        """Locks by key. All gateways with this data use the same ones: while the configuration is loaded again, there are two."""
        return self._store.locks

    @property
    def forgotten(self) -> int:
        """How many entries were dropped before their end because a kind was full."""
        return sum(kind.forgotten for kind in self._store.kinds.values())

    async def follow(self, heard: OnRevocation) -> None:
        """Call ``heard`` with every stored revocation, oldest first; from then on with those that others publish."""
        now = self._monotonic()
        kept = [entry for name in KINDS for entry in self._kind(name).entries.values() if now < entry.ends]
        for entry in sorted(kept, key=lambda entry: entry.order):
            heard(Remembered(deserialized(entry.value), now - entry.started_at))
        self._store.followers[self] = heard

    def poll(self) -> None:
        """It does nothing, because ``publish`` calls the others directly."""

    async def publish(self, revocation: Revocation) -> None:
        """Store the revocation, and call the followers of all others."""
        self._publish(revocation)

    async def report(self, report: Report) -> bool:
        """Store the report in one step; False if it came before."""
        now, entries = self._monotonic(), self._kind(report.kind)
        if entries.find(report.key, now) is not None:
            return False
        for revocation in report.revocations:
            self._publish(revocation)
        for mark in report.marks:
            entries.put(mark, b"", now, now + report.mark_seconds, now)
        entries.put(report.key, b"", now, now + report.seconds, now)
        return True

    async def lease(self, keys: Iterable[bytes], owner: bytes, seconds: float) -> Lease | None:
        """A lease of all these keys, or None while another owner holds one of them."""
        names, now = tuple(sorted(set(keys))), self._monotonic()
        if not names:
            raise ValueError("a lease without a key")
        leases = self._store.leases
        if any(key in leases and leases[key].ends > now and leases[key].lease.owner != owner for key in names):
            return None
        self._store.make_room_for(names, now)
        self._store.last_lease += 1
        lease = Lease(names, owner, self._store.last_lease)
        self._store.leases.update(dict.fromkeys(names, _Held(lease, now + seconds)))
        return lease

    async def renew(self, lease: Lease, seconds: float) -> bool:
        """Set the end of the lease to ``seconds`` from now; False if it was lost."""
        if not self._is_held(lease):
            return False
        self._store.leases.update(dict.fromkeys(lease.keys, _Held(lease, self._monotonic() + seconds)))
        return True

    async def release(self, lease: Lease) -> None:
        """End the lease."""
        for key in lease.keys:
            held = self._store.leases.get(key)
            if held is not None and held.lease.number == lease.number:
                del self._store.leases[key]

    async def claim(self, kind: str, key: bytes, seconds: float) -> bool:
        """True for the first caller; False for others until ``seconds`` after that."""
        now, entries = self._monotonic(), self._kind(kind)
        if entries.find(key, now) is not None:
            return False
        entries.put(key, b"", now, now + seconds, now)
        return True

    async def put(self, kind: str, key: bytes, value: bytes, seconds: float, *, under: Lease | None = None) -> None:
        """Store the value for ``seconds``."""
        self._check(under)
        now = self._monotonic()
        self._kind(kind).put(key, value, now, now + seconds, now)

    async def get(self, kind: str, key: bytes) -> bytes | None:
        """The value, or None."""
        entry = self._kind(kind).find(key, self._monotonic())
        return None if entry is None else entry.value

    async def take(self, kind: str, key: bytes) -> bytes | None:
        """Read and delete the value in one step; None if there is none."""
        entries = self._kind(kind)
        found = entries.find(key, self._monotonic())
        entries.pop(key)
        return None if found is None else found.value

    async def delete(self, kind: str, key: bytes, *, under: Lease | None = None) -> None:
        """Delete the entry."""
        self._check(under)
        self._kind(kind).pop(key)

    async def entries(self, kind: str) -> list[tuple[bytes, bytes]]:
        """All keys with their values, oldest first."""
        now = self._monotonic()
        return [(key, entry.value) for key, entry in self._kind(kind).entries.items() if now < entry.ends]

    async def aclose(self) -> None:
        """Stop receiving what others publish."""
        self._store.followers.pop(self, None)

    def _publish(self, revocation: Revocation) -> None:
        for part in parts_of(revocation):
            now = self._monotonic()
            gone = self._keep(part, now, now)
            if gone is not None and part.kind == REVOKED:
                self._keep(FORGOTTEN_PART, gone, now)
                self._tell(Remembered(FORGOTTEN_PART.revocation, now - gone), None)
            self._tell(Remembered(part.revocation, 0.0), self)

    def _keep(self, part: Part, started_at: float, now: float) -> float | None:
        try:
            written = serialized(part.revocation)
        except BadSerialization as error:
            raise StateFailed("the revocation is larger than any may be") from error
        return self._kind(part.kind).put(key_of(written), written, started_at, started_at + part.seconds, now)

    def _tell(self, heard: Remembered, but: "MemoryState | None") -> None:
        for follower, hear in tuple(self._store.followers.items()):
            if follower is not but:
                hear(heard)

    def _is_held(self, lease: Lease) -> bool:
        now, leases = self._monotonic(), self._store.leases
        return all(key in leases and leases[key].lease.number == lease.number and leases[key].ends > now for key in lease.keys)

    def _check(self, under: Lease | None) -> None:
        if under is not None and not self._is_held(under):
            raise LeaseLost("the lease had ended before the change")
