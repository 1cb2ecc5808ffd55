"""One lease per browser: requests of the same browser, or with the same token, are handled one after the other, in all processes.

Inside one process a lock is enough; if other processes share the state, the holder also takes a lease of the shared state (``leases``).
While a process loads its configuration again, it has two gateways: if their state is in memory, they use the same locks.
Owns the locks. A lock must exist only while a request waits for it or holds it. There must be no deadlock: several keys are locked in one
fixed order, and then a single lease covers all of them.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from weakref import WeakValueDictionary

from gateway.coordination.leases import WAIT_SECONDS, HeldLease, Leases
from gateway.shared_state import MemoryState, SharedState


class BrowserLeases:
    """The leases of all browsers: one holder at a time for each key."""

    def __init__(self, state: SharedState | None = None) -> None:
        """``state``: if other processes share it, they may serve the same browsers."""
        self._locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()
        if isinstance(state, MemoryState) and not state.is_shared:
            self._locks = state.locks
        self._leases = Leases(state) if state is not None and state.is_shared else None
        self._held: dict[bytes, HeldLease] = {}

    @asynccontextmanager
    async def held(self, keys: Iterable[bytes], seconds: float = WAIT_SECONDS) -> AsyncIterator[HeldLease | None]:
        """Hold the lease of every key until the block ends. The wait can be cancelled at any moment.

        Yields the lease of the shared state, or None if there are no other processes. Raises ``LeaseTaken`` if another process holds it for
        longer than ``seconds``, and ``StateFailed`` if the shared state is away.
        """
        names = sorted(set(keys))
        async with AsyncExitStack() as stack:
            for key in names:
                await stack.enter_async_context(self._lock(key))
            lease: HeldLease | None = None
            if self._leases is not None and names:
                lease = await stack.enter_async_context(self._leases.held(names, seconds))
                stack.callback(self._forget, names)
                self._held.update(dict.fromkeys(names, lease))
            yield lease

    @asynccontextmanager
    async def held_briefly(self, keys: Iterable[bytes], seconds: float) -> AsyncIterator[None]:
        """Like ``held``; but after a wait of ``seconds`` the block runs without the lease."""
        async with AsyncExitStack() as stack:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await stack.enter_async_context(self.held(keys))
            yield

    def lease_of(self, key: bytes) -> HeldLease | None:
        """The lease under which the holder of this key writes records; None if there are no other processes."""
        return self._held.get(key)

    async def aclose(self) -> None:
        """Wait until every lease is released."""
        if self._leases is not None:
            await self._leases.aclose()

    def _forget(self, names: Iterable[bytes]) -> None:
        for key in names:
            del self._held[key]

    def _lock(self, key: bytes) -> asyncio.Lock:
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        return lock
