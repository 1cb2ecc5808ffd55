"""Whether a pass is older than the memory of revocations.

Owns the rule: a memory that began empty does not know what was revoked before, so a pass from before goes through one hand-off, where the
login host closes first what the browser still carries. A memory has a name, its epoch, and a pass holds the names of those that it was made
under. Must never compare two clocks more closely than ``TOLERANCE_SECONDS``; within one memory no clock is compared at all.

Two replicas that began within the last half minute would each send away the passes of the other. So a pass collects names: a process that
sends a browser to the login host puts its own name beside those of the pass that it refused.
"""

from dataclasses import dataclass
from typing import Final

from gateway.core.passes import Pass

TOLERANCE_SECONDS: Final = 30.0
MOST_EPOCHS: Final = 8
LONGEST_EPOCH: Final = 64
_BETWEEN: Final = " "


@dataclass(frozen=True, slots=True)
class RevocationEpoch:
    """The memory of revocations of this process: its name, and when it began, in Unix seconds."""

    name: str
    started_at: float


EVER: Final = RevocationEpoch("", float("-inf"))
"""A memory that has forgotten nothing."""


def is_remembered(held: Pass, epoch: RevocationEpoch) -> bool:
    """Whether this memory knows every revocation since the pass was made.

    A pass of another memory that was made after this one began is another replica's: what is revoked from then on reaches both.
    """
    return epoch.name in held.epoch.split(_BETWEEN) or held.issued_at >= epoch.started_at + TOLERANCE_SECONDS


def with_epoch(name: str, others: str) -> str:
    """The names of memories that a note holds, this one first; at most ``MOST_EPOCHS``."""
    names = [one for one in dict.fromkeys(f"{name}{_BETWEEN}{others}".split(_BETWEEN)) if one and len(one) <= LONGEST_EPOCH]
    return _BETWEEN.join(names[:MOST_EPOCHS])
