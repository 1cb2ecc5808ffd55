"""The check whether Okta can have issued a session cookie.

Okta's session cookies have well-formed values (RFC 6265 section 4.1.1). A cookie with another value was set by somebody else, and some
such values cannot even be sent to Okta. The gateway does not ask Okta about such a cookie, does not forward it and does not close it. It
expires the cookie in the browser.
"""

import re
from collections.abc import Iterable
from typing import Final

from gateway.policy.session.session import SessionCookie

_OCTETS: Final = rb"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+"
_COOKIE_VALUE: Final = re.compile(rb'(?:"' + _OCTETS + rb'"|' + _OCTETS + rb")\Z")


def could_be_oktas(value: bytes) -> bool:
    """Whether a raw cookie value consists of ``cookie-octet`` of RFC 6265, at least one, with or without quotes around them."""
    return _COOKIE_VALUE.match(value) is not None


def split(cookies: Iterable[SessionCookie]) -> tuple[tuple[SessionCookie, ...], tuple[SessionCookie, ...]]:
    """Two tuples: the cookies that Okta can have issued, and those that it cannot. The order is kept."""
    possible: list[SessionCookie] = []
    impossible: list[SessionCookie] = []
    for cookie in cookies:
        (possible if could_be_oktas(cookie.value) else impossible).append(cookie)
    return tuple(possible), tuple(impossible)
