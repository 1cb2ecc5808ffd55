"""Owns one shared state of each engine, on clocks that tests move. Checks nothing by itself."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from gateway.revocations import Remembered
from gateway.shared_state import Bounds, MemoryState, SharedState, SqliteState
from gateway.shared_state.redis import RedisState
from tests.harness.clock import ScriptedClock
from tests.harness.polling import moment
from tests.harness.redis_servers import SERVER, ClockOfServer, frozen

Engine = Literal["memory", "sqlite", "redis"]
ENGINES: tuple[Engine, ...] = ("memory", "sqlite", "redis") if SERVER and shutil.which("gcc") else ("memory", "sqlite")


@dataclass
class StateClock(ScriptedClock):
    """The clock of a state's process and, with Redis, of its server."""

    server: ClockOfServer | None = None

    def passes(self, seconds: float) -> None:
        """Move all clocks forward."""
        super().passes(seconds)
        if self.server is not None:
            self.server.set(self.wall)


class StateEvents(list[tuple[str, str]]):
    """What a state said, in its order."""

    def __init__(self) -> None:
        self.came = asyncio.Event()

    def __call__(self, event: str, figures: Mapping[str, object]) -> None:
        self.append((event, "; ".join(str(figures[name]) for name in ("problem", "outcome") if name in figures)))
        self.came.set()


def made(engine: Engine, folder: Path, times: StateClock, bounds: Mapping[str, Bounds] | None = None) -> SharedState:
    """A state of this engine, empty where the folder is."""
    if engine == "redis":
        server, times.server = frozen()
        times.server.set(times.wall)
        place = replace(server.place, prefix=f"tests{folder}".replace(":", ""), timeout_seconds=30.0)
        return RedisState(place, times.clock, not_told, bounds)
    return MemoryState(times.clock, bounds) if engine == "memory" else SqliteState(folder, times.clock, not_told, bounds)


async def until(happened: Callable[[], bool], *states: SharedState) -> None:
    """Poll these until it has happened: an engine behind a network needs a moment. An error after a minute: Redis Sentinel
    does nothing for half a minute where the machine did not let it run for two seconds.
    """
    async with asyncio.timeout(60.0):
        while True:
            for state in states:
                state.poll()
            if happened():
                return
            await moment(0.002)


def not_told(event: str, figures: Mapping[str, object]) -> None:
    """For a state that shall have nothing to tell."""
    raise AssertionError((event, figures))


@asynccontextmanager
async def opened(engine: Engine, folder: Path, times: StateClock, bounds: Mapping[str, Bounds] | None = None) -> AsyncIterator[SharedState]:
    """The same, closed in the end."""
    state = made(engine, folder, times, bounds)
    try:
        yield state
    finally:
        await state.aclose()


async def kept(state: SharedState) -> list[Remembered]:
    """Every published revocation that this state keeps."""
    heard: list[Remembered] = []
    await state.follow(heard.append)
    return heard


@asynccontextmanager
async def together(
    engine: Engine, folder: Path, times: StateClock, bounds: Mapping[str, Bounds] | None = None
) -> AsyncIterator[tuple[SharedState, SharedState, SharedState]]:
    """Three that share one memory, as three gateways do."""
    first = made(engine, folder, times, bounds)
    others = [first.beside() if isinstance(first, MemoryState) else made(engine, folder, times, bounds) for _ in range(2)]
    try:
        yield first, others[0], others[1]
    finally:
        for state in (first, *others):
            await state.aclose()
