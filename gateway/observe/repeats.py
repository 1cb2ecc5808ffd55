"""Limits repeated log lines: the first event is written, the same event again is only counted for a minute.

    first ─▶ written ─▶ the same again: counted ─▶ a minute later: written with `count`, or forgotten if there was none

So an app that is down causes one line at once and then one line per minute, however many requests it gets. Owns the counts.
Two events are the same if all their figures are equal. Must never keep more than ``MOST_KNOWN`` counts: further events are not written
and only appear in the metrics.
"""

from collections.abc import Callable, Mapping
from typing import Final

from gateway.observe.outlet import Later, on_the_loop

Tell = Callable[[str, Mapping[str, object]], None]
"""Gets (event name, figures) for the log and the metrics; never a secret."""

QUIET_SECONDS: Final = 60.0
MOST_KNOWN: Final = 256

_Key = tuple[str, tuple[tuple[str, object], ...]]


class Repeats:
    """Its method ``tell`` replaces ``Log.tell`` for events that may come very often."""

    def __init__(self, tell: Tell, later: Later = on_the_loop) -> None:
        """``later``: calls a function after a minute. If that is not possible (no event loop), every event is written."""
        self._tell = tell
        self._later = later
        self._counts: dict[_Key, int] = {}

    def tell(self, event: str, figures: Mapping[str, object]) -> None:
        """Write the event, or count it. ``figures`` holds only texts and numbers."""
        key = (event, tuple(sorted(figures.items())))
        if key in self._counts:
            self._counts[key] += 1
        elif len(self._counts) < MOST_KNOWN:
            self._tell(event, figures)
            self._wait(key)

    def _wait(self, key: _Key) -> None:
        if self._later(QUIET_SECONDS, lambda: self._over(key)) is not None:
            self._counts[key] = 0

    def _over(self, key: _Key) -> None:
        count = self._counts.pop(key)
        if count:
            event, figures = key
            self._tell(event, {**dict(figures), "count": count})
            self._wait(key)
