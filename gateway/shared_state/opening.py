"""From a folder, a Redis, or neither, to the shared state of this process.

Owns the choice between the engines. Must never choose another one because the first cannot be had.
"""

from pathlib import Path

from gateway.clock import Clock
from gateway.shared_state.interface import SharedState, Tell
from gateway.shared_state.memory import MemoryState
from gateway.shared_state.redis import RedisState
from gateway.shared_state.redis_server import RedisPlace
from gateway.shared_state.sqlite import SqliteState


def open_state(place: RedisPlace | Path | None, clock: Clock, tell: Tell) -> SharedState:
    """Redis, SQLite in this folder, or memory where there is neither.

    ``StateFailed`` with the file's name where the folder cannot be used. Redis is not asked before the first call.
    """
    match place:
        case RedisPlace():
            return RedisState(place, clock, tell)
        case Path():
            return SqliteState(place, clock, tell)
        case None:
            return MemoryState(clock)
