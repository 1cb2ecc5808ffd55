"""The limit on authorization codes that the org refuses, per client.

Each code costs a request to the org's token endpoint, and anybody can make codes up. All users share the org's rate limit. So a client
whose codes were refused too often within a minute must wait until that minute is over. It must never count a client without an address,
because many clients of a proxy may share that name. Memory is bounded: if there are too many clients, the one whose minute began first is
dropped.
"""

from typing import Final

WINDOW_SECONDS: Final = 60.0
MOST_REFUSED: Final = 60
"""The most refused codes of one client in a minute. Each reload of an old address is a refused code, and an office shares one address."""
MOST_CLIENTS: Final = 4096


class RefusedCodes:
    """The counts by client (``policy.http.clients``). Times are monotonic seconds."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        """No code was refused yet."""
        self._counts: dict[str, tuple[float, int]] = {}

    def are_too_many(self, key: str, now: float) -> bool:
        """Whether this client must wait."""
        began_at, count = self._counts.get(key, (now, 0))
        return count >= MOST_REFUSED and now - began_at < WINDOW_SECONDS

    def note(self, key: str, now: float) -> None:
        """Count a refused code of this client."""
        if not key:
            return
        began_at, count = self._counts.get(key, (now, 0))
        if now - began_at >= WINDOW_SECONDS:
            del self._counts[key]
            began_at, count = now, 0
        self._counts[key] = began_at, count + 1
        if len(self._counts) > MOST_CLIENTS:
            del self._counts[next(iter(self._counts))]

    def __len__(self) -> int:
        """How many clients are counted."""
        return len(self._counts)
