"""Work that outlives its process: each piece is done by one process, and another one takes it over when the first died.

::

    begun ── this process lives ─▶ its own business ── ended ─▶ gone
      └── no sign of life for ``ALIVE_SECONDS`` ─▶ another process takes it, with the same key

Owns who does which piece. What is to be done lies in other records; here are only their keys. A process that has work writes a sign of
life every two seconds, and looks just as often whether somebody else's work was left behind: one look at a kind that is nearly always
empty. Must never give one piece to two processes of which both live and reach the shared state.
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
"""Three signs of life may be late."""
TAKING_SECONDS = 5.0

Take = Callable[[bytes], Awaitable[bool]]
"""Goes on with the work of this key; False where this process has no room for it. May raise ``OutsideFailed``: then it is tried again."""


class Unfinished:
    """The work of one kind. Start it with ``start``, close it with ``aclose``: then others may take over at once."""

    def __init__(self, state: SharedState, kind: str, seconds: float) -> None:
        """``kind``: a name in ``state``; ``seconds``: how long a piece is remembered."""
        self._state = state
        self._work, self._alive, self._taking = f"{kind}.work", f"{kind}.alive", f"{kind}.taking"
        self._seconds = seconds
        self._me = secrets.token_bytes(16)
        self._mine: set[bytes] = set()
        self._looking: asyncio.Task[None] | None = None

    async def begin(self, key: bytes) -> None:
        """This process does the work of this key. Raises ``StateFailed``."""
        if not self._mine:
            await self._show()
        self._mine.add(key)
        await self._state.put(self._work, key, self._me, self._seconds)

    async def end(self, key: bytes) -> None:
        """It is done, here or elsewhere. Raises ``StateFailed``."""
        self._mine.discard(key)
        await self._state.delete(self._work, key)

    async def adopt(self, keys: Iterable[bytes]) -> None:
        """These pieces are to be done, and a release that knows of no owners may have left them: whoever looks next takes them."""
        owned = {key for key, _ in await self._state.entries(self._work)}
        for key in keys:
            if key not in owned:
                await self._state.put(self._work, key, b"", self._seconds)

    async def is_mine(self, key: bytes) -> bool:
        """Whether it is still this process's to do. Raises ``StateFailed``."""
        return await self._state.get(self._work, key) == self._me

    async def look(self, take: Take) -> None:
        """Take over what processes that are gone have left behind. Raises ``StateFailed``."""
        if self._mine:
            await self._show()
        owners: dict[bytes, bool] = {self._me: True}
        for key, owner in await self._state.entries(self._work):
            if owner not in owners:
                owners[owner] = await self._state.get(self._alive, owner) is not None
            if not owners[owner] and await self._state.claim(self._taking, key, TAKING_SECONDS):
                await self._take(key, owner, take)

    def start(self, take: Take) -> None:
        """Look from now on, where there are other processes."""
        if self._state.is_shared and self._looking is None:
            self._looking = asyncio.create_task(self._look_on(take), name="looking for unfinished work")

    async def aclose(self) -> None:
        """Look no more. What this process has not done, others take over at their next look."""
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
        self._mine.discard(key)
        await self._state.put(self._work, key, owner, self._seconds)

    async def _look_on(self, take: Take) -> None:
        while True:
            # Not all processes look at one moment.
            await asyncio.sleep(LOOK_SECONDS * (0.75 + 0.5 * random.random()))  # noqa: S311 - no secret hangs on it
            with suppress(StateFailed):
                await self.look(take)

    async def _show(self) -> None:
        await self._state.put(self._alive, self._me, b"", ALIVE_SECONDS)
