"""The epoch of this process's memory of revocations, as revocations move it.

Owns when the epoch changes. Must never change it because a clock was set: its moments are taken down once, when they are heard of.
"""

from dataclasses import replace

from gateway.clock import Clock
from gateway.policy.session.revocation_epoch import RevocationEpoch
from gateway.revocations import Revocation, Revocations
from gateway.sessions.asking import OnEvent


class Epochs:
    """``current``: the same object until it changes."""

    def __init__(self, revocations: Revocations, started: RevocationEpoch, clock: Clock, on_event: OnEvent) -> None:
        """``started``: the epoch without what ``revocations`` hold by now. ``on_event`` hears each change once."""
        self._revocations = revocations
        self._clock = clock
        self._on_event = on_event
        self._moments = revocations.forgotten_since(), revocations.everybody_since()
        self.current = replace(started, forgotten_at=self._wall(self._moments[0]), everybody_at=self._wall(self._moments[1]))
        revocations.subscribe(self._hear)

    def _hear(self, revocation: Revocation) -> None:
        if not (revocation.forgotten or revocation.everybody):
            return
        before, self._moments = self._moments, (self._revocations.forgotten_since(), self._revocations.everybody_since())
        changed = self.current
        if self._moments[0] != before[0]:
            changed = replace(changed, forgotten_at=self._wall(self._moments[0]))
        if self._moments[1] != before[1]:
            changed = replace(changed, everybody_at=self._wall(self._moments[1]))
        if changed.name != self.current.name:
            self.current = changed
            seconds = max(0.0, self._clock.wall() - changed.counts_from)
            self._on_event("passes_outdated", {"older_than_seconds": round(seconds, 1), "everybody": revocation.everybody})

    def _wall(self, since: float | None) -> float:
        return float("-inf") if since is None else self._clock.wall() - (self._clock.monotonic() - since)
