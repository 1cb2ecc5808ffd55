"""The choice of the engine of the shared state: Redis, SQLite or memory.

If the configured engine fails, it must never choose another one instead.
"""

from pathlib import Path

from gateway.clock import Clock
from gateway.shared_state.interface import SharedState, Tell
from gateway.shared_state.memory import MemoryState
from gateway.shared_state.redis import RedisState
from gateway.shared_state.redis_server import RedisPlace
from gateway.shared_state.sqlite import SqliteState


def open_state(place: RedisPlace | Path | None, clock: Clock, tell: Tell) -> SharedState:
    """Open Redis, or SQLite in this folder, or memory for None.

    Raises ``StateFailed`` with the file's name if the folder cannot be used. Redis is not contacted before the first call.
    """
    match place:
        case RedisPlace():
            return RedisState(place, clock, tell)
        case Path():
            return SqliteState(place, clock, tell)
        case None:
            return MemoryState(clock)
