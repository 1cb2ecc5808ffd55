"""An event loop with a scripted clock: when every task waits, the time jumps to the next timer.

Owns that clock. It never sleeps, and has no sockets. If every task waits and there is no timer, the loop would stop for ever, so that is an
error.
"""

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any

LONGEST_SLEEP_SECONDS = 24 * 3600.0


class _TimeOnly(selectors.BaseSelector):
    """Nothing is ever ready; waiting moves the time. The loop registers a pipe to wake itself, which nobody here does."""

    def __init__(self) -> None:
        self.now = 0.0
        self._keys: dict[Any, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = self._keys[fileobj] = selectors.SelectorKey(fileobj, fileobj if isinstance(fileobj, int) else fileobj.fileno(), events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > LONGEST_SLEEP_SECONDS / 2:
            raise RuntimeError("everybody waits for something that will not come")
        self.now += max(0.0, timeout)
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


class ScriptedLoop(asyncio.SelectorEventLoop):
    """Like asyncio's own loop, on the time of a script."""

    def __init__(self) -> None:
        self._script = _TimeOnly()
        super().__init__(self._script)

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._script.now
