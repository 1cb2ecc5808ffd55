"""The rules of the session cache: how long an answer of Okta is valid, and when Okta must not be asked.

This module owns the lifetimes, the rate-limit budget and the circuit breaker. It must never let an answer stay valid after ``expiresAt``,
or longer than its ttl counted from the moment when the question was sent. It must never extend a ttl of zero.

    asked_at             due_at             fresh_until            grace_until
       ├──── FRESH ────────┼───── DUE ──────────┼────── GRACE ───────────┼── DEAD
       use it              use it, and ask       ask; use it only if      ask
                           in the background     Okta does not answer

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
    """The configured times in seconds (``session.ttl``, ``ttl_max``, ``grace``). ``refresh_ahead``: the last part of the ttl (0 to 1).

    In that last part the gateway asks Okta again in the background.
    """

    ttl: float = 10.0
    ttl_max: float = 60.0
    negative_ttl: float = 2.0
    grace: float = 0.0
    refresh_ahead: float = 0.25


class EntryState(Enum):
    """How an entry may be used now; see the picture in the module's docstring."""

    FRESH = "fresh"
    DUE = "due"
    GRACE = "grace"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Entry:
    """An answer of Okta, and the times at which its state changes, in monotonic seconds.

    ``without_hook``: the same answer with shorter times, used while Okta's event hook does not work; None: no difference. ``for_pass``: the
    question was about a pass, so Okta had named a session for these cookies before. "No session" is used for a pass only if this is set:
    an answer about the same cookies without a pass may be older than the pass, which another process may have made.
    """

    finding: Session | NoSession
    asked_at: float
    due_at: float
    fresh_until: float
    grace_until: float
    without_hook: "Entry | None" = None
    for_pass: bool = False


def lifetime(finding: Finding, lifetimes: Lifetimes, shortage: float, wall: float) -> float:
    """How long a finding is valid, in seconds from the question on. ``shortage`` (0 to 1) raises the ttl of a session up to ``ttl_max``."""
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
    """The entry for an answer. ``asked_at`` (monotonic) and ``wall`` (Unix seconds) are the time at which the question was sent."""
    seconds = lifetime(finding, lifetimes, shortage, wall)
    fresh_until = asked_at + seconds
    if not isinstance(finding, Session):
        return Entry(finding, asked_at, fresh_until, fresh_until, fresh_until)
    ends_at = asked_at + max(0.0, finding.ends_at - wall)
    due_at = fresh_until - seconds * lifetimes.refresh_ahead
    return Entry(finding, asked_at, due_at, fresh_until, max(fresh_until, min(fresh_until + lifetimes.grace, ends_at)))


def state(entry: Entry, now: float) -> EntryState:
    """The state of the entry at ``now``. Exactly at a boundary, the later state holds."""
    if now < entry.due_at:
        return EntryState.FRESH
    if now < entry.fresh_until:
        return EntryState.DUE
    return EntryState.GRACE if now < entry.grace_until else EntryState.DEAD


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The ``X-Rate-Limit-*`` fields of one answer. ``reset`` and ``date`` (Okta's clock) are epoch seconds; None: not given."""

    limit: int
    remaining: int
    reset: float | None = None
    date: float | None = None


def rate_limits(fields: Mapping[str, str]) -> RateLimits | None:
    """The rate limits in an answer's fields; None if there are none. ``fields`` must be a mapping that ignores the case of names."""
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
    """How scarce the org's rate limit is, by Okta's last answers.

    ``shortage``: 0 (plenty) to 1 (nothing left). It is above 0 when less than 20 per cent are left, and 0 again from 30 per cent on.
    Between the two it does not change, so that it does not flap. ``wait_until``: the monotonic second before which Okta is not asked.
    """

    shortage: float = 0.0
    wait_until: float = 0.0

    def after(self, limits: RateLimits | None) -> "Budget":
        """The budget after an answer with these limits. An answer without limits changes nothing."""
        if limits is None or limits.limit <= 0:
            return self
        share = limits.remaining / limits.limit
        if share < LOW_SHARE:
            return replace(self, shortage=1.0 - share / LOW_SHARE)
        return replace(self, shortage=0.0) if share >= PLENTY_SHARE else self

    def after_refusal(self, limits: RateLimits | None, retry_at: float | None, now: float, wall: float) -> "Budget":
        """The budget after a 429: Okta is not asked before its reset. The wait is measured by Okta's clock if the answer has a ``Date``."""
        reset = limits.reset if limits is not None and limits.reset is not None else retry_at
        seconds = UNNAMED_WAIT_SECONDS
        if reset is not None:
            okta_now = limits.date if limits is not None and limits.date is not None else wall
            seconds = min(LONGEST_WAIT_SECONDS, max(SHORTEST_WAIT_SECONDS, reset - okta_now))
        return replace(self, wait_until=max(self.wait_until, now + seconds))


@dataclass(frozen=True, slots=True)
class Breaker:
    """A circuit breaker: it stops questions to Okta while Okta does not answer.

        CLOSED ── ``threshold`` failures in a row ──▶ OPEN ── ``rest_seconds`` ──▶ HALF-OPEN: one probe
           ▲                                            ▲                             │
           └────────────── any answer ──────────────────┼──────── failed ─────────────┘

    ``open_until`` is None while closed. If a probe ends without a result (it was cancelled), the next question becomes the probe.
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
        """The breaker after a question was admitted. If it is half-open, this question is the probe."""
        return replace(self, is_probing=True) if self.open_until is not None else self

    def answered(self) -> "Breaker":
        """The breaker after Okta answered, whatever the answer was."""
        return Breaker(self.threshold, self.rest_seconds)

    def failed(self, now: float) -> "Breaker":
        """The breaker after Okta did not answer, or answered that it cannot."""
        failures = self.failures + 1
        if failures < self.threshold:
            return replace(self, failures=failures)
        return replace(self, failures=failures, open_until=now + self.rest_seconds, is_probing=False)

    def abandoned(self) -> "Breaker":
        """The breaker after a question ended without a result (it was cancelled)."""
        return replace(self, is_probing=False)
