"""Questions under way on a channel: each has a number, and whoever asked waits for the answer with that number.

Owns the numbers and the waiting. Must never leave somebody waiting when the channel is gone. Rules from: STYLE "Async".
"""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

Reply = TypeVar("Reply")


class Replies(Generic[Reply]):
    """Who waits for what, on one end of one channel."""

    def __init__(self) -> None:
        """Nobody waits yet."""
        self._waiting: dict[int, asyncio.Future[Reply | None]] = {}
        self._last = 0
        self._over = False

    async def to(self, send: Callable[[int], bool], seconds: float) -> Reply | None:
        """The reply to what ``send`` sends under the number that it gets; None where the channel is gone. Raises ``TimeoutError``."""
        self._last += 1
        number = self._last
        reply: asyncio.Future[Reply | None] = asyncio.get_running_loop().create_future()
        self._waiting[number] = reply
        try:
            if self._over or not send(number):
                return None
            async with asyncio.timeout(seconds):
                return await reply
        finally:
            self._waiting.pop(number, None)

    def came(self, number: int, reply: Reply) -> None:
        """Hand a reply to whoever waits for it; one that nobody waits for any more is left."""
        waiting = self._waiting.get(number)
        if waiting is not None and not waiting.done():
            waiting.set_result(reply)

    def end(self) -> None:
        """The channel is gone: nobody waits any longer."""
        self._over = True
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_result(None)
