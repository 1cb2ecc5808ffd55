"""The id of a request. It is in the log line, on the gateway's own pages, and in ``X-Request-Id``, both to the app and in the response.

A client must never choose the id. Only a listed proxy may have named the request before, and only with a short word that needs no escaping
in a log or a page.
"""

import re
from typing import Final

from gateway.memo import Memo
from gateway.policy.http.messages import Named
from gateway.policy.http.proxy_fields import REQUEST_ID
from gateway.policy.routing.navigation import Network, is_listed

SLOT: Final = "{request-id}"
"""Marks where a page will contain the id. It is replaced when the page is sent."""
_MANY: Final = 4096
_LAST_DIGITS: Final = [f"{number:03x}" for number in range(_MANY)]
_WELL_FORMED: Final = re.compile(rb"[0-9A-Za-z._:-]{1,64}\Z")


class RequestIds:
    """Makes the ids of requests. The ids of two processes differ in their prefix."""

    __slots__ = ("_begin", "_listed", "_number", "_prefix")

    def __init__(self, prefix: str, trusted_proxies: tuple[Network, ...] = ()) -> None:
        """``prefix``: twelve random hex digits. ``trusted_proxies``: the proxies whose ids are accepted."""
        self._listed: Memo[str, bool] | None = Memo(lambda peer: is_listed(peer, trusted_proxies)) if trusted_proxies else None
        self._prefix = prefix
        self._begin = f"{prefix}{0:05x}"
        self._number = 0

    def new(self) -> str:
        """A new, unique id in hex digits: the prefix, then a number of eight digits."""
        self._number += 1
        last = self._number & _MANY - 1
        if not last:
            self._begin = f"{self._prefix}{self._number // _MANY:05x}"
        return self._begin + _LAST_DIGITS[last]

    def of(self, peer: str, named: Named) -> str:
        """The id of a request with these fields from this peer: the one that a listed proxy gave it, or a new one."""
        if self._listed is not None and REQUEST_ID in named and self._listed[peer]:
            claimed = named[REQUEST_ID]
            if isinstance(claimed, bytes) and _WELL_FORMED.match(claimed):
                return claimed.decode("ascii")
        return self.new()


def id_line(request_id: str) -> bytes:
    """The id's field line, followed by the empty line that ends a head. It replaces the empty line at the end of a head."""
    return b"X-Request-Id: " + request_id.encode("ascii") + b"\r\n\r\n"


def with_id(head: bytes, line: bytes) -> bytes:
    """``head``, which ends with an empty line, with ``id_line`` added as its last field; unchanged if ``line`` is empty."""
    return head[:-2] + line if line else head


def id_in(line: bytes) -> bytes:
    """The id in a result of ``id_line``; "none" if the line is empty."""
    return line[len(b"X-Request-Id: ") : -len(b"\r\n\r\n")] if line else b"none"
