"""How many questions to Okta are under way and waiting at once.

Owns two queues: questions about known sessions, and guesses. Guesses never hold all slots, and a known session never waits behind the
queue of guesses.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

KEPT_SHARE = 5
"""One of so many slots is kept for known sessions."""


class _Queue:
    def __init__(self, at_once: int, most_waiting: int) -> None:
        self.slots = asyncio.Semaphore(at_once)
        self.waiting = 0
        self.most_waiting = most_waiting

    @property
    def is_full(self) -> bool:
        return self.slots.locked() and self.waiting >= self.most_waiting

    async def acquire(self) -> None:
        self.waiting += 1
        try:
            await self.slots.acquire()
        finally:
            self.waiting -= 1


class Slots:
    """At most ``at_once`` questions under way; ``most_waiting`` behind them in each of the two queues."""

    def __init__(self, at_once: int, most_waiting: int) -> None:
        """Counts of questions."""
        self._all = _Queue(at_once, most_waiting)
        self._guesses = _Queue(at_once - at_once // KEPT_SHARE, most_waiting)

    def is_full(self, is_guess: bool) -> bool:
        """Whether one more of this kind would find no place to wait."""
        return (self._guesses if is_guess else self._all).is_full

    @asynccontextmanager
    async def slot(self, is_guess: bool) -> AsyncIterator[None]:
        """Hold a slot; a caller that is cancelled while it waits leaves its queue."""
        if not is_guess:
            await self._all.acquire()
            try:
                yield
            finally:
                self._all.slots.release()
            return
        await self._guesses.acquire()
        try:
            async with self.slot(False):
                yield
        finally:
            self._guesses.slots.release()
