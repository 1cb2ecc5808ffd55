"""Two values of the login door: the browser behind a request, and an answer of Okta's that must not reach it.

Nothing here decides anything.
"""

from dataclasses import dataclass

from gateway.okta import Browser, browser_of
from gateway.policy.http.messages import Fields, RequestHead
from gateway.policy.session.browser_id import browser_key
from gateway.policy.session.session import SessionCookie
from gateway.policy.switch.switch import Refuse

Cookies = tuple[SessionCookie, ...]


@dataclass(frozen=True, slots=True)
class LoginBrowser:
    """One browser's request: its id, its living session cookies, and the sessions in its pending cookie.

    ``presented``: without cookies that were revoked before the request was forwarded. ``carried``: sessions whose end is not proven yet.
    ``fresh``: the ``Set-Cookie`` line for the browser's id, if it is new.
    """

    head: RequestHead
    browser_id: str
    presented: Cookies
    carried: Cookies = ()
    fresh: Fields = ()

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The key of the browser's record, if the browser presented its id; empty if the id is new."""
        return (browser_key(self.browser_id),) if self.browser_id and not self.fresh else ()

    @property
    def browser(self) -> Browser:
        """What the gateway tells Okta about the browser."""
        return browser_of(self.head)


class Withheld(Exception):
    """The answer must not reach the browser. ``refusal`` says why; ``fields`` are the cookie lines that the browser gets instead."""

    def __init__(self, refusal: Refuse, fields: Fields) -> None:
        """``refusal.reason`` is a word for the log and the page."""
        super().__init__(refusal.reason)
        self.refusal = refusal
        self.fields = fields
