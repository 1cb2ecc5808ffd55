"""Who the other side of a connection is, and the body of a request on its way to a server.

Owns the reading of what a front proxy says about the client (only when that proxy is trusted), and the bound of a body. Must never ask
for a body that nobody forwards. Rules from: RFC 9110 §10.1.1.
"""

from collections.abc import AsyncIterator, Sequence
from ipaddress import IPv4Network, IPv6Network

from gateway.edge.body import Body
from gateway.errors import UploadTooLarge
from gateway.policy.http.messages import Fields
from gateway.policy.routing.navigation import client_address

Networks = Sequence[IPv4Network | IPv6Network]


def client_of(peer: str, fields: Fields, trusted_proxies: Networks) -> str:
    """The believed address of the client."""
    claimed = [value for name, value in fields if name.lower() == b"x-forwarded-for"] if trusted_proxies else ()
    return client_address(peer, claimed, trusted_proxies)


def peer_of(peername: object) -> str:
    """The address of a socket's other end, by its ``peername``; ``unknown`` for one that has none (a Unix socket)."""
    return str(peername[0]) if isinstance(peername, tuple) and peername else "unknown"


class Upload:
    """The body of one request, piece by piece as it arrives; iterate once. ``waiting``: the client is the one that is waited for.

    ``UploadTooLarge`` as soon as it is known to be larger than ``largest_bytes`` (None: no bound), and no byte beyond is handed out.
    """

    def __init__(self, body: Body, largest_bytes: int | None = None) -> None:
        """Nothing is read, and no 100 is sent, before the first piece is asked for."""
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
        """Whether what has arrived stopped being the body that the head announced."""
        return self._body.error is not None

    @property
    def length(self) -> int | None:
        """In bytes; None where nobody knows it before its end."""
        return self._body.length

    def at_hand(self) -> bytes | None:
        """The whole body where it arrived already, so that nobody has to wait for it; else None. Instead of iterating."""
        body = self._body.at_hand()
        if body is not None:
            self._take(len(body))
        return body

    def _take(self, count: int) -> None:
        if self._left is not None:
            self._left -= count
            if self._left < 0:
                raise UploadTooLarge
