"""The shared state of one process: dictionaries.

Owns entries that end with the process. Must never keep more than its bounds, or look at every entry in one call. Time is monotonic.
"""

import secrets
from collections.abc import Mapping
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from gateway.clock import Clock
from gateway.errors import StateFailed
from gateway.revocations import REMEMBERED_SECONDS, Remembered, Revocation
from gateway.shared_state.interface import DEFAULT_BOUNDS, REVOCATION_BOUNDS, Bounds
from gateway.shared_state.revoked import KINDS, entries_of, remembered

_LEAST_ENDS = 64
"""A list of ends this short is never tidied."""


class _Entry(NamedTuple):
    value: bytes
    began: float
    ends: float


class _Kind:
    """The entries of one kind, oldest first; ``_ends`` is a heap of their ends, and may name entries that are gone or were replaced."""

    __slots__ = ("_bounds", "_bytes", "_ends", "entries", "forgotten")

    def __init__(self, bounds: Bounds) -> None:
        self.entries: dict[bytes, _Entry] = {}
        self.forgotten = 0
        self._bounds = bounds
        self._bytes = 0
        self._ends: list[tuple[float, bytes]] = []

    def put(self, key: bytes, value: bytes, now: float, seconds: float) -> None:
        size = len(key) + len(value)
        if size > self._bounds.bytes:
            raise StateFailed("the entry is larger than its kind may be")
        self.pop(key)
        self._drop_ended(now)
        while self.entries and (len(self.entries) >= self._bounds.entries or self._bytes + size > self._bounds.bytes):
            self.pop(next(iter(self.entries)))
            self.forgotten += 1
        self.entries[key] = _Entry(value, now, now + seconds)
        self._bytes += size
        heappush(self._ends, (now + seconds, key))
        if len(self._ends) > _LEAST_ENDS + 2 * len(self.entries):
            self._ends = [(entry.ends, name) for name, entry in self.entries.items()]
            heapify(self._ends)

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


class MemoryState:
    """The shared state of a gateway that is one process; it begins empty, with a new epoch."""

    def __init__(self, clock: Clock, bounds: Mapping[str, Bounds] | None = None) -> None:
        """``bounds``: by kind, where they are not the default."""
        self.epoch = secrets.token_hex(8)
        self._monotonic = clock.monotonic
        self._bounds = {**dict.fromkeys(KINDS, REVOCATION_BOUNDS), **(bounds or {})}
        self._kinds: dict[str, _Kind] = {}

    @property
    def forgotten(self) -> int:
        """How many entries were pushed out at a bound before their end."""
        return sum(kind.forgotten for kind in self._kinds.values())

    async def claim(self, kind: str, key: bytes, seconds: float) -> bool:
        """True for the first caller, until ``seconds`` later."""
        now, entries = self._monotonic(), self._kind(kind)
        if entries.find(key, now) is not None:
            return False
        entries.put(key, b"", now, seconds)
        return True

    async def put(self, kind: str, key: bytes, value: bytes, seconds: float) -> None:
        """Keep the value for so long."""
        self._kind(kind).put(key, value, self._monotonic(), seconds)

    async def get(self, kind: str, key: bytes) -> bytes | None:
        """The value; None where there is none."""
        entry = self._kind(kind).find(key, self._monotonic())
        return None if entry is None else entry.value

    async def take(self, kind: str, key: bytes) -> bytes | None:
        """The value, deleted in the same step; None where there is none."""
        entries = self._kind(kind)
        found = entries.find(key, self._monotonic())
        entries.pop(key)
        return None if found is None else found.value

    async def delete(self, kind: str, key: bytes) -> None:
        """Make the entry absent."""
        self._kind(kind).pop(key)

    async def entries(self, kind: str) -> list[tuple[bytes, bytes]]:
        """Every key with its value, oldest first."""
        now = self._monotonic()
        return [(key, entry.value) for key, entry in self._kind(kind).entries.items() if now < entry.ends]

    async def remember(self, revocation: Revocation) -> None:
        """Keep the revocation for as long as a session can last."""
        now = self._monotonic()
        for kind, key in entries_of(revocation):
            self._kind(kind).put(key, b"", now, REMEMBERED_SECONDS)

    async def revocations(self) -> list[Remembered]:
        """Every revocation that is kept, with its age."""
        now = self._monotonic()
        return [
            remembered(kind, key, now - entry.began)
            for kind in KINDS
            for key, entry in self._kind(kind).entries.items()
            if now < entry.ends
        ]

    async def aclose(self) -> None:
        """There is nothing to let go of."""

    def _kind(self, name: str) -> _Kind:
        found = self._kinds.get(name)
        if found is None:
            found = self._kinds[name] = _Kind(self._bounds.get(name, DEFAULT_BOUNDS))
        return found
