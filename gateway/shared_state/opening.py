"""From a folder, or none, to the shared state of this process.

Owns the choice between the engines. Must never choose another one because the first cannot be had.
"""

from pathlib import Path

from gateway.clock import Clock
from gateway.shared_state.interface import SharedState, Tell
from gateway.shared_state.memory import MemoryState
from gateway.shared_state.sqlite import SqliteState


def open_state(folder: Path | None, clock: Clock, tell: Tell) -> SharedState:
    """SQLite in this folder, or memory where there is none. ``StateFailed`` with the file's name where the folder cannot be used."""
    return MemoryState(clock) if folder is None else SqliteState(folder, clock, tell)
