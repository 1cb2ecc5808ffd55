"""The choice of the engine of the shared state: Redis, SQLite or memory.

If the configured engine fails, it must never choose another one instead. The engine for Redis is imported when it is needed: its library
takes 6.5 MB in every process.
"""

from importlib import import_module
from pathlib import Path

from gateway.clock import Clock
from gateway.observe import Tell
from gateway.shared_state.interface import SharedState
from gateway.shared_state.memory import MemoryState
from gateway.shared_state.redis_address import Checked, RedisAddress
from gateway.shared_state.sqlite import SqliteState


def open_state(address: RedisAddress | Path | None, clock: Clock, tell: Tell) -> SharedState:
    """Open Redis, or SQLite in this folder, or memory for None.

    Raises ``StateFailed`` with the file's name if the folder cannot be used. Redis is not contacted before the first call.
    """
    match address:
        case RedisAddress():
            state: SharedState = import_module("gateway.shared_state.redis").RedisState(address, clock, tell)
            return state
        case Path():
            return SqliteState(address, clock, tell)
        case None:
            return MemoryState(clock)


async def check_redis(address: RedisAddress) -> Checked:
    """Ask the server for its version and settings, and try every kind of call except publishing."""
    checked: Checked = await import_module("gateway.shared_state.redis_check").check_redis(address)
    return checked
