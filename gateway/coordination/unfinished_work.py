"""Work that survives its process: one process owns each piece of work, and another process takes it over if the owner dies.

::

    begun ── the owner is alive ─▶ the owner works on it ── ended ─▶ gone
      └── no sign of life for ``ALIVE_SECONDS`` ─▶ another process takes it over, with the same key

This module owns the table of owners. It stores only keys; the work itself is described in other records. A process that owns work writes a
sign of life every two seconds. Every process looks every two seconds for work whose owner is gone. That is one read of a list that is
nearly always empty.

It must never give one piece of work to two processes while both are alive and reach the shared state.
"""

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from gateway.errors import OutsideFailed, StateFailed
from gateway.shared_state import SharedState

LOOK_SECONDS = 2.0
ALIVE_SECONDS = 7.0
"""An owner counts as dead after so many seconds without a sign of life, so it may miss three of them."""
TAKING_SECONDS = 5.0

Take = Callable[[bytes], Awaitable[bool]]
"""Continues the work of this key. False if this process has no room for it. May raise ``OutsideFailed``; then it is tried again later."""


class UnfinishedWork:
    """The work of one kind. Start it with ``start`` and close it with ``aclose``; after that, others may take over its work at once."""

    def __init__(self, state: SharedState, kind: str, seconds: float) -> None:
        """``kind``: the name of this kind in ``state``. ``seconds``: how long a piece of work is remembered."""
        self._state = state
        self._work, self._alive, self._taking = f"{kind}.work", f"{kind}.alive", f"{kind}.taking"
        self._seconds = seconds
        self._me = secrets.token_bytes(16)
        self._mine: set[bytes] = set()
        self._looking: asyncio.Task[None] | None = None

    async def begin(self, key: bytes) -> None:
        """Make this process the owner of the work of this key. Raises ``StateFailed``."""
        if not self._mine:
            await self._show()
        self._mine.add(key)
        await self._state.put(self._work, key, self._me, self._seconds)

    async def end(self, key: bytes) -> None:
        """Remove the work of this key, because it is done. Raises ``StateFailed``."""
        self._mine.discard(key)
        await self._state.delete(self._work, key)

    async def adopt(self, keys: Iterable[bytes]) -> None:
        """Register work without an owner, so that the next process that looks takes it over. Raises ``StateFailed``.

        An older release of the gateway wrote records without owners.
        """
        owned = {key for key, _ in await self._state.entries(self._work)}
        for key in keys:
            if key not in owned:
                await self._state.put(self._work, key, b"", self._seconds)

    async def is_mine(self, key: bytes) -> bool:
        """Whether this process still owns the work of this key. Raises ``StateFailed``."""
        return await self._state.get(self._work, key) == self._me

    async def look(self, take: Take) -> None:
        """Take over the work of processes that are gone. Raises ``StateFailed``."""
        if self._mine:
            await self._show()
        owners: dict[bytes, bool] = {self._me: True}
        for key, owner in await self._state.entries(self._work):
            if owner not in owners:
                owners[owner] = await self._state.get(self._alive, owner) is not None
            if not owners[owner] and await self._state.claim(self._taking, key, TAKING_SECONDS):
                await self._take(key, owner, take)

    def start(self, take: Take) -> None:
        """Look regularly from now on. A state that is not shared has two users too, while SIGHUP loads the configuration again."""
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_on(take), name="looking for unfinished work")

    async def aclose(self) -> None:
        """Stop looking. Other processes take over the unfinished work of this one at their next look."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        if self._mine:
            with suppress(StateFailed):
                await self._state.delete(self._alive, self._me)

    async def _take(self, key: bytes, owner: bytes, take: Take) -> None:
        await self.begin(key)
        with suppress(OutsideFailed):
            if await take(key):
                return
        # Not taken over: name the old owner again, so that the next look of any process finds it.
        self._mine.discard(key)
        await self._state.put(self._work, key, owner, self._seconds)

    async def _look_on(self, take: Take) -> None:
        while True:
            # The random factor keeps processes from looking all at the same moment.
            await asyncio.sleep(LOOK_SECONDS * (0.75 + 0.5 * random.random()))  # noqa: S311 - no secret hangs on it
            with suppress(StateFailed):
                await self.look(take)

    async def _show(self) -> None:
        await self._state.put(self._alive, self._me, b"", ALIVE_SECONDS)
