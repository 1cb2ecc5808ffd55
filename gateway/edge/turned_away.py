"""The end of a connection for which there is no room: one answer, and the door.

Owns the words and the way to say them: what the client has sent is taken and dropped for a moment, because closing over unread bytes would
reset the connection, and the client would never see why. Must never parse anything, nor keep anybody longer than that moment.
Rules from: RFC 9112 §9.6, RFC 9110 §15.6.4.
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
    """One such connection."""

    def __init__(self, *, silently: bool, gone: Callable[[], None]) -> None:
        """``silently``: not even told, because too many are being told; ``gone`` is called once, when it is closed."""
        self._silently = silently
        self._gone = gone
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say it."""
        made = cast(asyncio.Transport, transport)  # what a stream's protocol is given
        if self._silently:
            made.abort()
            return
        made.write(NO_ROOM)
        if made.can_write_eof():
            made.write_eof()
        self._end = asyncio.get_running_loop().call_later(LINGERING_SECONDS, made.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed."""
        if self._end is not None:
            self._end.cancel()
        self._gone()
