"""The current epoch of this process's memory of revocations (``policy.session.revocation_epoch``).

A revocation changes the epoch if it signs out everybody, or if it pushed an older revocation out of the memory. A change of the machine's
clock must never change the epoch. So each time is converted to Unix seconds once, when it becomes known.
"""

from dataclasses import replace

from gateway.clock import Clock
from gateway.observe import Tell
from gateway.policy.session.revocation_epoch import RevocationEpoch
from gateway.revocations import Revocation, Revocations


class Epochs:
    """Holds the epoch. ``current`` stays the same object until the epoch changes."""

    def __init__(self, revocations: Revocations, started: RevocationEpoch, clock: Clock, tell: Tell) -> None:
        """``started``: the epoch before the contents of ``revocations`` are considered. ``tell`` is called once for each change."""
        self._revocations = revocations
        self._clock = clock
        self._tell = tell
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
            self._tell("passes_outdated", {"older_than_seconds": round(seconds, 1), "everybody": revocation.everybody})

    def _wall(self, since: float | None) -> float:
        return float("-inf") if since is None else self._clock.wall() - (self._clock.monotonic() - since)
