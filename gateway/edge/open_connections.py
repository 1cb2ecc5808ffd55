"""The registry of open WebSockets, streams and answers, by the fingerprints of the session that let them in.

A sign-out uses it to cut everything that the session has open. Owns the registry only: each owner says how its connection is ended, with
two functions: ``cut`` (the session ended) and ``leave`` (this process is about to stop).
Must never keep an entry longer than its connection lasts.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from gateway.policy.session.session import Fingerprint

Cut = Callable[[], None]
Leave = Callable[[], None]


class InFlight(Protocol):
    """A short-lived entry, such as an answer that is being relayed."""

    def cut(self) -> None:
        """Break it off."""


class Watched(Protocol):
    """The session that let an entry in."""

    @property
    def fingerprints(self) -> tuple[Fingerprint, ...]:
        """The fingerprints of the session's cookies."""


class OpenConnections:
    """Open connections by fingerprint. All calls are made on the event loop's thread.

    ``in_flight``: entries that usually end soon, each with the session that let it in. The code that makes them adds and removes them. They
    are not indexed by fingerprint but searched: an index would cost every request something, a search costs only a revocation.
    """

    def __init__(self) -> None:
        """An empty registry."""
        self._open: dict[Fingerprint, set[Cut]] = {}
        self._leaves: dict[Cut, Leave] = {}
        self._moved: dict[Cut, tuple[Fingerprint, ...]] = {}
        self.in_flight: dict[InFlight, Watched] = {}
        self._is_going = False

    @contextmanager
    def held(self, fingerprints: Iterable[Fingerprint], cut: Cut, leave: Leave | None = None) -> Iterator[None]:
        """Register a connection for as long as the block lasts. Both functions must not wait, and may be called twice.

        ``cut``: called when the session of one of the fingerprints ended. ``leave``: called when this process is about to stop; None if
        the connection ends soon by itself, such as an answer that is being written.
        """
        names = tuple(fingerprints)
        self.hold(names, cut, leave)
        try:
            yield
        finally:
            self.release(names, cut)

    def hold(self, fingerprints: tuple[Fingerprint, ...], cut: Cut, leave: Leave | None = None) -> None:
        """As ``held``, without a block: the caller must call ``release`` with the same fingerprints and ``cut``."""
        for name in fingerprints:
            self._open.setdefault(name, set()).add(cut)
        if leave is not None:
            self._leaves[cut] = leave
            if self._is_going:
                leave()

    def release(self, fingerprints: tuple[Fingerprint, ...], cut: Cut) -> None:
        """Forget a connection that is closed."""
        self._leaves.pop(cut, None)
        for name in self._moved.pop(cut, fingerprints):
            cuts = self._open.get(name, set())
            cuts.discard(cut)
            if not cuts:
                self._open.pop(name, None)

    def close(self, fingerprints: Iterable[Fingerprint]) -> int:
        """Cut everything that these fingerprints let in; returns the number of connections."""
        names = frozenset(fingerprints)
        cuts = {cut for name in names for cut in self._open.get(name, ())}
        cuts |= {answer.cut for answer, watched in self.in_flight.items() if not names.isdisjoint(watched.fingerprints)}
        for cut in cuts:
            cut()
        return len(cuts)

    def close_all(self) -> int:
        """Cut everything that any session let in; returns the number of connections."""
        cuts = {cut for open_ones in self._open.values() for cut in open_ones} | {answer.cut for answer in self.in_flight}
        for cut in cuts:
            cut()
        return len(cuts)

    def move(self, old: Iterable[Fingerprint], new: tuple[Fingerprint, ...]) -> None:
        """Register everything of the old fingerprints under the new ones instead. Entries of ``in_flight`` stay as they are."""
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
        """This process is about to stop: call ``leave`` of every connection, now and later; returns the number of connections."""
        self._is_going = True
        leaves = tuple(self._leaves.values())
        for leave in leaves:
            leave()
        return len(leaves)

    def __len__(self) -> int:
        return len({cut for cuts in (*self._open.values(), self._leaves) for cut in cuts}) + len(self.in_flight)
