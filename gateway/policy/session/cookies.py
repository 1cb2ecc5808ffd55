"""Which cookies Okta can have issued.

Okta's session cookies are ordinary cookie values (RFC 6265 section 4.1.1). A value that is none was planted by somebody else, and
some of them cannot even be sent to Okta. The gateway does not ask about such a cookie, does not forward it and does not close it. The
browser is told to drop it.
"""

import re
from collections.abc import Iterable
from typing import Final

from gateway.policy.session.session import SessionCookie

_OCTETS: Final = rb"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+"
_COOKIE_VALUE: Final = re.compile(rb'(?:"' + _OCTETS + rb'"|' + _OCTETS + rb")\Z")


def could_be_oktas(value: bytes) -> bool:
    """Whether a raw cookie value is one or more ``cookie-octet`` of RFC 6265, with or without quotes around all of them."""
    return _COOKIE_VALUE.match(value) is not None


def split(cookies: Iterable[SessionCookie]) -> tuple[tuple[SessionCookie, ...], tuple[SessionCookie, ...]]:
    """The cookies that Okta can have issued, then those that it cannot; each in their order."""
    possible: list[SessionCookie] = []
    impossible: list[SessionCookie] = []
    for cookie in cookies:
        (possible if could_be_oktas(cookie.value) else impossible).append(cookie)
    return tuple(possible), tuple(impossible)
