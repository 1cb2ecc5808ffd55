"""The check whether a pass is older than this process's memory of revocations.

A memory of revocations does not know what was revoked before it began, nor what it dropped because it was full. So a pass that is older
must go through one hand-off. There the login host first closes the sessions that the browser still carries. The same holds for every pass
that was made before all users were signed out. It must never compare two clocks more closely than ``TOLERANCE_SECONDS``.

Each memory has a name, and a pass holds the names of the memories under which it was made. The name changes each time when older passes
become invalid. So a pass that was made after that moment is recognized by the name, without comparing clocks. Different processes may give
the same moment slightly different names, and two replicas that started within the last half minute have different names. Each would then
refuse the passes of the other. So a pass collects names: a process that sends a browser to the login host adds its own name to the names in
the refused pass.
"""

import math
from dataclasses import dataclass
from typing import Final

from gateway.policy.session.passes import Pass

TOLERANCE_SECONDS: Final = 30.0
MOST_EPOCHS: Final = 8
LONGEST_EPOCH: Final = 64
FORGETTING_STEP_SECONDS: Final = 60.0
"""A full memory drops an entry with each new revocation. Even then it makes older passes invalid at most once in so many seconds."""
_BETWEEN: Final = " "
_BEHIND_MEMORY: Final = "."


@dataclass(frozen=True, slots=True)
class RevocationEpoch:
    """This process's memory of revocations: its name, and when the process started. All times are Unix seconds.

    ``forgotten_at``: when the newest of the dropped revocations was published. ``everybody_at``: when all users were signed out.
    Minus infinity means never.
    """

    memory: str
    started_at: float
    forgotten_at: float = -math.inf
    everybody_at: float = -math.inf

    @property
    def counts_from(self) -> float:
        """Passes that were made before this moment are invalid, whichever memory they name."""
        return max(self._forgotten_before, self.everybody_at)

    @property
    def name(self) -> str:
        """The name that is put into passes that are made now."""
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
"""A memory that knows all revocations."""


def is_remembered(held: Pass, epoch: RevocationEpoch) -> bool:
    """Whether this memory knows every revocation since the pass was made.

    A pass that names another memory counts if it was made after this process started, because all revocations since then reached both.
    """
    names = held.epoch.split(_BETWEEN)
    if epoch.name in names:
        return True
    is_of_this_memory = epoch.memory in (name.partition(_BEHIND_MEMORY)[0] for name in names)
    return held.issued_at >= (epoch.counts_from if is_of_this_memory else max(epoch.started_at, epoch.counts_from)) + TOLERANCE_SECONDS


def with_epoch(name: str, others: str) -> str:
    """The names for a pass or start: ``name`` first, then ``others``; at most ``MOST_EPOCHS``."""
    names = [one for one in dict.fromkeys(f"{name}{_BETWEEN}{others}".split(_BETWEEN)) if one and len(one) <= LONGEST_EPOCH]
    return _BETWEEN.join(names[:MOST_EPOCHS])
