"""What is asked of the redeemer, and what may come of it: values, no behaviour.

Must never hold a session cookie in words of its own.
"""

from dataclasses import dataclass

from gateway.policy.http.messages import Answer, Fields, RequestHead
from gateway.policy.session.session import SessionToken
from gateway.policy.switch.switch import Confirm, Refuse


@dataclass(frozen=True, slots=True)
class Redeeming:
    """One redemption: the request as it will be sent, and what the guard found in it. ``trusted``: see ``policy.switch.start``.

    ``references``: each ``request_uri`` behind which a token may stand. ``is_confirmed``: the browser posted our own form, not this
    request. ``is_program``: no browser sent it. ``browser_id``: the id that the browser presents, or gets with the answer
    (``is_new_browser``). ``started_by``: the origin that an untrusted start names, or empty.
    """

    head: RequestHead
    body: bytes
    tokens: tuple[SessionToken, ...]
    trusted: bool
    references: tuple[str, ...] = ()
    is_confirmed: bool = False
    is_program: bool = False
    browser_id: str = ""
    is_new_browser: bool = False
    started_by: str = ""

    @property
    def all_tokens(self) -> tuple[SessionToken, ...]:
        """The tokens by which a second sending would be noticed: a reference to pushed parameters is as good as one."""
        return (*self.tokens, *map(SessionToken, self.references))


@dataclass(frozen=True, slots=True)
class Sent:
    """Outcome: the token was sent; this is what the browser gets."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Again:
    """Outcome: the browser comes back to the same URL with the cookies it has now (307)."""


@dataclass(frozen=True, slots=True)
class Onward:
    """Outcome: this browser redeemed the token before; it goes on to ``destination`` (303)."""

    destination: str


@dataclass(frozen=True, slots=True)
class UsedElsewhere:
    """Outcome: the token was redeemed by another browser, or ``by_server`` (409)."""

    by_server: bool = False


@dataclass(frozen=True, slots=True)
class NotSwitched:
    """Outcome: the old session's end is not proven; ``fields`` expire it here and carry it in the pending cookie."""

    refusal: Refuse
    fields: Fields


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Outcome: the old session is gone, but Okta did not answer the redemption; ``spent`` is whether it may have acted."""

    reason: str
    spent: bool
    fields: Fields


Outcome = Sent | Again | Onward | UsedElsewhere | NotSwitched | Unanswered | Confirm
