"""The limit on questions to Okta that are under way or waiting at the same time.

There are two queues: one for questions about known sessions, and one for guesses (questions about cookies that may be made up). Guesses
never hold all slots, and a question about a known session never waits behind the queue of guesses.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

KEPT_SHARE = 5
"""One of five slots is reserved for known sessions."""


class _Queue:
    def __init__(self, most_running: int, most_waiting: int) -> None:
        self.slots = asyncio.Semaphore(most_running)
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
    """At most ``most_running`` questions are under way, and at most ``most_waiting`` wait in each of the two queues."""

    def __init__(self, most_running: int, most_waiting: int) -> None:
        """Both limits are numbers of questions."""
        self._all = _Queue(most_running, most_waiting)
        self._guesses = _Queue(most_running - most_running // KEPT_SHARE, most_waiting)

    def is_full(self, is_guess: bool) -> bool:
        """Whether the queue of this kind cannot take one more question."""
        return (self._guesses if is_guess else self._all).is_full

    @asynccontextmanager
    async def slot(self, is_guess: bool) -> AsyncIterator[None]:
        """Hold a slot while the block runs. A caller that is cancelled while it waits leaves the queue."""
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
