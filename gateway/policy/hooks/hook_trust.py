"""Whether Okta's event hook may be relied on, so that answers are believed for longer: ``session.ttl_with_hook``.

    SHORT ── a fresh sign-in event came ──▶ LONG ── a sign-in seen here without its event, a lost delivery ──▶ SHORT
                                             └─ the shared state is away: SHORT until it is back

Owns these rules, as values. Must never trust for longer than ``WINDOW_SECONDS`` without a look at the shared state, nor an answer that was
asked for before the trust began: events about it may have been lost. Quiet nights are no silence: only a sign-in that this gateway saw
itself, and whose event did not come, shows that events get lost.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Final

LATE_SECONDS: Final = 300.0
"""How long Okta may take to deliver the event of a sign-in."""

WINDOW_SECONDS: Final = 3.0
"""How long a look at the shared state counts. No longer than ``session.ttl``: losing the state then costs no more than that."""

MOST_AWAITED: Final = 1000
"""Sign-ins whose event is awaited at once. Further ones are not watched: these are enough to see that events get lost."""


@dataclass(frozen=True, slots=True)
class HookTrust:
    """What one process knows. ``name``: of the trust in the shared state, "" for none. Monotonic seconds.

    ``since``: answers asked for before that count only for the short ttl. ``until``: when the last look at the state stops counting.
    """

    name: str = ""
    since: float = 0.0
    until: float = 0.0

    def looked(self, name: str, now: float, window_seconds: float = WINDOW_SECONDS) -> "HookTrust":
        """After a look at the shared state that named this trust, or none ("")."""
        if not name:
            return HookTrust()
        since = self.since if name == self.name else now
        return replace(self, name=name, since=since, until=now + window_seconds)

    def covers(self, asked_at: float, now: float) -> bool:
        """Whether an answer to a question of ``asked_at`` may be believed for the long ttl."""
        return asked_at >= self.since and now < self.until


def is_fresh(published: float, wall: float) -> bool:
    """Whether an event came in time to count as a sign of life; a clock that is behind Okta's changes nothing."""
    return wall - published <= LATE_SECONDS


class AwaitedEvents:
    """The sign-ins that this process saw, and when the event of each is overdue; the earliest first."""

    __slots__ = ("_due",)

    def __init__(self) -> None:
        self._due: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._due)

    def begin(self, user_id: str, now: float) -> None:
        """This user has just signed in; one who is awaited already stays so."""
        if len(self._due) < MOST_AWAITED:
            self._due.setdefault(user_id, now + LATE_SECONDS)

    def overdue(self, now: float) -> tuple[str, ...]:
        """Whose event should have come by now; they are awaited no longer."""
        found = []
        while self._due and next(iter(self._due.values())) <= now:
            found.append(self._due.popitem(last=False)[0])
        return tuple(found)

    def clear(self) -> None:
        """Nothing is awaited: the hook is not trusted anyway."""
        self._due.clear()
