"""From aiohttp's request to our own values: the head as received, and the body as it arrives.

Owns the reading of what a front proxy says about the client (only when that proxy is trusted), and the moment at which a
client is told to go on with its body. Must never read a body that nobody forwards: the answer to ``Expect`` is given when
forwarding starts. Rules from: RFC 9110 §10.1.1, ATTACKS S14, F3, F5.
"""

from collections.abc import AsyncIterator, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Protocol

from aiohttp import web

from gateway.core.messages import Fields, Received
from gateway.core.navigation import client_address
from gateway.errors import UploadTooLarge

Networks = Sequence[IPv4Network | IPv6Network]


class Head(Protocol):
    """What aiohttp's parser hands over. It declares a tuple of names for it, which the parser's own class is none of."""

    @property
    def method(self) -> str:
        """As sent."""

    @property
    def path(self) -> str:
        """The target, as sent."""

    @property
    def version(self) -> tuple[int, int]:
        """Of HTTP."""

    @property
    def raw_headers(self) -> Fields:
        """As sent."""

    @property
    def should_close(self) -> bool:
        """Whether the client wants nothing behind it."""

    @property
    def upgrade(self) -> bool:
        """Whether it asks for another protocol."""


def request_head(request: web.BaseRequest, trusted_proxies: Networks, secure: bool) -> Received:
    """What the parser handed over. ``secure``: whether clients come by https where no trusted proxy says otherwise."""
    peer = _peer(request)
    trusted = _is_trusted(peer, trusted_proxies)
    scheme = _values(request, b"x-forwarded-proto") if trusted else []
    return Received(
        method=request.method,
        target=request.raw_path,
        version=(request.version.major, request.version.minor),
        fields=tuple(request.raw_headers),
        secure=secure if scheme not in ([b"https"], [b"http"]) else scheme == [b"https"],
        peer=peer,
        client=client_of(peer, request.raw_headers, trusted_proxies),
    )


def client_of(peer: str, fields: Fields, trusted_proxies: Networks) -> str:
    """The believed address of the client."""
    claimed = [value for name, value in fields if name.lower() == b"x-forwarded-for"] if trusted_proxies else ()
    return client_address(peer, claimed, trusted_proxies)


def peer_of(peername: object) -> str:
    """The address of a socket's other end, by its ``peername``; ``unknown`` for one that has none (a Unix socket)."""
    return str(peername[0]) if isinstance(peername, tuple) and peername else "unknown"


def _peer(request: web.BaseRequest) -> str:
    return peer_of(request.transport.get_extra_info("peername") if request.transport is not None else None)


def _is_trusted(peer: str, trusted_proxies: Networks) -> bool:
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    return any(address in network for network in trusted_proxies)


def _values(request: web.BaseRequest, name: bytes) -> list[bytes]:
    return [value for key, value in request.raw_headers if key.lower() == name]


class Upload:
    """The body of one request, piece by piece as it arrives; iterate once. ``waiting``: the client is the one that is waited for.

    ``UploadTooLarge`` as soon as it is known to be larger than ``largest_bytes`` (None: no bound), and no byte beyond is handed out.
    A body that stops being chunks stands still: aiohttp's server tells its handler nothing, so the idle deadline ends it.
    """

    def __init__(self, request: web.BaseRequest, largest_bytes: int | None = None) -> None:
        """Nothing is read, and no 100 is sent, before the first piece is asked for."""
        self._request = request
        self._left = largest_bytes
        self._take(request.content_length or 0)
        self._left = largest_bytes
        self._expected = any(value.lower() == b"100-continue" for value in _values(request, b"expect"))
        self.waiting = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        self.waiting = True
        await self._say_continue()
        piece = await self._request.content.readany()
        self.waiting = False
        if not piece:
            raise StopAsyncIteration
        self._take(len(piece))
        return piece

    @property
    def is_broken(self) -> bool:
        """Whether what has arrived stopped being the body that the head announced."""
        return isinstance(self._request.content.exception(), web.RequestPayloadError)

    def at_hand(self) -> bytes | None:
        """The whole body where it arrived already, so that nobody has to wait for it; else None. Instead of iterating."""
        content = self._request.content
        if not content.is_eof() or content.exception() is not None:
            return None
        body = content.read_nowait()
        self._take(len(body))
        return body

    def _take(self, count: int) -> None:
        if self._left is not None:
            self._left -= count
            if self._left < 0:
                raise UploadTooLarge

    async def _say_continue(self) -> None:
        if self._expected and self._request.version >= (1, 1):
            writer = self._request.writer
            await writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            writer.output_size = 0  # the final response has not begun
        self._expected = False


def body_of(request: web.BaseRequest, largest_bytes: int | None = None) -> Upload | None:
    """The request's body, or None where the message has none (no Content-Length above zero, not chunked)."""
    return Upload(request, largest_bytes) if request.body_exists else None


def is_chunked(request: web.BaseRequest) -> bool:
    """Whether the body of the request comes in chunks, of a length nobody knows beforehand."""
    return bool(_values(request, b"transfer-encoding"))
