"""Turns: requests that concern the same browser or the same token go one after the other.

Owns the queues. Must never leak one (a queue lives as long as somebody waits in it) and never deadlock: several keys are
taken in one fixed order. Rules from: DESIGN section 4, "two tabs" and "the same token twice".
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from weakref import WeakValueDictionary


class Turns:
    """Hands out one turn at a time per key."""

    def __init__(self) -> None:
        """Begin with no queue at all."""
        self._locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, keys: Iterable[bytes]) -> AsyncIterator[None]:
        """Hold the turn of every key for the length of the block; waiting is cancellable at any moment."""
        async with AsyncExitStack() as held:
            for key in sorted(set(keys)):
                await held.enter_async_context(self._lock(key))
            yield

    @asynccontextmanager
    async def briefly(self, keys: Iterable[bytes], seconds: float) -> AsyncIterator[None]:
        """The same, but whoever has waited so long goes on without."""
        async with AsyncExitStack() as held:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await held.enter_async_context(self.of(keys))
            yield

    def _lock(self, key: bytes) -> asyncio.Lock:
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        return lock
