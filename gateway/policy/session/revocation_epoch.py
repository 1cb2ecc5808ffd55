"""Whether a pass is older than the memory of revocations.

Owns the rule: a memory does not know what was revoked before it began empty, nor what its bound pushed out. So a pass from before goes
through one hand-off, where the login host closes first what the browser still carries. The same holds for all passes from before everybody
was signed out. Must never compare two clocks more closely than ``TOLERANCE_SECONDS``.

A memory has a name, and a pass holds the names of those that it was made under. The name changes with each moment from which on passes
count anew, so a pass that was made behind that moment is known by its name, and no clock is compared. Several processes may name the same
moment a little differently, and two replicas that began within the last half minute have different names; each would send away the passes
of the other. So a pass collects names: a process that sends a browser to the login host puts its own name beside those of the pass that
it refused.
"""

import math
from dataclasses import dataclass
from typing import Final

from gateway.policy.session.passes import Pass

TOLERANCE_SECONDS: Final = 30.0
MOST_EPOCHS: Final = 8
LONGEST_EPOCH: Final = 64
FORGETTING_STEP_SECONDS: Final = 60.0
"""A full memory pushes out something with each revocation, but sends passes to a hand-off anew at most once in so long."""
_BETWEEN: Final = " "
_BEHIND_MEMORY: Final = "."


@dataclass(frozen=True, slots=True)
class RevocationEpoch:
    """The memory of revocations of this process: its name, and when this process began, in Unix seconds.

    ``forgotten_at``: when the youngest revocation was published that a bound pushed out. ``everybody_at``: when everybody was signed out.
    Both are minus infinity where that never was.
    """

    memory: str
    started_at: float
    forgotten_at: float = -math.inf
    everybody_at: float = -math.inf

    @property
    def counts_from(self) -> float:
        """Passes from before this moment do not count, whichever memory they were made under."""
        return max(self._forgotten_before, self.everybody_at)

    @property
    def name(self) -> str:
        """What is put into passes that are made now."""
        moments = [self._forgotten_before, self.everybody_at]
        if max(moments) == -math.inf:
            return self.memory
        return _BEHIND_MEMORY.join([self.memory, *("" if moment == -math.inf else f"{moment:.0f}" for moment in moments)])

    @property
    def _forgotten_before(self) -> float:
        if self.forgotten_at == -math.inf:
            return self.forgotten_at
        return math.ceil(self.forgotten_at / FORGETTING_STEP_SECONDS) * FORGETTING_STEP_SECONDS


EVER: Final = RevocationEpoch("", -math.inf)
"""A memory that has forgotten nothing."""


def is_remembered(held: Pass, epoch: RevocationEpoch) -> bool:
    """Whether this memory knows every revocation since the pass was made.

    A pass of another memory that was made after this one began is another replica's: what is revoked from then on reaches both.
    """
    names = held.epoch.split(_BETWEEN)
    if epoch.name in names:
        return True
    is_of_this_memory = epoch.memory in (name.partition(_BEHIND_MEMORY)[0] for name in names)
    return held.issued_at >= (epoch.counts_from if is_of_this_memory else max(epoch.started_at, epoch.counts_from)) + TOLERANCE_SECONDS


def with_epoch(name: str, others: str) -> str:
    """The names of memories that a note holds, this one first; at most ``MOST_EPOCHS``."""
    names = [one for one in dict.fromkeys(f"{name}{_BETWEEN}{others}".split(_BETWEEN)) if one and len(one) <= LONGEST_EPOCH]
    return _BETWEEN.join(names[:MOST_EPOCHS])
