"""Owns two processes' states on one SQLite file, as two workers have them. Checks nothing by itself."""

import asyncio
from pathlib import Path

from gateway.revocations import Remembered, Revocation
from gateway.shared_state import SqliteState
from tests.shared_state.engines import StateClock, StateEvents


class TwoStates:
    """Two processes' states on one file, what they say, and what the second hears."""

    def __init__(self, folder: Path, times: StateClock) -> None:
        self.told, self.others_told = StateEvents(), StateEvents()
        self.state = SqliteState(folder, times.clock, self.told)
        self.other = SqliteState(folder, times.clock, self.others_told)
        self.heard: list[Revocation] = []
        self.came = asyncio.Event()

    async def follow(self) -> None:
        await self.state.follow(lambda remembered: None)
        await self.other.follow(self._hear)

    def _hear(self, remembered: Remembered) -> None:
        self.heard.append(remembered.revocation)
        self.came.set()

    async def aclose(self) -> None:
        await self.state.aclose()
        await self.other.aclose()
