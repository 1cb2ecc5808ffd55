"""Turns of each client at what strangers can make the gateway ask: closings of made-up cookies, exchanges of made-up codes.

Owns the queue. Must never let one client's queue grow without bound, nor make clients that no proxy names wait for each other.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from gateway.policy.http.clients import client_key

MOST_WAITING_OF_ONE = 64
"""A ward shares one address, and after a restart of the gateway all its cookies are new to it."""
MOST_WAITING = 2000
LONGEST_WAIT_SECONDS = 10.0


class ClientTurns:
    """A queue for each client that has something under way."""

    def __init__(self, longest_wait_seconds: float = LONGEST_WAIT_SECONDS, at_once: int = 1) -> None:
        """``longest_wait_seconds``: who waited so long gets no turn. ``at_once``: so many turns one client may have."""
        self._seconds = longest_wait_seconds
        self._at_once = at_once
        self._locks: dict[str, asyncio.Semaphore] = {}
        self._waiting: Counter[str] = Counter()

    def __len__(self) -> int:
        """How many clients have something under way or waiting."""
        return len(self._waiting)

    @asynccontextmanager
    async def turn(self, client: str) -> AsyncIterator[bool]:
        """Hold a turn of this client; False where too many wait already, or for too long: then nothing is held."""
        key = client_key(client)
        if not key:
            yield True
            return
        if self._waiting[key] >= MOST_WAITING_OF_ONE or self._waiting.total() >= MOST_WAITING:
            yield False
            return
        self._waiting[key] += 1
        lock = self._locks.setdefault(key, asyncio.Semaphore(self._at_once))
        has_turn = False
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._seconds):
                    has_turn = await lock.acquire()
            yield has_turn
        finally:
            if has_turn:
                lock.release()
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key], self._locks[key]
