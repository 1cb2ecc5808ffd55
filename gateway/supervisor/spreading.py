"""One worker's revocation, made to hold in all of them.

Owns the memory that outlives every worker, and the order: remembered here, in force in each other worker (or that worker dead), and only
then confirmed to the one that asked. Must never stop half way because the one that asked has died. Rules from: DESIGN section 7.
"""

import asyncio

from gateway.revocations import LocalRevocations, Revocation
from gateway.supervisor.hand import Hand


class Spreading:
    """All living workers, and what was ever revoked. Close it with ``aclose``."""

    def __init__(self, memory: LocalRevocations) -> None:
        """``memory``: empty at the beginning, or what is known from elsewhere."""
        self.memory = memory
        self._hands: set[Hand] = set()
        self._running: set[asyncio.Task[None]] = set()

    def join(self, hand: Hand) -> None:
        """From now on this worker hears of everything."""
        self._hands.add(hand)

    def leave(self, hand: Hand) -> None:
        """This worker is dead."""
        self._hands.discard(hand)

    def publish(self, source: Hand, number: int, revocation: Revocation) -> None:
        """Begin to spread what ``source`` revokes; it is told when that is done."""
        self.memory.remember(revocation)
        task = asyncio.create_task(self._spread(source, number, revocation), name="spreading a revocation")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _spread(self, source: Hand, number: int, revocation: Revocation) -> None:
        await asyncio.gather(*(hand.tell(revocation) for hand in self._hands if hand is not source))
        source.published(number)

    async def aclose(self) -> None:
        """Give up what is under way: nobody is left to be told."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
