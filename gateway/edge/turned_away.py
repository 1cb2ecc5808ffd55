"""Answers a connection for which there is no room: 503, then the end.

Owns the bytes of that answer, and the time before the close. For ``LINGERING_SECONDS`` the bytes of the client are read and dropped: if
the gateway closed the connection while they are unread, TCP would reset it, and the client would never see the answer.
Must never parse anything, or keep the connection longer than that. Rules from: RFC 9112 §9.6, RFC 9110 §15.6.4.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from gateway.edge.connection import LINGERING_SECONDS

_BODY = b'{"error": "too_many_connections"}'
NO_ROOM = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: %d\r\nRetry-After: 1\r\n"
    b"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n%b" % (len(_BODY), _BODY)
)


class TurnedAway(asyncio.Protocol):
    """One refused connection."""

    def __init__(self, has_come: Callable[[], bool], gone: Callable[[], None]) -> None:
        """``has_come`` is called once, when it is connected; False: close it without an answer. ``gone`` is called once, when it is closed.

        A client that never ends its TLS handshake is never connected here: then neither is called.
        """
        self._has_come = has_come
        self._gone = gone
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Write the 503, and close the connection soon."""
        made = cast(asyncio.Transport, transport)  # what a stream's protocol is given
        if not self._has_come():
            made.abort()
            return
        made.write(NO_ROOM)
        if made.can_write_eof():
            made.write_eof()
        self._end = asyncio.get_running_loop().call_later(LINGERING_SECONDS, made.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed."""
        if self._end is not None:
            self._end.cancel()
        self._gone()
