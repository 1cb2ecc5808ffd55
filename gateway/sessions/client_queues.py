"""A queue per client for work that a stranger can cause: closings of made-up cookies, and exchanges of made-up codes.

A *slot* is the permission to do one piece of such work. It must never let the queue of one client grow without bound. Clients without an
address must never wait for each other, because many clients of a proxy may share that name.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from gateway.policy.http.clients import client_key

MOST_WAITING_OF_ONE = 64
"""The most waiting requests of one client. A whole office may share one address, and after a restart no cookie is known."""
MOST_WAITING = 2000
LONGEST_WAIT_SECONDS = 10.0


class ClientQueues:
    """One queue for each client that has work under way or waiting."""

    def __init__(self, longest_wait_seconds: float = LONGEST_WAIT_SECONDS, most_running: int = 1) -> None:
        """``longest_wait_seconds``: after this wait a request gets no slot. ``most_running``: the slots of one client."""
        self._seconds = longest_wait_seconds
        self._most_running = most_running
        self._locks: dict[str, asyncio.Semaphore] = {}
        self._waiting: Counter[str] = Counter()

    def __len__(self) -> int:
        """How many clients have work under way or waiting."""
        return len(self._waiting)

    @asynccontextmanager
    async def slot(self, client: str) -> AsyncIterator[bool]:
        """Hold a slot of this client while the block runs. False if too many requests wait, or if this one waited too long."""
        key = client_key(client)
        if not key:
            yield True
            return
        if self._waiting[key] >= MOST_WAITING_OF_ONE or self._waiting.total() >= MOST_WAITING:
            yield False
            return
        self._waiting[key] += 1
        lock = self._locks.setdefault(key, asyncio.Semaphore(self._most_running))
        has_slot = False
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._seconds):
                    has_slot = await lock.acquire()
            yield has_slot
        finally:
            if has_slot:
                lock.release()
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key], self._locks[key]
