"""How many questions about made-up cookies Okta is asked, by all clients together.

A *guess* is a question about cookies that this gateway never saw as a session. Anybody can make up such cookies, and many clients
together could use up Okta's rate limit with them. So all guesses of a window may use at most a part of what the others leave.
Must never refuse a guess while Okta has not told its limit.
"""

from dataclasses import dataclass, replace

from gateway.policy.session.cache import RateLimits

WINDOW_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class GuessBudget:
    """The guesses of Okta's current window, and what Okta last said is left of it.

    ``share`` (0 to 1): of the questions that would be left without any guess, guesses may use so much. ``spent``: guesses sent in this
    window; ``remaining``: Okta's last ``X-Rate-Limit-Remaining``, None where it is not known; ``ends_at``: the monotonic second at
    which the window ends.
    """

    share: float = 0.5
    spent: int = 0
    remaining: int | None = None
    ends_at: float = 0.0

    def at(self, now: float) -> "GuessBudget":
        """The budget at ``now``: a new window begins with nothing spent and nothing known."""
        return self if now < self.ends_at else replace(self, spent=0, remaining=None, ends_at=now + WINDOW_SECONDS)

    def wait_seconds(self, now: float) -> float:
        """How long a guess has to wait; 0 where it may be sent now."""
        here = self.at(now)
        if here.remaining is None or here.spent < here.share * (here.remaining + here.spent):
            return 0.0
        return here.ends_at - now

    def guessed(self, now: float) -> "GuessBudget":
        """After a guess was let through."""
        here = self.at(now)
        return replace(here, spent=here.spent + 1)

    def was_none(self, now: float) -> "GuessBudget":
        """After a guess turned out to be a real session: it is not counted."""
        here = self.at(now)
        return replace(here, spent=max(0, here.spent - 1))

    def after(self, limits: RateLimits | None, now: float, wall: float) -> "GuessBudget":
        """The budget after an answer with these limits; the window ends at Okta's reset, measured on Okta's own clock where it is told."""
        here = self.at(now)
        if limits is None:
            return here
        if limits.reset is None:
            return replace(here, remaining=limits.remaining)
        left = limits.reset - (limits.date if limits.date is not None else wall)
        return replace(here, remaining=limits.remaining, ends_at=now + min(WINDOW_SECONDS, max(1.0, left)))
