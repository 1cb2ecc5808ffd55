"""Two values of the login door: the browser behind a request, and an answer of Okta's that must not reach it.

Nothing here decides anything.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.okta import BrowserFields, browser_fields_of
from gateway.policy.http.messages import Fields, RequestHead
from gateway.policy.session.browser_id import browser_key
from gateway.policy.session.session import Cookies
from gateway.policy.switch.switch import Refuse


@dataclass(frozen=True, slots=True)
class LoginBrowser:
    """One browser's request: its id, its living session cookies, and the sessions in its pending cookie.

    ``living_cookies``: without cookies that were revoked before the request was forwarded. ``carried``: sessions whose end is not proven
    yet. ``fresh``: the ``Set-Cookie`` line for the browser's id, if it is new.
    """

    head: RequestHead
    browser_id: str
    living_cookies: Cookies
    carried: Cookies = ()
    fresh: Fields = ()

    @property
    def record_key(self) -> bytes:
        """The key of the browser's record; empty if the browser has no id."""
        return browser_key(self.browser_id) if self.browser_id else b""

    @property
    def known_key(self) -> bytes:
        """The same for a browser that presented its id; empty for a new id, because it cannot show that the same browser comes again."""
        return b"" if self.fresh else self.record_key

    @property
    def signature(self) -> bytes:
        """What two requests of one client have in common: the browser's key; without one, a hash of address and User-Agent."""
        if self.known_key:
            return self.known_key
        agent = b"\0".join(self.head.values(b"user-agent"))
        return hashlib.blake2b(self.head.client.encode() + b"\0" + agent, digest_size=16, person=b"neighbour").digest()

    @property
    def browser_fields(self) -> BrowserFields:
        """What the gateway tells Okta about the browser."""
        return browser_fields_of(self.head)

    def lease_keys(self, fingerprints: Iterable[bytes]) -> tuple[bytes, ...]:
        """The keys of the browser's lease. ``fingerprints``: of the presented cookies.

        A new id is known to no other request, so a new browser without a session needs no lease.
        """
        if self.fresh and not self.living_cookies:
            return ()
        return (*((self.record_key,) if self.browser_id else ()), *fingerprints)


class Withheld(Exception):
    """The answer must not reach the browser. ``refusal`` says why; ``fields`` are the cookie lines that the browser gets instead."""

    def __init__(self, refusal: Refuse, fields: Fields) -> None:
        """``refusal.reason`` is a word for the log and the page."""
        super().__init__(refusal.reason)
        self.refusal = refusal
        self.fields = fields
