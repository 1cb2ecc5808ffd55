"""Turns: requests of the same browser, or with the same token, are handled one after the other, in this process and in all others.

A *turn* is a lock of this process, and a lease (``gateway.coordination.leases``) if other processes share the state. Owns the locks. A lock
must exist only while a request waits for it or holds it. There must be no deadlock: several keys are locked in one fixed order, and then a
single lease covers all of them.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from weakref import WeakValueDictionary

from gateway.coordination.leases import WAIT_SECONDS, HeldLease, Leases


class BrowserLeases:
    """Gives out the turns: one holder at a time for each key."""

    def __init__(self, leases: Leases | None = None) -> None:
        """``leases``: given if other processes serve the same browsers."""
        self._locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()
        self._leases = leases
        self._held: dict[bytes, HeldLease] = {}

    @asynccontextmanager
    async def of(self, keys: Iterable[bytes], seconds: float = WAIT_SECONDS) -> AsyncIterator[HeldLease | None]:
        """Hold the turn of every key until the block ends. The wait can be cancelled at any moment.

        Gives the lease, or None if there are no other processes. Raises ``TurnTaken`` if another process holds the turn for longer than
        ``seconds``, and ``StateFailed`` if the shared state is away.
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
        """Like ``of``; but after a wait of ``seconds`` the block runs without the turn."""
        async with AsyncExitStack() as held:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await held.enter_async_context(self.of(keys))
            yield

    def lease_of(self, key: bytes) -> HeldLease | None:
        """The lease under which the holder of this key's turn writes records; None if no other process can hold the turn."""
        return self._held.get(key)

    def _forget(self, names: Iterable[bytes]) -> None:
        for key in names:
            del self._held[key]

    def _lock(self, key: bytes) -> asyncio.Lock:
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        return lock
