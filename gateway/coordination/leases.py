"""Leases on keys of the shared state. A lease is a lock with an end time: only one process at a time holds a key.

::

    requested ── key is free ──▶ held ── every three seconds ─▶ renewed ── the block ends ──▶ released
        └── key is taken ─▶ requested again after a short pause, until the deadline ─▶ LeaseTaken

This module owns the waiting and the renewing. If the holder's process dies, the lease expires by itself: after ``LEASE_SECONDS``, or after
the duration of the call that the holder was about to send, if that is longer.

It must never keep a lease after the caller that waited for it was cancelled. It must never let a caller send a request that may still run
after the lease has expired; ``outlasts`` is the check before such a request.
"""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

from gateway.background import BackgroundTasks
from gateway.errors import LeaseLost, LeaseTaken, StateFailed
from gateway.shared_state import Lease, SharedState

LEASE_SECONDS = 10.0
RENEW_SECONDS = 3.0
WAIT_SECONDS = 60.0
"""How long a caller waits for a lease: about as long as one request to Okta may take, because the holder may wait for a slow sign-in."""
FIRST_PAUSE_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 0.1


class HeldLease:
    """A lease that this process holds."""

    def __init__(self, state: SharedState, lease: Lease, until: float) -> None:
        """``until``: the earliest time at which the lease may expire, in seconds of the event loop's clock."""
        self._state = state
        self.lease = lease
        self._until = until
        self._renewing = asyncio.Lock()  # if two renewals ran at once, the shorter one could be written last

    async def outlasts(self, seconds: float) -> None:
        """Renew the lease so that it lasts at least ``seconds`` from now. Raises ``LeaseLost`` if it has ended or another process holds it.

        It always asks the shared state. This process may have been suspended, and its own clock does not always show that.
        """
        async with self._renewing:
            now = asyncio.get_running_loop().time()
            until = max(self._until, now + seconds)
            if not await self._state.renew(self.lease, until - now):
                raise LeaseLost("the lease of this browser was lost")
            self._until = until

    def still_outlasts(self, seconds: float) -> bool:
        """Whether the lease lasts at least ``seconds`` from now, by this process's clock only. Call it after ``outlasts``."""
        return asyncio.get_running_loop().time() + seconds <= self._until

    async def keep_renewing(self) -> None:
        """Renew the lease every ``RENEW_SECONDS``. It ignores a shared state that is away, and stops when the lease is lost."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await self.outlasts(LEASE_SECONDS)
            except LeaseLost:
                return
            except StateFailed:
                continue


class Leases:
    """Takes leases for this process. Close it with ``aclose``."""

    def __init__(self, state: SharedState) -> None:
        """Use it only if ``state`` is shared with other processes. Inside one process, callers use an ordinary lock."""
        self._state = state
        self._tasks = BackgroundTasks()

    @asynccontextmanager
    async def held(self, keys: Iterable[bytes], wait_seconds: float = WAIT_SECONDS) -> AsyncIterator[HeldLease]:
        """Hold all of these keys while the block runs. Raises ``LeaseTaken`` if they are not free within ``wait_seconds``."""
        taken = await self._taken(tuple(sorted(set(keys))), wait_seconds)
        renewing = self._tasks.start(taken.keep_renewing(), "renewing a lease")
        try:
            yield taken
        finally:
            renewing.cancel()
            # In a task of its own, because the caller may be cancelled a second time while the release is sent.
            await asyncio.shield(self._tasks.start(self._give_back(taken.lease), "giving back a lease"))

    async def aclose(self) -> None:
        """Wait until every lease is released."""
        await self._tasks.ended()

    async def _taken(self, keys: tuple[bytes, ...], wait_seconds: float) -> HeldLease:
        loop = asyncio.get_running_loop()
        owner, deadline, pause = secrets.token_bytes(16), loop.time() + wait_seconds, FIRST_PAUSE_SECONDS
        while True:
            asked_at = loop.time()  # the end is counted from before the question, so it is never assumed too late
            lease = await self._requested(keys, owner)
            if lease is not None:
                return HeldLease(self._state, lease, asked_at + LEASE_SECONDS)
            left = deadline - loop.time()
            if left <= 0:
                raise LeaseTaken("somebody else held the lease for too long")
            # The random factor keeps waiting processes from asking all at the same moment.
            await asyncio.sleep(min(left, pause * (0.5 + random.random())))  # noqa: S311 - no secret hangs on it
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _requested(self, keys: tuple[bytes, ...], owner: bytes) -> Lease | None:
        """Ask for the lease once. If the caller is cancelled before the answer, a lease that is granted later is released."""
        asking = asyncio.ensure_future(self._state.lease(keys, owner, LEASE_SECONDS))
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            self._tasks.start(self._unwanted(asking), "giving back a lease that nobody waited for")
            raise

    async def _unwanted(self, asking: "asyncio.Future[Lease | None]") -> None:
        with suppress(StateFailed):
            lease = await asking
            if lease is not None:
                await self._give_back(lease)

    async def _give_back(self, lease: Lease) -> None:
        with suppress(StateFailed):  # then the lease expires by itself
            await self._state.release(lease)
