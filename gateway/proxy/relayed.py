"""A response whose head goes out as bytes, exactly as given.

Owns: the framing of a response towards our client. aiohttp's own responses write text: they lose bytes that are not UTF-8, set
Server and Content-Type, and take no empty reason; an answer from outside has to arrive as it was sent. Must never write a
head that ``head_is_clean`` refuses. Rules from: RFC 9112 §6 (body length), RFC 9110 §6.6.1 (Date), §8.6 (Content-Length).
"""

import re
import socket
import struct
from email.utils import formatdate
from http import HTTPStatus

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter

from gateway.core.messages import Fields

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_FORBIDDEN = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_NO_BODY = (204, 304)
_RESET = struct.pack("ii", 1, 0)  # linger for zero seconds: reset
_REASONS = {status.value: status.phrase.encode("ascii") for status in HTTPStatus}


def head_is_clean(reason: bytes, fields: Fields) -> bool:
    """Whether these bytes can be written as a head without becoming another message."""
    return not _FORBIDDEN.search(reason) and all(_TOKEN.match(name) and not _FORBIDDEN.search(value) for name, value in fields)


class RelayedResponse(web.StreamResponse):
    """``fields`` are end-to-end fields in order; framing, Connection, and Date where it is missing are added on writing.

    With a Content-Length the body has that length; without one it is chunked, or ends with the connection on HTTP/1.0.
    Give the whole ``body`` or write it after ``prepare``.
    """

    def __init__(self, status: int, reason: bytes, fields: Fields, *, body: bytes = b"", closes: bool = False) -> None:
        """``reason`` empty: the usual one. ValueError when the head is not clean."""
        super().__init__(status=status)
        self._reason_bytes = reason or _REASONS.get(status, b"")
        if not head_is_clean(self._reason_bytes, fields):
            raise ValueError("bytes that no head may hold")
        self._fields = fields
        self._whole = body
        self._stays = not closes
        self._carrier: AbstractStreamWriter | None = None
        self._bare = False
        self._ended = False
        self._sent = 0
        self._abandoned = ""

    @property
    def fields(self) -> Fields:
        """The end-to-end fields that the client gets."""
        return self._fields

    @property
    def prepared(self) -> bool:
        """Whether the head was written."""
        return self._carrier is not None

    @property
    def keep_alive(self) -> bool | None:
        """Whether the connection may serve another request afterwards."""
        return self._stays

    @property
    def body_length(self) -> int:
        """Bytes of the body that were written."""
        return self._sent

    @property
    def abandoned(self) -> str:
        """Why the response was ended before it was whole; empty where it was not. The client can tell: its connection broke."""
        return self._abandoned

    def force_close(self) -> None:
        """End the connection after this response."""
        self._stays = False

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write the head, once; a whole body of known length goes with it."""
        if self._carrier is None and not self._ended:
            self._carrier = request.writer
            head = self._head(request)
            length = self._length()
            if self._whole and length is not None and not self._bare:
                self._sent = len(self._whole)
                head, self._whole = head + self._whole, b""
            await request.writer.write(head)
            if not self._bare and length is not None:
                request.writer.length = length - self._sent
            elif not self._bare and request.version >= (1, 1):
                request.writer.enable_chunking()
        return self._carrier

    def _length(self) -> int | None:
        values = [value for name, value in self._fields if name.lower() == b"content-length"]
        return int(values[0]) if values else None

    def _head(self, request: web.BaseRequest) -> bytes:
        fields = list(self._fields)
        names = {name.lower() for name, _ in fields}
        modern = request.version >= (1, 1)
        self._bare = request.method == hdrs.METH_HEAD or self.status in _NO_BODY or self.status < 200
        self._stays = self._stays and request.keep_alive
        if self.status >= 200:
            if b"date" not in names:
                fields.append((b"Date", formatdate(usegmt=True).encode("ascii")))
            if not self._bare and b"content-length" not in names:
                if modern:
                    fields.append((b"Transfer-Encoding", b"chunked"))
                else:
                    self._stays = False
            if self._stays != modern:
                fields.append((b"Connection", b"keep-alive" if self._stays else b"close"))
        lines = b"".join(b"%b: %b\r\n" % field for field in fields)
        return b"HTTP/1.1 %d %b\r\n%b\r\n" % (self.status, self._reason_bytes, lines)

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write a piece of the body, waiting while the client is slower than we are."""
        if self._carrier is None or self._ended:
            raise RuntimeError("a body is written between prepare and write_eof")
        if not self._bare and data:
            self._sent += len(data)
            await self._carrier.write(data)

    async def write_eof(self, data: bytes = b"") -> None:
        """End the body; nothing happens where it was ended or given up before."""
        if self._ended or self._carrier is None:
            return
        body = data or self._whole
        if not self._bare:
            self._sent += len(body)
            if body:
                await self._carrier.write(body)
            await self._carrier.write_eof()
        await self._carrier.drain()
        self._ended = True

    def abandon(self, request: web.BaseRequest, reason: str) -> None:
        """Break the connection, so that the client cannot take what it has for the whole (S16); ``reason``: a word for the log."""
        self._ended = True
        self._stays = False
        self._abandoned = reason
        transport = request.transport
        if transport is not None:
            connection = transport.get_extra_info("socket")
            if connection is not None:
                # Without it the last packet is an orderly FIN, and a body that ends with the connection would look whole.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            transport.abort()
