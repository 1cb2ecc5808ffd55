"""Which requests of a browser are under way to Okta with its session cookies, until the head of their answer is there.

Owns the count. Such an answer may renew a cookie, so a session is not proven gone while one is awaited: closing waits for
them, and nothing new begins, because the cookies are revoked by then. Why: ``idx`` rotates.

What another process has under way is announced when it hears of the revocation, and not before: so that a request pays for it only where
somebody signs out or switches meanwhile. Whoever closes looks after Okta's answers to the closing, which take far longer than a revocation.
"""

import asyncio
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from gateway.errors import StateFailed
from gateway.revocations import Revocation
from gateway.shared_state import SharedState

KIND = "underway"
ANNOUNCED_SECONDS = 30.0
"""Longer than anybody waits for it. What was announced by a process that died ends by itself."""
NAME_BYTES = 16
LOOK_SECONDS = 0.05


class Underway:
    """Requests by fingerprint. All calls are made on the event loop's thread."""

    def __init__(self, state: SharedState | None = None) -> None:
        """Nothing is under way yet. ``state``: where processes tell each other."""
        self._counts: dict[bytes, int] = {}
        self._ended = asyncio.Event()
        self._state = state if state is not None and state.is_shared else None
        self._me = secrets.token_bytes(NAME_BYTES)
        self._announced: set[bytes] = set()
        self._telling: set[asyncio.Task[None]] = set()
        self._one_after_the_other = asyncio.Lock()

    @contextmanager
    def carrying(self, fingerprints: Iterable[bytes]) -> Iterator[None]:
        """Count a request that carries these cookies, or is of these browsers, for as long as the block lasts."""
        names = tuple(fingerprints)
        for name in names:
            self._counts[name] = self._counts.get(name, 0) + 1
        try:
            yield
        finally:
            for name in names:
                self._counts[name] -= 1
                if not self._counts[name]:
                    del self._counts[name]
                    if name in self._announced:
                        self._tell(name)
            self._ended.set()

    async def cleared(self, fingerprints: Iterable[bytes], seconds: float) -> bool:
        """Wait until no request with any of these cookies is under way; False when that took longer."""
        names = tuple(fingerprints)
        try:
            async with asyncio.timeout(seconds):
                while any(name in self._counts for name in names):
                    self._ended.clear()
                    await self._ended.wait()
        except TimeoutError:
            return False
        return True

    def hear(self, revocation: Revocation) -> None:
        """Announce what is under way with cookies that were revoked by anybody."""
        if self._state is None:
            return
        for name in revocation.fingerprints:
            if name in self._counts and name not in self._announced:
                self._announced.add(name)
                self._tell(name)

    async def are_elsewhere(self, fingerprints: Iterable[bytes]) -> bool:
        """Whether another process has announced a request with one of these cookies, which were revoked a while ago."""
        if self._state is None:
            return False
        names = frozenset(fingerprints)
        with suppress(StateFailed):  # a switch has failed before by that; a sign-out goes on
            found = [key for key, _ in await self._state.entries(KIND)]
            return any(key[:-NAME_BYTES] in names and key[-NAME_BYTES:] != self._me for key in found)
        return False

    async def cleared_elsewhere(self, fingerprints: Iterable[bytes], seconds: float) -> bool:
        """Wait until no other process has one under way; False when that took longer."""
        names = frozenset(fingerprints)
        try:
            async with asyncio.timeout(seconds):
                while await self.are_elsewhere(names):  # noqa: ASYNC110 - it ends in another process
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            return False
        return True

    async def aclose(self) -> None:
        """Wait until the others know."""
        await asyncio.gather(*self._telling, return_exceptions=True)

    def _tell(self, name: bytes) -> None:
        task = asyncio.create_task(self._said(name), name="telling what is under way")
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _said(self, name: bytes) -> None:
        """Announce it, or take that back: whichever is right once it is this task's turn."""
        if self._state is None:
            return
        async with self._one_after_the_other:
            with suppress(StateFailed):
                if name in self._counts:
                    await self._state.put(KIND, name + self._me, b"", ANNOUNCED_SECONDS)
                else:
                    self._announced.discard(name)
                    await self._state.delete(KIND, name + self._me)
