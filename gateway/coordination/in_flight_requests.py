"""Counts the forwarded requests that are in flight to Okta with session cookies, until the head of their answer arrives.

The answer to such a request may set a renewed session cookie (Okta rotates ``idx``). So a session is not proven gone while such an answer
is awaited, and a closing waits for it. No new request begins meanwhile, because the cookies are already revoked.

Other processes may have such requests too, and so may the former gateway of this process while SIGHUP loads the configuration again. Each
announces its requests in the state only when it hears that their cookies were revoked, so an ordinary request costs nothing extra. The one
that closes the session looks for announcements when all have had time to hear of the revocation. Okta's answers to the closing
usually take longer than that, so it seldom waits.
"""

import asyncio
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from gateway.background import BackgroundTasks
from gateway.errors import StateFailed
from gateway.revocations import Revocation
from gateway.shared_state import SharedState

KIND = "underway"  # the name that an older release reads too, while both run side by side
ANNOUNCED_SECONDS = 30.0
"""How long an announcement lasts: longer than any closing waits for it. The announcement of a process that died expires by itself."""
NAME_BYTES = 16
LOOK_SECONDS = 0.05


class InFlightRequests:
    """The counts of requests, by the fingerprint of a cookie or the key of a browser. Use it on the event loop's thread only."""

    def __init__(self, state: SharedState | None = None) -> None:
        """``state``: the shared state in which processes announce their requests."""
        self._counts: dict[bytes, int] = {}
        self._ended = asyncio.Event()
        self._state = state
        self._me = secrets.token_bytes(NAME_BYTES)
        self._announced: set[bytes] = set()
        self._announcing = BackgroundTasks()
        self._announcing_lock = asyncio.Lock()

    @contextmanager
    def counting(self, fingerprints: Iterable[bytes]) -> Iterator[None]:
        """Count one request with these cookies, or of these browsers, while the block runs."""
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
                        self._announce(name)
            self._ended.set()

    async def cleared(self, fingerprints: Iterable[bytes], seconds: float) -> bool:
        """Wait until this process has no request with these cookies in flight. False if that takes longer than ``seconds``."""
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
        """A revocation arrived: announce the requests that this process has in flight with the revoked cookies."""
        if self._state is None:
            return
        for name in revocation.fingerprints:
            if name in self._counts and name not in self._announced:
                self._announced.add(name)
                self._announce(name)

    async def are_elsewhere(self, fingerprints: Iterable[bytes], revoked_at: float = 0.0) -> bool:
        """Whether another process has announced a request with one of these cookies.

        ``revoked_at``: when they were revoked, on the event loop's clock. It waits until all processes have had time to hear of that.
        """
        if self._state is None:
            return False
        await asyncio.sleep(revoked_at + self._state.hearing_seconds - asyncio.get_running_loop().time())
        names = frozenset(fingerprints)
        with suppress(StateFailed):  # without the state, a switch has already failed at its revocation; a sign-out continues
            found = [key for key, _ in await self._state.entries(KIND)]
            return any(key[:-NAME_BYTES] in names and key[-NAME_BYTES:] != self._me for key in found)
        return False

    async def cleared_elsewhere(self, fingerprints: Iterable[bytes], seconds: float) -> bool:
        """Wait until no other process has a request with these cookies in flight. False if that takes longer than ``seconds``."""
        names = frozenset(fingerprints)
        try:
            async with asyncio.timeout(seconds):
                while await self.are_elsewhere(names):  # noqa: ASYNC110 - it ends in another process
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            return False
        return True

    async def aclose(self) -> None:
        """Wait until all announcements are written or withdrawn."""
        await self._announcing.ended()

    def _announce(self, name: bytes) -> None:
        self._announcing.start(self._announced_or_withdrawn(name), "announcing requests in flight")

    async def _announced_or_withdrawn(self, name: bytes) -> None:
        """Write or delete the announcement, depending on whether such a request is in flight at the moment when this task runs."""
        if self._state is None:
            return
        async with self._announcing_lock:
            with suppress(StateFailed):
                if name in self._counts:
                    await self._state.put(KIND, name + self._me, b"", ANNOUNCED_SECONDS)
                else:
                    self._announced.discard(name)
                    await self._state.delete(KIND, name + self._me)
