"""Turns: requests that concern the same browser or the same token go one after the other, in this process and in all others.

Owns the queues. Must never leak one (a queue lives as long as somebody waits in it) and never deadlock: several keys are taken in one
fixed order, and then one lease over all of them, of which nobody holds a part.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from weakref import WeakValueDictionary

from gateway.leases import WAIT_SECONDS, HeldLease, Leases


class BrowserLeases:
    """Hands out one turn at a time per key."""

    def __init__(self, leases: Leases | None = None) -> None:
        """Begin with no queue at all. ``leases``: where other processes serve the same browsers."""
        self._locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()
        self._leases = leases
        self._held: dict[bytes, HeldLease] = {}

    @asynccontextmanager
    async def of(self, keys: Iterable[bytes], seconds: float = WAIT_SECONDS) -> AsyncIterator[HeldLease | None]:
        """Hold the turn of every key for the length of the block; waiting is cancellable at any moment.

        Gives the lease, where there are other processes. Raises ``TurnTaken`` where another process did not give it back within so many
        ``seconds``, and ``StateFailed`` where the shared state is away.
        """
        names = sorted(set(keys))
        async with AsyncExitStack() as held:
            for key in names:
                await held.enter_async_context(self._lock(key))
            lease: HeldLease | None = None
            if self._leases is not None and names:
                lease = await held.enter_async_context(self._leases.held(names, seconds))
                held.callback(self._forget, names)
                self._held.update(dict.fromkeys(names, lease))
            yield lease

    @asynccontextmanager
    async def briefly(self, keys: Iterable[bytes], seconds: float) -> AsyncIterator[None]:
        """The same, but whoever has waited so long goes on without."""
        async with AsyncExitStack() as held:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await held.enter_async_context(self.of(keys))
            yield

    def lease_of(self, key: bytes) -> HeldLease | None:
        """The lease under which the caller, who has this key's turn, writes; None where no other process could have it."""
        return self._held.get(key)

    def _forget(self, names: Iterable[bytes]) -> None:
        for key in names:
            del self._held[key]

    def _lock(self, key: bytes) -> asyncio.Lock:
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        return lock
