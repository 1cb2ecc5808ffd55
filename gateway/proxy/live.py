"""Who has what open: the sockets and streams under way, by the fingerprints of the session that let them in.

Owns the registry, nothing else: what "cut" means is the business of whoever registered. Must never keep an entry longer than
its connection lasts. Rules from: DESIGN section 5.7, ATTACKS U8.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from gateway.core.session import Fingerprint

Cut = Callable[[], None]


class Live:
    """Open connections by fingerprint. All calls are made on the event loop's thread."""

    def __init__(self) -> None:
        """Nothing is open yet."""
        self._open: dict[Fingerprint, set[Cut]] = {}

    @contextmanager
    def held(self, fingerprints: Iterable[Fingerprint], cut: Cut) -> Iterator[None]:
        """Register ``cut`` under every fingerprint for as long as the block lasts; it must not wait, and may be called twice."""
        names = tuple(fingerprints)
        for name in names:
            self._open.setdefault(name, set()).add(cut)
        try:
            yield
        finally:
            for name in names:
                cuts = self._open.get(name, set())
                cuts.discard(cut)
                if not cuts:
                    self._open.pop(name, None)

    def close(self, fingerprints: Iterable[Fingerprint]) -> int:
        """Cut everything that these fingerprints let in; how many connections that were."""
        cuts = {cut for name in fingerprints for cut in self._open.get(name, ())}
        for cut in cuts:
            cut()
        return len(cuts)

    def __len__(self) -> int:
        return len({cut for cuts in self._open.values() for cut in cuts})
