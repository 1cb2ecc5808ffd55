"""Which sessions a browser got after the cookies that it shows: its tabs do not all know yet.

Owns the succession "in answer to these cookies Okta set those", for a minute. A request that was on its way with the old
cookies, or a client that left before its answer, would otherwise leave a live session behind that nobody closes before the
next token is sent. Holds raw cookies, for that alone: bounded, and never shown. Must never let whoever kept an old cookie reach
the session that came after it: only a client that looks the same, by address and User-Agent, finds it.
Rules from: DESIGN section 4, "two tabs"; OKTA 0.13.
"""

from collections.abc import Iterable

from cachetools import TTLCache

from gateway.clock import Clock
from gateway.core.session import Fingerprint, Fingerprinter, SessionCookie

REMEMBERED_SECONDS = 60.0
LARGEST = 20_000
MOST_STEPS = 8

Cookies = tuple[SessionCookie, ...]


class Successors:
    """What came after what."""

    def __init__(self, fingerprinter: Fingerprinter, clock: Clock) -> None:
        """``fingerprinter``: the org's."""
        self._fingerprinter = fingerprinter
        self._of: TTLCache[tuple[Fingerprint, bytes], Cookies] = TTLCache(LARGEST, REMEMBERED_SECONDS, timer=clock.monotonic)

    def note(self, old: Iterable[SessionCookie], new: Cookies, neighbour: bytes) -> None:
        """Okta set ``new`` for the browser that had shown ``old``; only the latest successors count, the others ended before.

        ``neighbour``: what the client looks like (``ledger.neighbour_of``).
        """
        if new:
            for fingerprint in self._fingerprinter.all(old):
                self._of[fingerprint, neighbour] = new

    def of(self, cookies: Cookies, neighbour: bytes) -> Cookies:
        """The cookies that came after these, and after those again; none of them is among ``cookies``."""
        found: dict[SessionCookie, None] = dict.fromkeys(cookies)
        latest = cookies
        for _ in range(MOST_STEPS):
            after = [self._of.get((fingerprint, neighbour), ()) for fingerprint in self._fingerprinter.all(latest)]
            latest = tuple(cookie for new in after for cookie in new if cookie not in found)
            found.update(dict.fromkeys(latest))
        return tuple(found)[len(dict.fromkeys(cookies)) :]
