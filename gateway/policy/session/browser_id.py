"""The browser id: a random value in a cookie by which the login host recognizes a browser.

This module owns its format. It must never accept two ids in one request, or an id that is not well formed. The id says nothing about the
user of the browser.
"""

import base64
import hashlib
import re
from typing import Final

from gateway.policy.http.cookies import BROWSER_NAME, set_cookie, single
from gateway.policy.http.messages import Fields

ID_BYTES: Final = 16
BROWSER_SECONDS: Final = 400 * 24 * 3600
"""The longest life that browsers give a cookie (RFC 6265bis §5.5)."""
# 22 characters hold 132 bits: the last one has four unused bits, which are zero.
_ID: Final = re.compile(rb"[A-Za-z0-9_-]{21}[AQgw]\Z")


def browser_id_of(fields: Fields) -> str | None:
    """The id in a request's fields; None if there is none, more than one, or one that is not well formed."""
    value = single(fields, BROWSER_NAME)
    return value.decode("ascii") if value is not None and _ID.match(value) else None


def new_browser_id(random: bytes) -> str:
    """An id made of ``ID_BYTES`` random bytes, in base64url without padding. Raises ValueError for another number of bytes."""
    if len(random) != ID_BYTES:
        raise ValueError(f"a browser id has {ID_BYTES} bytes")
    return base64.urlsafe_b64encode(random).rstrip(b"=").decode("ascii")


def browser_key(browser_id: str) -> bytes:
    """The key of a browser's record: a hash of its id, so that the shared state does not hold the value of the cookie."""
    return hashlib.blake2b(browser_id.encode(), digest_size=16, person=b"browser record").digest()


def browser_id_line(browser_id: str) -> tuple[bytes, bytes]:
    """The Set-Cookie line that gives the browser this id."""
    return set_cookie(BROWSER_NAME, browser_id, BROWSER_SECONDS)
