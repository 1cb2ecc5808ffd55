"""The limit on questions to Okta about cookies that may be made up, for all clients together.

A *guess* is a question about cookies that this gateway never saw as a session. Anybody can make up such cookies, and many clients
together could use up Okta's rate limit with them. So the guesses of one rate-limit window may use only a share of what other questions
leave. It must never refuse a guess while Okta's limit is not known.
"""

from dataclasses import dataclass, replace

from gateway.policy.session.cache import RateLimits

WINDOW_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class GuessBudget:
    """The guesses of Okta's current rate-limit window, and what is left of the limit.

    ``share`` (0 to 1): the part that guesses may use of the questions that would be left without guesses. ``spent``: the guesses sent in
    this window. ``remaining``: Okta's last ``X-Rate-Limit-Remaining``; None: not known. ``ends_at``: the monotonic second at which the
    window ends.
    """

    share: float = 0.5
    spent: int = 0
    remaining: int | None = None
    ends_at: float = 0.0

    def at(self, now: float) -> "GuessBudget":
        """The budget at ``now``. If the window is over, a new one begins with nothing spent and an unknown limit."""
        return self if now < self.ends_at else replace(self, spent=0, remaining=None, ends_at=now + WINDOW_SECONDS)

    def wait_seconds(self, now: float) -> float:
        """The seconds that a guess has to wait; 0: it may be sent now."""
        here = self.at(now)
        if here.remaining is None or here.spent < here.share * (here.remaining + here.spent):
            return 0.0
        return here.ends_at - now

    def guessed(self, now: float) -> "GuessBudget":
        """The budget after a guess was sent."""
        here = self.at(now)
        return replace(here, spent=here.spent + 1)

    def was_none(self, now: float) -> "GuessBudget":
        """The budget after a guess turned out to be a real session. Such a guess is not counted."""
        here = self.at(now)
        return replace(here, spent=max(0, here.spent - 1))

    def after(self, limits: RateLimits | None, now: float, wall: float) -> "GuessBudget":
        """The budget after an answer with these limits.

        The window ends at Okta's ``X-Rate-Limit-Reset``. The time until then is measured with the answer's ``Date`` if it has one.
        """
        here = self.at(now)
        if limits is None:
            return here
        if limits.reset is None:
            return replace(here, remaining=limits.remaining)
        left = limits.reset - (limits.date if limits.date is not None else wall)
        return replace(here, remaining=limits.remaining, ends_at=now + min(WINDOW_SECONDS, max(1.0, left)))
