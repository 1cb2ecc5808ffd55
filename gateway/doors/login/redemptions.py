"""The input and the outcomes of a redemption, as values without behaviour.

Must never put a session cookie into a text of its own.
"""

from dataclasses import dataclass

from gateway.doors.login.login_browser import LoginBrowser
from gateway.policy.http.messages import Answer, Fields, RequestHead
from gateway.policy.session.session import Cookies, SessionToken
from gateway.policy.switch.switch import Confirm, Refuse


@dataclass(frozen=True, slots=True)
class RedemptionRequest:
    """One redemption: the browser with the request as it will be sent, and the tokens in it. ``trusted``: see ``policy.switch.start``.

    ``references``: each ``request_uri`` that may stand for a token. ``is_confirmed``: the browser posted our confirmation form, not this
    request. ``is_program``: the client is no browser. ``started_by``: the origin that an untrusted start names, or empty.
    """

    sender: LoginBrowser
    body: bytes
    tokens: tuple[SessionToken, ...]
    trusted: bool
    references: tuple[str, ...] = ()
    is_confirmed: bool = False
    is_program: bool = False
    started_by: str = ""

    @property
    def head(self) -> RequestHead:
        """The request as it will be sent."""
        return self.sender.head

    @property
    def all_tokens(self) -> tuple[SessionToken, ...]:
        """All values that may be sent only once: the tokens, and the references to pushed parameters, which may stand for a token."""
        return (*self.tokens, *map(SessionToken, self.references))


@dataclass(frozen=True, slots=True)
class Sent:
    """Outcome: the token was sent; this is what the browser gets."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Again:
    """Outcome: the browser is sent to the same URL again (307, or 303 after our form), to come with the cookies that it has now."""


@dataclass(frozen=True, slots=True)
class Onward:
    """Outcome: this browser redeemed the token before; it is sent on to ``destination`` (303)."""

    destination: str


@dataclass(frozen=True, slots=True)
class UsedElsewhere:
    """Outcome: the token was redeemed before, by another browser or by a server (``by_server``) (409)."""

    by_server: bool = False


@dataclass(frozen=True, slots=True)
class NotSwitched:
    """Outcome: the older session's end is not proven, so the token was not sent. ``older``: the cookies of that session."""

    refusal: Refuse
    older: Cookies


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Outcome: the older session is gone, but Okta did not answer the redemption. ``spent``: whether Okta may have taken the token."""

    reason: str
    spent: bool
    fields: Fields


RedemptionOutcome = Sent | Again | Onward | UsedElsewhere | NotSwitched | Unanswered | Confirm
