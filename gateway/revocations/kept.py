"""Revocations that outlive the process: the memory in front, and a store behind it.

Owns the order: in force here before the first wait, in the store and in every other worker before ``publish`` returns. Must never answer a
look-up from the store, or leave the other workers untold because the store failed.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from gateway.core.session import Fingerprint
from gateway.revocations.interface import Listener, Revocation, Unsubscribe
from gateway.revocations.local import LocalRevocations, Remembered


class Store(Protocol):
    """Where revocations lie that outlive the process: the shared state."""

    async def remember(self, revocation: Revocation) -> None:
        """Keep it. ``OutsideFailed`` where that cannot be."""

    async def revocations(self) -> list[Remembered]:
        """Everything that is kept, with its age."""


class KeptRevocations:
    """A memory of revocations, loaded from a store at the start and written to it with each one."""

    def __init__(self, memory: LocalRevocations, store: Store) -> None:
        """``memory``: of this process alone, or of one worker among several. Look-ups are the memory's own: requests pay nothing extra."""
        self._memory = memory
        self._store = store
        self.has_cookie: Callable[[Iterable[Fingerprint]], bool] = memory.has_cookie
        self.is_held: Callable[[Iterable[Fingerprint]], bool] = memory.is_held
        self.has_session: Callable[[str], bool] = memory.has_session
        self.user_since: Callable[[str], float | None] = memory.user_since
        self.subscribe: Callable[[Listener], Unsubscribe] = memory.subscribe

    async def load(self) -> None:
        """Learn what the store holds, each at its age. Call it before anything is looked up; ``OutsideFailed`` where it cannot be read."""
        self._memory.learn(await self._store.revocations())

    async def publish(self, revocation: Revocation) -> None:
        """Remember it here, then write it to the store and tell the other workers.

        Raises ``OutsideFailed`` where either failed; here it is remembered all the same, and the other one was tried.
        """
        self._memory.remember(revocation)
        try:
            await self._store.remember(revocation)
        finally:
            await self._memory.tell_others(revocation)

    @property
    def ready(self) -> bool:
        """Whether a revocation published now would reach everybody, and none was missed."""
        return self._memory.ready

    @property
    def forgotten(self) -> int:
        """How many revocations the bound of the memory pushed out before their time."""
        return self._memory.forgotten
