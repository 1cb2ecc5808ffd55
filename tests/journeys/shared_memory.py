"""Shared state for several gateways in one process. It behaves like a server between them: calls take time, and notifications arrive late.

Owns each gateway's view of it. A gateway that is cut off, because its process is dead, gets errors only.
"""

import asyncio
import os
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.errors import StateFailed
from gateway.revocations import Remembered, Report, Revocation
from gateway.shared_state import Lease, MemoryState
from gateway.shared_state.interface import OnRevocation


@dataclass(frozen=True)
class ReplicaRouting:
    """How many gateways there are, which of them gets which request (in turn, again and again), and how far the state is from them."""

    number: int = int(os.environ.get("REPLICAS", "1"))
    route: tuple[int, ...] = (0, 1, 2)
    state_seconds: float = 0.0
    hearing_seconds: float = 0.0


class SharedMemory(MemoryState):
    """One gateway's view. ``state_seconds``: one way to the state; ``hearing_seconds``: how long after others news arrive here."""

    is_shared = True
    hearing_seconds = 0.1

    def __init__(self, clock: Clock, first: MemoryState, state_seconds: float, hearing_seconds: float) -> None:
        super().__init__(clock, store=first._store)
        self.is_cut = False
        self._way = state_seconds
        self._hearing = hearing_seconds
        self._expected = 0
        self._all_heard = asyncio.Event()

    async def follow(self, heard: OnRevocation) -> None:
        """As ``MemoryState``, later."""

        def hear(news: Remembered) -> None:
            self._expected -= 1
            if not self.is_cut:
                heard(news)
            if not self._expected:
                self._all_heard.set()

        def later(news: Remembered) -> None:
            self._expected += 1
            self._all_heard.clear()
            if self._hearing and has_begun:
                asyncio.get_running_loop().call_later(self._hearing, hear, news)
            else:
                hear(news)

        has_begun = False
        await super().follow(later)
        has_begun = True

    async def publish(self, revocation: Revocation) -> None:
        """As ``MemoryState``."""
        await self._there()
        await super().publish(revocation)
        await self._back()

    async def report(self, report: Report) -> bool:
        """As ``MemoryState``."""
        await self._there()
        is_first = await super().report(report)
        await self._back()
        return is_first

    async def lease(self, keys: Iterable[bytes], owner: bytes, seconds: float) -> Lease | None:
        """As ``MemoryState``; what was published before it was given is heard by then."""
        await self._there()
        lease = await super().lease(keys, owner, seconds)
        await self._back()
        if lease is not None and self._expected:
            await self._all_heard.wait()
        return lease

    async def renew(self, lease: Lease, seconds: float) -> bool:
        """As ``MemoryState``."""
        await self._there()
        renewed = await super().renew(lease, seconds)
        await self._back()
        return renewed

    async def release(self, lease: Lease) -> None:
        """As ``MemoryState``."""
        await self._there()
        await super().release(lease)
        await self._back()

    async def claim(self, kind: str, key: bytes, seconds: float) -> bool:
        """As ``MemoryState``."""
        await self._there()
        won = await super().claim(kind, key, seconds)
        await self._back()
        return won

    async def put(self, kind: str, key: bytes, value: bytes, seconds: float, *, under: Lease | None = None) -> None:
        """As ``MemoryState``."""
        await self._there()
        await super().put(kind, key, value, seconds, under=under)
        await self._back()

    async def get(self, kind: str, key: bytes) -> bytes | None:
        """As ``MemoryState``."""
        await self._there()
        value = await super().get(kind, key)
        await self._back()
        return value

    async def take(self, kind: str, key: bytes) -> bytes | None:
        """As ``MemoryState``."""
        await self._there()
        value = await super().take(kind, key)
        await self._back()
        return value

    async def delete(self, kind: str, key: bytes, *, under: Lease | None = None) -> None:
        """As ``MemoryState``."""
        await self._there()
        await super().delete(kind, key, under=under)
        await self._back()

    async def entries(self, kind: str) -> list[tuple[bytes, bytes]]:
        """As ``MemoryState``."""
        await self._there()
        found = await super().entries(kind)
        await self._back()
        return found

    async def _there(self) -> None:
        self._alive()
        if self._way:
            await asyncio.sleep(self._way)
            self._alive()

    async def _back(self) -> None:
        if self._way:
            await asyncio.sleep(self._way)
        self._alive()

    def _alive(self) -> None:
        if self.is_cut:
            raise StateFailed("this process is dead")
