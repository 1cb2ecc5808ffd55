"""The id of a request: one word on the line of the log, on our own page, and in ``X-Request-Id`` to the app and in the answer.

Owns its form, and whose word is taken for it. Must never believe a client: only a listed proxy may have named the request before us, and
only by a short word that no log and no page has to escape.
"""

import re
from typing import Final

from gateway.policy.http.messages import Named
from gateway.policy.http.proxy_fields import REQUEST_ID
from gateway.policy.learned import Learned
from gateway.policy.routing.navigation import Network, is_listed

SLOT: Final = "{request-id}"
"""What a page of ours holds in place of the id, until it is written."""
_MANY: Final = 4096
_LAST_DIGITS: Final = [f"{number:03x}" for number in range(_MANY)]
_WELL_FORMED: Final = re.compile(rb"[0-9A-Za-z._:-]{1,64}\Z")


class RequestIds:
    """Names requests. Ids of two processes differ in their prefix."""

    __slots__ = ("_begin", "_listed", "_number", "_prefix")

    def __init__(self, prefix: str, trusted_proxies: tuple[Network, ...] = ()) -> None:
        """``prefix``: twelve random hex digits; ``trusted_proxies``: who may have named a request before us."""
        self._listed: Learned[str, bool] | None = Learned(lambda peer: is_listed(peer, trusted_proxies)) if trusted_proxies else None
        self._prefix = prefix
        self._begin = f"{prefix}{0:05x}"
        self._number = 0

    def new(self) -> str:
        """An id that no other request has: hex digits, the prefix and eight of a number."""
        self._number += 1
        last = self._number & _MANY - 1
        if not last:
            self._begin = f"{self._prefix}{self._number // _MANY:05x}"
        return self._begin + _LAST_DIGITS[last]

    def of(self, peer: str, named: Named) -> str:
        """The id of a request with these fields that came from ``peer``."""
        if self._listed is not None and REQUEST_ID in named and self._listed[peer]:
            claimed = named[REQUEST_ID]
            if isinstance(claimed, bytes) and _WELL_FORMED.match(claimed):
                return claimed.decode("ascii")
        return self.new()


def id_line(request_id: str) -> bytes:
    """The field, and the empty line that ends a head: it takes the place of the empty line of any other head."""
    return b"X-Request-Id: " + request_id.encode("ascii") + b"\r\n\r\n"


def with_id(head: bytes, line: bytes) -> bytes:
    """The head of a message, which ends with an empty line, with ``id_line`` as its last field; unchanged where that is empty."""
    return head[:-2] + line if line else head


def id_in(line: bytes) -> bytes:
    """The id that ``id_line`` made the line of; "none" where there is no line."""
    return line[len(b"X-Request-Id: ") : -len(b"\r\n\r\n")] if line else b"none"
