"""The revocations of one process (a memory), connected to the shared state through which processes tell each other.

This module owns the order of the steps. A revocation takes effect in this process before the first ``await``, and is published after that.
Before a look-up is answered, the revocations that other processes published are taken over. Look-ups happen for every request and must not
wait, so they must never call the shared state itself.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from gateway.policy.session.session import Fingerprint
from gateway.revocations.interface import Listener, Remembered, Report, Revocation, Rotation, Unsubscribe
from gateway.revocations.local import LocalRevocations


class Channel(Protocol):
    """The part of the shared state that revocations need."""

    @property
    def is_shared(self) -> bool:
        """Whether other processes may publish revocations too."""

    @property
    def ready(self) -> bool:
        """Whether no revocation was missed, and the own ones reach the other processes."""

    async def follow(self, heard: Callable[[Remembered], None]) -> None:
        """Call ``heard`` with every stored revocation, and from then on with those that others publish."""

    def poll(self) -> None:
        """Call the function given to ``follow`` with the revocations that others have published."""

    async def publish(self, revocation: Revocation) -> None:
        """Store a revocation, and send it to the other processes."""

    async def report(self, report: Report) -> bool:
        """Store a report and send it to the other processes. False if that was done before."""


class SharedRevocations:
    """Answers look-ups from memory, and keeps that memory up to date with the revocations of all processes."""

    def __init__(self, memory: LocalRevocations, state: Channel) -> None:
        """If no other process uses ``state``, the look-ups are those of ``memory`` itself and cost nothing extra."""
        self._memory = memory
        self._state = state
        self.poll: Callable[[], None] = state.poll
        self.is_shared = state.is_shared
        self.has_cookie: Callable[[Iterable[Fingerprint]], bool] = memory.has_cookie
        self.is_held: Callable[[Iterable[Fingerprint]], bool] = memory.is_held
        self.has_session: Callable[[str], bool] = memory.has_session
        self.user_since: Callable[[str], float | None] = memory.user_since
        self.began_before: Callable[[Iterable[str]], float | None] = memory.began_before  # asked after has_cookie, which has polled
        if state.is_shared:
            self.has_cookie, self.is_held = self._has_cookie, self._is_held
            self.has_session, self.user_since = self._has_session, self._user_since
        self.everybody_since: Callable[[], float | None] = memory.everybody_since
        self.forgotten_since: Callable[[], float | None] = memory.forgotten_since
        self.subscribe: Callable[[Listener], Unsubscribe] = memory.subscribe

    async def follow(self) -> None:
        """Read every stored revocation with its age. Call it before the first look-up.

        Raises ``OutsideFailed`` if the state cannot be read; then call it again.
        """
        await self._state.follow(self._memory.hear)

    async def publish(self, revocation: Revocation) -> None:
        """Remember a revocation here, then publish it. Raises ``OutsideFailed`` if publishing fails; here it is in force all the same."""
        self._memory.remember(revocation)
        await self._state.publish(revocation)

    async def report(self, report: Report) -> bool:
        """Store a report in one step, and remember its revocations here. False, and no change, if the report came before.

        Raises ``OutsideFailed`` if that fails. Then its revocations are in force in this process, and the same report may come again.
        """
        is_first = True  # also if the state fails: then the revocations must be in force at least here
        try:
            is_first = await self._state.report(report)
        finally:
            for revocation in report.revocations if is_first else ():
                self._memory.remember(revocation)
        return is_first

    def _has_cookie(self, fingerprints: Iterable[Fingerprint]) -> bool:
        self.poll()
        return self._memory.has_cookie(fingerprints)

    def _is_held(self, fingerprints: Iterable[Fingerprint]) -> bool:
        self.poll()
        return self._memory.is_held(fingerprints)

    def _has_session(self, mark: str) -> bool:
        self.poll()
        return self._memory.has_session(mark)

    def _user_since(self, user_id: str) -> float | None:
        self.poll()
        return self._memory.user_since(user_id)

    def known_rotations(self) -> tuple[Rotation, ...]:
        """The rotations that were published before this process began, oldest first."""
        return self._memory.known_rotations()

    @property
    def ready(self) -> bool:
        """Whether all revocations of others are in force here, and those of this process reach the others."""
        return self._memory.ready and self._state.ready

    @property
    def forgotten(self) -> int:
        """How many revocations the memory dropped before their end because it was full."""
        return self._memory.forgotten
