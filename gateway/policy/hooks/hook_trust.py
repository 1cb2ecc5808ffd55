"""Whether Okta's event hook works, so that the gateway may cache Okta's answers for longer (``session.ttl_with_hook``).

    SHORT ── a fresh sign-in event came ──▶ LONG ── a sign-in seen here without its event, a lost delivery ──▶ SHORT
                                             └─ the shared state is away: SHORT until it is back

SHORT means ``session.ttl``, LONG means ``session.ttl_with_hook``. A process must look into the shared state at least every
``WINDOW_SECONDS`` seconds, or it falls back to SHORT. An answer of Okta that was requested before LONG began never gets the long ttl,
because events about it may have been lost. A time without events is no sign of a fault: only a sign-in that this gateway saw, and whose
event did not come, shows that events get lost.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Final

LATE_SECONDS: Final = 300.0
"""How long Okta may take to deliver the event of a sign-in."""

WINDOW_SECONDS: Final = 3.0
"""How long a look into the shared state counts. Not longer than ``session.ttl``: so losing the shared state costs no more than that."""

MOST_AWAITED: Final = 1000
"""How many sign-ins wait for their event at the same time. Further ones are not watched: these suffice to notice lost events."""


@dataclass(frozen=True, slots=True)
class HookTrust:
    """What one process knows about the trust in the hook. Times are monotonic seconds.

    ``name``: the name of the trust in the shared state; it changes when trust begins anew; "" means no trust. ``since``: answers that were
    requested before this second get the short ttl only. ``until``: the second at which the last look into the shared state stops counting.
    """

    name: str = ""
    since: float = 0.0
    until: float = 0.0

    def looked(self, name: str, now: float, window_seconds: float = WINDOW_SECONDS) -> "HookTrust":
        """The trust after a look into the shared state, which found a trust with this name, or none ("")."""
        if not name:
            return HookTrust()
        # A new name means that trust began anew: answers from before do not count for the long ttl.
        since = self.since if name == self.name else now
        return replace(self, name=name, since=since, until=now + window_seconds)

    def covers(self, asked_at: float, now: float) -> bool:
        """Whether an answer that was requested at ``asked_at`` may be cached for the long ttl."""
        return asked_at >= self.since and now < self.until


def is_fresh(published: float, wall: float) -> bool:
    """Whether an event came soon enough to prove that the hook works. A clock that is behind Okta's does not matter."""
    return wall - published <= LATE_SECONDS


class AwaitedEvents:
    """The sign-ins that this process saw and whose event has not come, in the order in which their events become overdue."""

    __slots__ = ("_due",)

    def __init__(self) -> None:
        self._due: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._due)

    def begin(self, user_id: str, now: float) -> None:
        """Wait for the event of this user, who has just signed in. A user who is awaited already keeps the earlier time."""
        if len(self._due) < MOST_AWAITED:
            self._due.setdefault(user_id, now + LATE_SECONDS)

    def overdue(self, now: float) -> tuple[str, ...]:
        """The ids of the users whose event is overdue. They are removed."""
        found = []
        while self._due and next(iter(self._due.values())) <= now:
            found.append(self._due.popitem(last=False)[0])
        return tuple(found)

    def clear(self) -> None:
        """Forget all of them, because the hook is not trusted anyway."""
        self._due.clear()
