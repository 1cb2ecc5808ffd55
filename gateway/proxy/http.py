"""Carrying one HTTP exchange to a server behind the gateway, and its answer back, byte for byte, both ways with backpressure.

Owns the framing towards the server, the deadlines of a stream, and what happens when one side goes away: a server that dies in
the middle breaks the client's connection (never a clean end), a client that goes takes the server's connection with it. Must never
add, drop or change a field by itself (hop-by-hop fields and framing apart), follow a redirect, or repeat what may have been acted on.

The client is aiohttp's; nobody outside this file and ``outbound`` sees that. One limit comes from it: a request with a field value
that is not UTF-8 cannot be sent as it came, and is refused (400). Rules from: RFC 9110 §7.6, RFC 9112 §6 to 9, ATTACKS S13 to S22, D5.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
from aiohttp import ClientResponse, ClientSession, web

from gateway.core.fields import from_outside
from gateway.core.messages import Fields
from gateway.errors import HungUp, Nonsense, OutsideFailed, TimedOut
from gateway.outbound import Deadlines, Destination, Wire, can_be_sent, send_once
from gateway.proxy.relayed import RelayedResponse, head_is_clean
from gateway.proxy.translate import Upload, body_of, is_chunked

Rewrite = Callable[[int, Fields], Fields]

_REPEATABLE = ("GET", "HEAD")
_WORDS = {
    400: b"A field of this request is not UTF-8 and cannot be forwarded.\n",
    408: b"The rest of this request did not arrive.\n",
}


class Exchange:
    """An answer whose head has arrived: look at it, then relay it, read it, or abort. One of the three must happen."""

    def __init__(self, response: ClientResponse, idle_seconds: float) -> None:
        """Nonsense when the head cannot be passed on as it is."""
        self._response = response
        self._idle_seconds = idle_seconds
        self.status = response.status
        self.reason = (response.reason or "").encode("utf-8", "surrogateescape")
        self.fields = _end_to_end(response)
        if not head_is_clean(self.reason, self.fields) or not 200 <= self.status <= 999:
            response.close()
            raise Nonsense("head")

    def abort(self) -> None:
        """Give the answer up; its connection is closed unless the answer was read to its end."""
        self._response.close()

    async def piece(self) -> bytes:
        """The next bytes of the body as they arrive, nothing decompressed or held back; empty at its end.

        Raises ``OutsideFailed`` when it ends too early or stands still.
        """
        try:
            async with asyncio.timeout(self._idle_seconds):
                return await self._response.content.readany()
        except TimeoutError as error:
            raise TimedOut("idle") from error
        except (aiohttp.ClientError, OSError) as error:
            raise HungUp(type(error).__name__) from error

    async def read(self, largest_bytes: int) -> bytes:
        """The whole body; ``Nonsense`` when it is larger than that."""
        body = bytearray()
        try:
            while piece := await self.piece():
                body += piece
                if len(body) > largest_bytes:
                    raise Nonsense("too_large")
        finally:
            self.abort()
        return bytes(body)

    async def relay(self, request: web.BaseRequest, fields: Fields | None = None, *, closes: bool = False) -> RelayedResponse:
        """Stream the answer to the client, with ``fields`` in place of its own; the response that is returned is finished.

        From the first byte on nothing is raised for a server that fails: the client's connection is broken, ``abandoned`` says why.
        """
        relayed = RelayedResponse(self.status, self.reason, self.fields if fields is None else fields, closes=closes)
        try:
            await relayed.prepare(request)
            while piece := await self.piece():
                async with asyncio.timeout(self._idle_seconds):
                    await relayed.write(piece)
            await relayed.write_eof()
        except TimeoutError:
            relayed.abandon(request, "client_stalled")
        except OutsideFailed as error:
            relayed.abandon(request, f"cut_short:{error.reason}")
        except ConnectionError:
            relayed.abandon(request, "client_gone")
        finally:
            self.abort()
        return relayed


@dataclass(frozen=True, slots=True)
class HttpProxy:
    """Carries exchanges to one destination. Opens nothing that it would have to close: ``client`` belongs to whoever built it."""

    client: ClientSession
    destination: Destination
    deadlines: Deadlines

    async def forward(self, request: web.BaseRequest, method: str, target: str, fields: Fields, rewrite: Rewrite) -> web.StreamResponse:
        """Send the client's request with these fields, and stream the answer back with the fields that ``rewrite`` gives it.

        ``fields`` are end-to-end (``core.fields``). Raises ``OutsideFailed`` only while nothing was sent to the client. A request whose
        fields cannot be sent unchanged is answered here (400), and so is one whose body stops coming (408).
        """
        upload = body_of(request)
        framed = _framed(fields, upload is not None and is_chunked(request))
        if not can_be_sent(framed):
            return refusal(400)
        try:
            exchange = await self._send(method, target, framed, upload)
        except OutsideFailed as error:
            if upload is not None and upload.waiting and isinstance(error, TimedOut) and error.stage == "idle":
                return refusal(408)
            raise
        try:
            rewritten = rewrite(exchange.status, exchange.fields)
        except BaseException:
            exchange.abort()
            raise
        return await exchange.relay(request, rewritten)

    async def exchange(self, method: str, target: str, fields: Fields, body: bytes | None = None) -> Exchange:
        """Send once, with this body and the length that it has, and return the answer's head; raises ``OutsideFailed``.

        Nothing is repeated, whatever the method. ValueError when the fields cannot be sent unchanged (``outbound.can_be_sent``).
        """
        own = tuple(pair for pair in fields if pair[0].lower() not in (b"content-length", b"transfer-encoding"))
        if body is not None:
            own = (*own, (b"Content-Length", b"%d" % len(body)))
        return await self._once(method, target, own, body or None, Wire())

    async def _send(self, method: str, target: str, fields: Fields, upload: Upload | None) -> Exchange:
        wire = Wire()
        try:
            return await self._once(method, target, fields, upload, wire)
        except HungUp:
            if upload is not None or method not in _REPEATABLE or not wire.reused:
                raise
        # The server closed a kept connection as we used it; asking a GET again is allowed (RFC 9112 §9.3.1), and once is enough.
        return await self._once(method, target, fields, None, Wire())

    async def _once(self, method: str, target: str, fields: Fields, body: bytes | Upload | None, wire: Wire) -> Exchange:
        head = (method, target, fields)
        response = await send_once(
            self.client, self.destination, head, body, self.deadlines.first_byte, deadlines=self.deadlines, wire=wire
        )
        return Exchange(response, self.deadlines.idle)


def _framed(fields: Fields, chunked: bool) -> Fields:
    unwanted = (b"transfer-encoding", b"content-length") if chunked else (b"transfer-encoding",)
    return tuple(pair for pair in fields if pair[0].lower() not in unwanted)


def _end_to_end(response: ClientResponse) -> Fields:
    received: Fields = tuple(response.raw_headers)
    is_chunked_answer = any(name.lower() == b"transfer-encoding" for name, _ in received)
    unwanted = is_chunked_answer or response.status == 204
    kept = tuple(pair for pair in from_outside(received) if not (unwanted and pair[0].lower() == b"content-length"))
    lengths = [value for name, value in kept if name.lower() == b"content-length"]
    if len(lengths) > 1 or not all(value.isdigit() for value in lengths):
        response.close()
        raise Nonsense("content_length")
    return kept


def refusal(status: int) -> RelayedResponse:
    """An answer of our own, in one sentence, that ends the connection: for a message that cannot be carried (400, 408)."""
    words = _WORDS[status]
    fields = (
        (b"Content-Type", b"text/plain; charset=utf-8"),
        (b"Content-Length", b"%d" % len(words)),
        (b"Cache-Control", b"no-store"),
        (b"X-Content-Type-Options", b"nosniff"),
    )
    return RelayedResponse(status, b"", fields, body=words, closes=True)
