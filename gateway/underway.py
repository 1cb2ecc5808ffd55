"""Which requests of a browser are under way to Okta with its session cookies, until the head of their answer is there.

Owns the count. Such an answer may renew a cookie, so a session is not proven gone while one is awaited: closing waits for
them, and nothing new begins, because the cookies are revoked by then. Rules from: OKTA 0.13 (``idx`` rotates), DESIGN section 4.
"""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Underway:
    """Requests by fingerprint. All calls are made on the event loop's thread."""

    def __init__(self) -> None:
        """Nothing is under way yet."""
        self._counts: dict[bytes, int] = {}
        self._ended = asyncio.Event()

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
