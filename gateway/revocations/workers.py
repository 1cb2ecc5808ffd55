"""Revocations of one worker process among several: its own memory, and a way to tell the others.

Owns the order: in force here before the first wait, and in force in every other worker before ``publish`` returns. How the others are told
is the supervisor's; here it is one call that returns when each of them has it, or is dead. Must never answer a look-up by asking anybody.
Rules from: DESIGN section 7.
"""

from collections.abc import Awaitable, Callable

from gateway.revocations.interface import Revocation
from gateway.revocations.local import LARGEST, REMEMBERED_SECONDS, LocalRevocations

TellOthers = Callable[[Revocation], Awaitable[None]]


class WorkerRevocations(LocalRevocations):
    """The memory of one worker. What others publish comes in by ``remember``, what was before it began by ``learn``."""

    def __init__(
        self,
        monotonic: Callable[[], float],
        tell_others: TellOthers,
        remembered_seconds: float = REMEMBERED_SECONDS,
        largest: int = LARGEST,
    ) -> None:
        """``tell_others`` returns when no other worker can miss it any more, and raises ``OutsideFailed`` where that is not known."""
        super().__init__(monotonic, remembered_seconds, largest)
        self._tell_others = tell_others

    async def tell_others(self, revocation: Revocation) -> None:
        """Returns when the revocation holds in every other worker."""
        await self._tell_others(revocation)
