"""Who has what open: the sockets and streams under way, by the fingerprints of the session that let them in.

Owns the registry, nothing else: what "cut" and "leave" mean is the business of whoever registered. Must never keep an entry longer than
its connection lasts.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from gateway.policy.session.session import Fingerprint

Cut = Callable[[], None]
Leave = Callable[[], None]


class Brief(Protocol):
    """Something under way that can be broken off."""

    def cut(self) -> None:
        """Break it off."""


class Watched(Protocol):
    """Who let it in."""

    @property
    def fingerprints(self) -> tuple[Fingerprint, ...]:
        """The session's cookies."""


class OpenConnections:
    """Open connections by fingerprint. All calls are made on the event loop's thread.

    ``brief``: what is mostly over before anybody looks, and who let it in. Whoever puts something in takes it out; it is searched, not
    indexed, because entering it costs every request, and a search only a revocation.
    """

    def __init__(self) -> None:
        """Nothing is open yet."""
        self._open: dict[Fingerprint, set[Cut]] = {}
        self._leaves: dict[Cut, Leave] = {}
        self._moved: dict[Cut, tuple[Fingerprint, ...]] = {}
        self.brief: dict[Brief, Watched] = {}
        self._is_going = False

    @contextmanager
    def held(self, fingerprints: Iterable[Fingerprint], cut: Cut, leave: Leave | None = None) -> Iterator[None]:
        """Register for as long as the block lasts; neither may wait, and both may be called twice.

        ``cut``: the session of one of the fingerprints ended. ``leave``: this process is about to, whoever it is that is connected; None
        where an ordinary end is near anyway, as of an answer that is being written.
        """
        names = tuple(fingerprints)
        self.hold(names, cut, leave)
        try:
            yield
        finally:
            self.release(names, cut)

    def hold(self, fingerprints: tuple[Fingerprint, ...], cut: Cut, leave: Leave | None = None) -> None:
        """The same without a block: whoever calls this calls ``release`` with the same two."""
        for name in fingerprints:
            self._open.setdefault(name, set()).add(cut)
        if leave is not None:
            self._leaves[cut] = leave
            if self._is_going:
                leave()

    def release(self, fingerprints: tuple[Fingerprint, ...], cut: Cut) -> None:
        """It is closed."""
        self._leaves.pop(cut, None)
        for name in self._moved.pop(cut, fingerprints):
            cuts = self._open.get(name, set())
            cuts.discard(cut)
            if not cuts:
                self._open.pop(name, None)

    def close(self, fingerprints: Iterable[Fingerprint]) -> int:
        """Cut everything that these fingerprints let in; how many connections that were."""
        names = frozenset(fingerprints)
        cuts = {cut for name in names for cut in self._open.get(name, ())}
        cuts |= {brief.cut for brief, watched in self.brief.items() if not names.isdisjoint(watched.fingerprints)}
        for cut in cuts:
            cut()
        return len(cuts)

    def close_all(self) -> int:
        """Cut everything that any session let in; how many connections that were."""
        cuts = {cut for open_ones in self._open.values() for cut in open_ones} | {brief.cut for brief in self.brief}
        for cut in cuts:
            cut()
        return len(cuts)

    def move(self, old: Iterable[Fingerprint], new: tuple[Fingerprint, ...]) -> None:
        """Everything that the old fingerprints let in is held under the new ones instead. ``brief`` is the business of its owner."""
        moving = {cut for name in old for cut in self._open.get(name, ())}
        for name, cuts in tuple(self._open.items()):
            cuts -= moving
            if not cuts:
                del self._open[name]
        for cut in moving:
            self._moved[cut] = new
            for name in new:
                self._open.setdefault(name, set()).add(cut)

    def go_away(self) -> int:
        """Have everything leave that would otherwise stay for long, now and from now on; how many connections that were."""
        self._is_going = True
        leaves = tuple(self._leaves.values())
        for leave in leaves:
            leave()
        return len(leaves)

    def __len__(self) -> int:
        return len({cut for cuts in (*self._open.values(), self._leaves) for cut in cuts}) + len(self.brief)
