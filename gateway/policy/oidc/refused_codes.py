"""How many codes the org has refused lately, for each client.

A code that the org refuses costs a request to its token endpoint, and anybody can make codes up. So a client whose codes were refused too
often within a minute waits until that minute is over: the org's rate limit is for all users. Must never count a client that no proxy names:
under that word come many. Memory is bounded: where too many clients are counted, the one whose minute began first is forgotten.
"""

from typing import Final

WINDOW_SECONDS: Final = 60.0
MOST_REFUSED: Final = 60
"""Of one client in a minute. A user who reloads the address of an old code has one refused; an office shares one address."""
MOST_CLIENTS: Final = 4096


class RefusedCodes:
    """The counts, by the key of ``policy.http.clients``; times are monotonic seconds."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        """Nothing was refused yet."""
        self._counts: dict[str, tuple[float, int]] = {}

    def are_too_many(self, key: str, now: float) -> bool:
        """Whether this client waits."""
        began_at, count = self._counts.get(key, (now, 0))
        return count >= MOST_REFUSED and now - began_at < WINDOW_SECONDS

    def note(self, key: str, now: float) -> None:
        """The org refused a code of this client."""
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
