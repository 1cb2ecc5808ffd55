"""A response whose head goes out as bytes, exactly as given.

Owns: the framing of a response towards our client. aiohttp's own responses write text: they lose bytes that are not UTF-8, set
Server and Content-Type, and take no empty reason; an answer from outside has to arrive as it was sent. Must never write a
head that ``head_is_clean`` refuses. Rules from: RFC 9112 §6 (body length), RFC 9110 §6.6.1 (Date), §8.6 (Content-Length).
"""

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from gateway.core.messages import Fields
from gateway.proxy.heads import Asked, answer_head, head_is_clean


class RelayedResponse(web.StreamResponse):
    """``fields`` are end-to-end fields in order; framing, Connection, and Date where it is missing are added on writing.

    With a Content-Length the body has that length; without one it is chunked, or ends with the connection on HTTP/1.0.
    Give the whole ``body`` or write it after ``prepare``.
    """

    def __init__(self, status: int, reason: bytes, fields: Fields, *, body: bytes = b"", closes: bool = False) -> None:
        """``reason`` empty: the usual one. ValueError when the head is not clean."""
        super().__init__(status=status)
        self._reason_bytes = reason
        if not head_is_clean(reason, fields):
            raise ValueError("bytes that no head may hold")
        self._fields = fields
        self._whole = body
        self._stays = not closes
        self._carrier: AbstractStreamWriter | None = None
        self._bare = False
        self._ended = False
        self._sent = 0
        self._abandoned = ""

    @classmethod
    def finished(cls, status: int, fields: Fields, sent: int, abandoned: str, *, keeps: bool) -> "RelayedResponse":
        """A response that somebody else has written: ``sent`` bytes of its body, and it was ``abandoned`` or is whole."""
        made = cls(status, b"", fields, closes=not keeps)
        made._sent, made._abandoned, made._ended = sent, abandoned, True
        return made

    @property
    def fields(self) -> Fields:
        """The end-to-end fields that the client gets."""
        return self._fields

    @property
    def prepared(self) -> bool:
        """Whether the head was written."""
        return self._carrier is not None or self._ended

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
        asked = Asked(request.method == "HEAD", request.version >= (1, 1), request.keep_alive)
        text, self._bare, _, self._stays = answer_head(self.status, self._reason_bytes, self._fields, asked, keeps=self._stays)
        return text

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
