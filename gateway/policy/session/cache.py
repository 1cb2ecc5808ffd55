"""How long an answer of Okta is believed, and when Okta is not asked: lifetimes, rate budget, circuit breaker.

Owns the rules, as values: ``now`` in, values out. Must never let an answer live past ``expiresAt``, longer than its ttl counted
from the moment of asking, or let a ttl of zero stretch.

    asked_at             due_at             fresh_until            grace_until
       ├──── FRESH ────────┼───── DUE ──────────┼────── GRACE ───────────┼── DEAD
       believe             believe, and ask      ask; believe only when   ask
                           in the background     Okta does not say

``now`` is monotonic seconds, ``wall`` Unix seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import assert_never

from gateway.policy.session.session import Finding, NoSession, Session, Unknown

LOW_SHARE = 0.2
PLENTY_SHARE = 0.3
LONGEST_WAIT_SECONDS = 60.0
SHORTEST_WAIT_SECONDS = 1.0
UNNAMED_WAIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Seconds (``session.ttl``, ``ttl_max``, ``grace``); ``refresh_ahead`` is the last share of a life in which to ask again."""

    ttl: float = 10.0
    ttl_max: float = 60.0
    negative_ttl: float = 2.0
    grace: float = 0.0
    refresh_ahead: float = 0.25


class EntryState(Enum):
    """What an entry is worth now."""

    FRESH = "fresh"
    DUE = "due"
    GRACE = "grace"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Entry:
    """An answer that Okta gave, and the monotonic seconds between which it is believed.

    ``without_hook``: the same answer as it counts while Okta's event hook cannot be relied on, where that makes a difference.
    ``for_pass``: it was asked about a pass, for whose cookies Okta had named a session before. Of a pass "no session" is believed only
    then: an answer about the same cookies without a pass may be older than the pass, which another process made.
    """

    finding: Session | NoSession
    asked_at: float
    due_at: float
    fresh_until: float
    grace_until: float
    without_hook: "Entry | None" = None
    for_pass: bool = False


def lifetime(finding: Finding, lifetimes: Lifetimes, shortage: float, wall: float) -> float:
    """Seconds, from asking on, for which a finding may be believed; ``shortage`` (0 to 1) stretches the ttl to ``ttl_max``."""
    match finding:
        case Session():
            stretched = lifetimes.ttl + max(0.0, lifetimes.ttl_max - lifetimes.ttl) * shortage
            return max(0.0, min(stretched, finding.ends_at - wall)) if lifetimes.ttl > 0 else 0.0
        case NoSession():
            return min(lifetimes.negative_ttl, lifetimes.ttl)
        case Unknown():
            return 0.0
        case _:
            assert_never(finding)


def entry_of(finding: Session | NoSession, lifetimes: Lifetimes, shortage: float, asked_at: float, wall: float) -> Entry:
    """The entry for an answer to a question that was sent at ``asked_at``, when the clock on the wall showed ``wall``."""
    seconds = lifetime(finding, lifetimes, shortage, wall)
    fresh_until = asked_at + seconds
    if not isinstance(finding, Session):
        return Entry(finding, asked_at, fresh_until, fresh_until, fresh_until)
    ends_at = asked_at + max(0.0, finding.ends_at - wall)
    due_at = fresh_until - seconds * lifetimes.refresh_ahead
    return Entry(finding, asked_at, due_at, fresh_until, max(fresh_until, min(fresh_until + lifetimes.grace, ends_at)))


def state(entry: Entry, now: float) -> EntryState:
    """What the entry is worth at ``now``; every boundary belongs to the later, poorer state."""
    if now < entry.due_at:
        return EntryState.FRESH
    if now < entry.fresh_until:
        return EntryState.DUE
    return EntryState.GRACE if now < entry.grace_until else EntryState.DEAD


@dataclass(frozen=True, slots=True)
class RateLimits:
    """``X-Rate-Limit-*`` of one answer: ``reset`` and ``date`` (the answer's own clock) in epoch seconds, where given."""

    limit: int
    remaining: int
    reset: float | None = None
    date: float | None = None


def rate_limits(fields: Mapping[str, str]) -> RateLimits | None:
    """The rate limits in an answer's fields (looked up case-insensitively by the mapping); None where it names none."""
    limit, remaining = _whole(fields.get("X-Rate-Limit-Limit")), _whole(fields.get("X-Rate-Limit-Remaining"))
    if limit is None or remaining is None:
        return None
    return RateLimits(limit, remaining, _whole(fields.get("X-Rate-Limit-Reset")), _date(fields.get("Date")))


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) <= 12 else None


def _date(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text is not None else None
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of the org's rate limit, as the last answers said; between 20 and 30 per cent nothing changes (no flapping)."""

    shortage: float = 0.0
    wait_until: float = 0.0

    def after(self, limits: RateLimits | None) -> "Budget":
        """The budget after an answer with these limits; an answer that names none says nothing."""
        if limits is None or limits.limit <= 0:
            return self
        share = limits.remaining / limits.limit
        if share < LOW_SHARE:
            return replace(self, shortage=1.0 - share / LOW_SHARE)
        return replace(self, shortage=0.0) if share >= PLENTY_SHARE else self

    def after_refusal(self, limits: RateLimits | None, retry_at: float | None, now: float, wall: float) -> "Budget":
        """The budget after a 429: nobody asks until Okta's reset, measured on Okta's own clock where the answer has a Date."""
        reset = limits.reset if limits is not None and limits.reset is not None else retry_at
        seconds = UNNAMED_WAIT_SECONDS
        if reset is not None:
            okta_now = limits.date if limits is not None and limits.date is not None else wall
            seconds = min(LONGEST_WAIT_SECONDS, max(SHORTEST_WAIT_SECONDS, reset - okta_now))
        return replace(self, wait_until=max(self.wait_until, now + seconds))


@dataclass(frozen=True, slots=True)
class Breaker:
    """Keeps a dead Okta from being asked by everybody.

        CLOSED ── ``threshold`` failures in a row ──▶ OPEN ── ``rest_seconds`` ──▶ HALF-OPEN: one probe
           ▲                                            ▲                             │
           └────────────── any answer ──────────────────┼──────── failed ─────────────┘

    ``open_until`` is None while closed. A probe that ends without a result (cancelled) makes room for the next one.
    """

    threshold: int = 5
    rest_seconds: float = 5.0
    failures: int = 0
    open_until: float | None = None
    is_probing: bool = False

    def admits(self, now: float) -> bool:
        """Whether a question may be sent."""
        return self.open_until is None or (now >= self.open_until and not self.is_probing)

    def asking(self) -> "Breaker":
        """After a question was admitted: half-open, it is the probe."""
        return replace(self, is_probing=True) if self.open_until is not None else self

    def answered(self) -> "Breaker":
        """After Okta answered, whatever it said."""
        return Breaker(self.threshold, self.rest_seconds)

    def failed(self, now: float) -> "Breaker":
        """After Okta did not answer, or answered that it cannot."""
        failures = self.failures + 1
        if failures < self.threshold:
            return replace(self, failures=failures)
        return replace(self, failures=failures, open_until=now + self.rest_seconds, is_probing=False)

    def abandoned(self) -> "Breaker":
        """After a question ended without a result."""
        return replace(self, is_probing=False)
