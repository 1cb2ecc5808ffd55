"""The revocations of one process: its memory in front, and behind it the state that it shares with others.

Owns the order: in force here before the first wait, then published; and what others published is heard before a look-up is answered. Must
never answer a look-up from the state itself.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from gateway.policy.session.session import Fingerprint
from gateway.revocations.interface import Kin, Listener, Remembered, Report, Revocation, Unsubscribe
from gateway.revocations.local import LocalRevocations


class Channel(Protocol):
    """The part of the shared state that revocations need."""

    @property
    def is_shared(self) -> bool:
        """Whether another process may publish too."""

    @property
    def ready(self) -> bool:
        """Whether nothing was missed, and what is published reaches the others."""

    async def follow(self, heard: Callable[[Remembered], None]) -> None:
        """Hand over everything that is kept, and from then on what others publish."""

    def poll(self) -> None:
        """Hand over what others have published."""

    async def publish(self, revocation: Revocation) -> None:
        """Keep it, and send it to the others."""

    async def report(self, report: Report) -> bool:
        """Keep what it says, and send it to the others, unless that was done before."""


class SharedRevocations:
    """Look-ups in memory, which learns of every revocation that any process publishes."""

    def __init__(self, memory: LocalRevocations, state: Channel) -> None:
        """With a state that no other process uses, look-ups are the memory's own and cost nothing extra."""
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
        """Learn everything that is kept, each at its age. Call it before anything is looked up.

        ``OutsideFailed`` where it cannot be read; then it may be called again.
        """
        await self._state.follow(self._memory.hear)

    async def publish(self, revocation: Revocation) -> None:
        """Remember it here, then send it to the others. Raises ``OutsideFailed`` where that failed; here it is in force all the same."""
        self._memory.remember(revocation)
        await self._state.publish(revocation)

    async def report(self, report: Report) -> bool:
        """All that it says in one step, and its revocations remembered here; False, and nothing, where somebody has done so before.

        Raises ``OutsideFailed`` as ``publish`` does; here they are in force all the same, and the same report may come again.
        """
        is_first = True  # so it is taken to be where the state does not say
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

    def known_kin(self) -> tuple[Kin, ...]:
        """The kin that were published before this process began, oldest first."""
        return self._memory.known_kin()

    @property
    def ready(self) -> bool:
        """Whether everything that others published is in force here, and what is published here reaches them."""
        return self._memory.ready and self._state.ready

    @property
    def forgotten(self) -> int:
        """How many revocations the bound of the memory pushed out before their time."""
        return self._memory.forgotten
