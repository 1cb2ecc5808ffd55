"""Events that may come very often: each is written once, and then counted for a while.

    first ─▶ written ─▶ the same again: counted ─▶ a minute later: written with `count`, or forgotten

Owns that count. What differs in any figure is another event. Must never keep more than a bound of them: what comes beyond it is only in the
metrics. A dead app that a thousand requests ask for is two lines a minute.
"""

from collections.abc import Callable, Mapping
from typing import Final

from gateway.log.outlet import Later, on_the_loop

Tell = Callable[[str, Mapping[str, object]], None]
QUIET_SECONDS: Final = 60.0
MOST_KNOWN: Final = 256

_Key = tuple[str, tuple[tuple[str, object], ...]]


class Repeats:
    """``tell`` in place of the log's own."""

    def __init__(self, tell: Tell, later: Later = on_the_loop) -> None:
        """``later``: where there is no later, every line is written."""
        self._tell = tell
        self._later = later
        self._counts: dict[_Key, int] = {}

    def tell(self, event: str, figures: Mapping[str, object]) -> None:
        """Write it, or count it. The figures are texts and numbers."""
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
