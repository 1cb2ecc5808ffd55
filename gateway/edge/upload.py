"""The address of the client, and the size limit of a request body while it is read.

Owns the reading of ``X-Forwarded-For``, which is believed only if it comes from a trusted proxy, and the bound of a body.
Must never ask the client for a body (``100 Continue``) before it is read. Rules from: RFC 9110 §10.1.1.
"""

from collections.abc import AsyncIterator, Sequence
from ipaddress import IPv4Network, IPv6Network

from gateway.edge.body import Body
from gateway.errors import UploadTooLarge
from gateway.policy.http.messages import Fields
from gateway.policy.routing.navigation import client_address

Networks = Sequence[IPv4Network | IPv6Network]


def client_of(peer: str, fields: Fields, trusted_proxies: Networks) -> str:
    """The address of the client. ``X-Forwarded-For`` counts only if ``peer`` is one of ``trusted_proxies``."""
    claimed = [value for name, value in fields if name.lower() == b"x-forwarded-for"] if trusted_proxies else ()
    return client_address(peer, claimed, trusted_proxies)


def peer_of(peername: object) -> str:
    """The address in a socket's ``peername``; ``unknown`` for a Unix socket, which has none."""
    return str(peername[0]) if isinstance(peername, tuple) and peername else "unknown"


class Upload:
    """The body of one request, piece by piece as it arrives. Iterate once. ``waiting``: the next piece has not arrived yet.

    Raises ``UploadTooLarge`` as soon as the body is known to be larger than ``largest_bytes`` (None: no limit); no further byte is given.
    """

    def __init__(self, body: Body, largest_bytes: int | None = None) -> None:
        """Nothing is read, and no ``100 Continue`` is sent, before the iteration begins."""
        self._body = body
        self._left = largest_bytes
        self._take(body.length or 0)
        self._left = largest_bytes
        self.waiting = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        self.waiting = True
        piece = await self._body.piece()
        self.waiting = False
        if not piece:
            raise StopAsyncIteration
        self._take(len(piece))
        return piece

    @property
    def is_broken(self) -> bool:
        """Whether the body broke off or is malformed."""
        return self._body.error is not None

    @property
    def length(self) -> int | None:
        """The length in bytes; None if it is unknown before the end of the body (chunked)."""
        return self._body.length

    def at_hand(self) -> bytes | None:
        """The whole body if it has already arrived, else None. Use it instead of iterating."""
        body = self._body.at_hand()
        if body is not None:
            self._take(len(body))
        return body

    def _take(self, count: int) -> None:
        if self._left is not None:
            self._left -= count
            if self._left < 0:
                raise UploadTooLarge
