"""Leases of this process on keys of the shared state: taken when they are free, renewed while they are held, given back at the end.

::

    asked for ── free ──▶ held ── every three seconds ─▶ renewed ── the block ends ──▶ given back
        └── somebody else's ─▶ asked for again, a moment later, until the deadline ─▶ TurnTaken

Owns the waiting and the renewing. A lease whose holder died ends by itself, so nobody waits for it longer than ``LEASE_SECONDS``, or than
the call lasts that the holder was about to send. Must never leave a lease behind when its waiter leaves, nor let a call leave this
machine that may outlast its lease.
"""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress

from gateway.errors import LeaseLost, StateFailed, TurnTaken
from gateway.shared_state import Lease, SharedState

LEASE_SECONDS = 10.0
RENEW_SECONDS = 3.0
WAIT_SECONDS = 60.0
"""About as long as one request to Okta may take: somebody waits behind a sign-in whose answer is slow."""
FIRST_PAUSE_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 0.1


class HeldLease:
    """A lease while it is held."""

    def __init__(self, state: SharedState, lease: Lease, until: float) -> None:
        """``until``: the second of the loop's clock at which it ends at the earliest."""
        self._state = state
        self.lease = lease
        self._until = until
        self._renewing = asyncio.Lock()  # of two renewals at once the shorter one must not be the last

    async def outlasts(self, seconds: float) -> None:
        """Make sure that it lasts so long from now on. Raises ``LeaseLost`` where it is somebody else's by now.

        It is always renewed: this process may have stood still for a while without any clock of its own showing it.
        """
        async with self._renewing:
            now = asyncio.get_running_loop().time()
            until = max(self._until, now + seconds)
            if not await self._state.renew(self.lease, until - now):
                raise LeaseLost("the turn of this browser was lost")
            self._until = until

    def still_outlasts(self, seconds: float) -> bool:
        """Whether it lasts so long from now on, without asking; call it behind ``outlasts``."""
        return asyncio.get_running_loop().time() + seconds <= self._until

    async def keep_renewing(self) -> None:
        """Renew it again and again. A state that is away for a moment changes nothing; a lease that was lost is not taken again."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await self.outlasts(LEASE_SECONDS)
            except LeaseLost:
                return
            except StateFailed:
                continue


class Leases:
    """What this process holds. Close it with ``aclose``."""

    def __init__(self, state: SharedState) -> None:
        """Where ``state`` is this process's alone, take none: whoever asks for one has a lock of its own."""
        self._state = state
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def held(self, keys: Iterable[bytes], wait_seconds: float = WAIT_SECONDS) -> AsyncIterator[HeldLease]:
        """Hold all of these keys for the length of the block. Raises ``TurnTaken`` where they were not free in time."""
        taken = await self._taken(tuple(sorted(set(keys))), wait_seconds)
        renewing = self._begin(taken.keep_renewing(), "renewing a lease")
        try:
            yield taken
        finally:
            renewing.cancel()
            # A task of its own: whoever held it may be cancelled a second time.
            await asyncio.shield(self._begin(self._give_back(taken.lease), "giving back a lease"))

    async def aclose(self) -> None:
        """Wait until everything is given back."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _taken(self, keys: tuple[bytes, ...], wait_seconds: float) -> HeldLease:
        loop = asyncio.get_running_loop()
        owner, deadline, pause = secrets.token_bytes(16), loop.time() + wait_seconds, FIRST_PAUSE_SECONDS
        while True:
            asked_at = loop.time()
            lease = await self._asked(keys, owner)
            if lease is not None:
                return HeldLease(self._state, lease, asked_at + LEASE_SECONDS)
            left = deadline - loop.time()
            if left <= 0:
                raise TurnTaken("somebody else held the lease for too long")
            # Not all of those that wait come back at one moment.
            await asyncio.sleep(min(left, pause * (0.5 + random.random())))  # noqa: S311 - no secret hangs on it
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _asked(self, keys: tuple[bytes, ...], owner: bytes) -> Lease | None:
        """One question. Whoever asks may leave before it is answered: what is granted then is given back."""
        asking = asyncio.ensure_future(self._state.lease(keys, owner, LEASE_SECONDS))
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            self._begin(self._unwanted(asking), "giving back a lease that nobody waited for")
            raise

    async def _unwanted(self, asking: "asyncio.Future[Lease | None]") -> None:
        with suppress(StateFailed):
            lease = await asking
            if lease is not None:
                await self._give_back(lease)

    async def _give_back(self, lease: Lease) -> None:
        with suppress(StateFailed):  # then it ends by itself
            await self._state.release(lease)

    def _begin(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
