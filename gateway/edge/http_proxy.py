"""Sends one request to a server, and streams the answer back, byte for byte, with backpressure in both directions.

This is the variant for code that waits (``await``), for example to inspect an answer before the client gets it.
``gateway/edge/forwarding.py`` does the same without a task, for most requests to apps.

Owns the framing of a request, and what happens when its body stops coming. Must never add, drop or change a field by itself, except
hop-by-hop fields and framing. Must never follow a redirect or send anything twice: a request goes over a second connection only if
provably nothing of it was sent. Rules from: RFC 9110 §7.6, RFC 9112 §6 to 9.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self

from gateway.edge.exchange import Exchange, Incoming
from gateway.edge.open_connections import OpenConnections
from gateway.edge.pins import NOBODY, Asker, OnlyOnce, Pinning
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.spooled import UploadSpool
from gateway.edge.upload import Upload
from gateway.edge.write_batch import WriteBatch
from gateway.errors import HungUp, TimedOut, Unsent, UploadBroken, UploadTooLarge, UploadTooSlow
from gateway.policy.http.answer_rewrites import Rewrite
from gateway.policy.http.connection_auth import signs_in_connection
from gateway.policy.http.messages import Fields
from gateway.upstream.connection import Connection
from gateway.upstream.fetching import TRIES
from gateway.upstream.heads import LAST_CHUNK, chunk, request_head
from gateway.upstream.servers import ConnectionSource

__all__ = ["Exchange", "HttpProxy", "Rewrite", "refusal"]

Judge = Callable[[int, Fields], Awaitable[Fields]]
"""Gets the status and the fields of an answer; returns the fields for the client, or raises to keep the answer from the client."""

SMALL_BODY_BYTES = 64 * 1024
"""A body up to this length is read whole before a connection is taken. A client that never ends its body then occupies no connection."""
_WORDS = {
    400: b"The body of this request is not what its head announced.\n",
    408: b"The rest of this request did not arrive.\n",
}


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """A request to be sent. ``fields`` are end-to-end, with Host and framing."""

    method: str
    target: str
    fields: Fields

    def head(self) -> bytes:
        """The head of the request as bytes."""
        return request_head(self.method, self.target, self.fields)


@dataclass(frozen=True, slots=True)
class HttpProxy:
    """Sends requests to the servers of one ``source``. It does not close the source; the caller that made the source does.

    ``host``: the Host field for requests without one. ``largest_body``: in bytes, None for no limit. ``open_connections``: the registry of
    open connections by session. ``small_body``: a body up to this many bytes is read before it is sent. ``uploads``: where bodies of
    unknown length are stored until they are whole; None: they are sent in chunks, as they arrive. ``batch``: the write batch for whole
    requests and small answers; None: they are written at once.
    """

    source: ConnectionSource
    host: bytes = b""
    largest_body: int | None = None
    open_connections: OpenConnections = field(default_factory=OpenConnections)
    small_body: int = SMALL_BODY_BYTES
    batch: WriteBatch | None = None
    uploads: UploadSpool | None = None

    async def forward(
        self,
        request: Request,
        method: str,
        target: str,
        fields: Fields,
        rewrite: Rewrite,
        asker: Asker = NOBODY,
        judge: Judge | None = None,
    ) -> Response:
        """Send the client's request with these fields, and stream the answer back with the fields that ``rewrite`` returns.

        ``fields`` are end-to-end (``policy.http.fields``). ``judge`` may wait, and may raise: then the client gets nothing of the answer.
        A body that stops coming is answered here with 408, a malformed one with 400. Raises ``OutsideFailed``, but only before the first
        byte to the client; ``UploadTooLarge`` as soon as the body is known to be too large: then the request was not completed.
        """
        upload = Upload(request.body, self.largest_body) if request.body is not None else None
        if upload is not None and upload.is_broken:
            return refusal(400)
        chunked = upload is not None and upload.length is None
        question = UpstreamRequest(method, target, _framed(self._with_host(fields), chunked))
        taking = Pinning.of(self.source, asker, self.open_connections, request.client, fields)
        async with _UploadTask() as upload_task:
            try:
                body = await self._small_body(upload, chunked)
                exchange = await self._ask(question, (upload, body, chunked), upload_task, taking)
            except UploadTooLarge:
                raise
            except UploadTooSlow:
                return refusal(408)
            except UploadBroken:
                return refusal(400)
            except TimedOut as error:
                if upload is not None and upload.waiting and error.stage == "idle":
                    return refusal(408)
                raise
            try:
                rewritten = rewrite(exchange.status, exchange.fields)
                if judge is not None:
                    rewritten = await judge(exchange.status, rewritten)
            except BaseException:
                exchange.abort()
                raise
            return await exchange.relay(request, rewritten)

    async def exchange(
        self, method: str, target: str, fields: Fields, body: bytes | None = None, asker: Asker = NOBODY, *, is_new: bool = False
    ) -> Exchange:
        """Send a request of the gateway itself, once, and wait for the head of its answer. Raises ``OutsideFailed``.

        ``body`` is sent with its length. ``is_new``: use a connection that was not used before.
        """
        own = tuple(pair for pair in self._with_host(fields) if pair[0].lower() not in (b"content-length", b"transfer-encoding"))
        if body is not None:
            own = (*own, (b"Content-Length", b"%d" % len(body)))
        question = UpstreamRequest(method, target, own)
        binds = signs_in_connection(own)

        def begin(connection: Connection) -> Incoming:
            if binds:
                connection.pin = OnlyOnce()
            return _begun(connection, question, question.head() + (body or b""), is_whole=True)

        return await _answered(await Pinning(self.source, asker, self.open_connections, None).begun(begin, is_new=is_new), self.batch)

    async def _small_body(self, upload: Upload | None, chunked: bool) -> bytes | None:
        """The whole body if it has arrived, or is small; else None. Waits for a small one; ``TimedOut`` if it does not come in time."""
        if upload is None:
            return None
        body = upload.at_hand()
        if body is not None or chunked or (upload.length or 0) > self.small_body:
            return body
        try:
            async with asyncio.timeout(self.source.timeouts.idle):
                return b"".join([piece async for piece in upload])
        except TimeoutError as error:
            raise TimedOut("idle") from error
        except ConnectionError as error:  # its client left
            raise UploadBroken from error

    async def _ask(
        self, question: UpstreamRequest, sent: tuple[Upload | None, bytes | None, bool], upload_task: "_UploadTask", taking: Pinning
    ) -> Exchange:
        upload, body, chunked = sent
        is_whole = upload is None or body is not None
        text = question.head()
        if body is not None:
            text += (chunk(body) if body else b"") + LAST_CHUNK if chunked else body
        if is_whole:
            return await self._ask_whole(question, text, taking)
        incoming = await taking.begun(lambda connection: _begun(connection, question, text, is_whole=False))
        if upload is not None:
            upload_task.begin(upload, incoming.connection, chunked)
        return await _answered(incoming, self.batch)

    async def _ask_whole(self, question: UpstreamRequest, text: bytes, taking: Pinning) -> Exchange:
        """Send a request whose body is whole. If the connection closes before anything was written, it is sent over another one."""
        for left in reversed(range(TRIES)):
            incoming = await taking.begun(lambda connection: _begun(connection, question, text, is_whole=True, batch=self.batch))
            try:
                return await _answered(incoming, self.batch)
            except Unsent:
                if not left:
                    raise
        raise AssertionError("a loop of at least one try")

    def _with_host(self, fields: Fields) -> Fields:
        has_host = not self.host or any(name.lower() == b"host" for name, _ in fields)
        return fields if has_host else ((b"Host", self.host), *fields)


def _begun(connection: Connection, question: UpstreamRequest, text: bytes, *, is_whole: bool, batch: WriteBatch | None = None) -> Incoming:
    """Send ``text``: the head, and the body if it is whole."""
    incoming = Incoming(connection)
    connection.begin(text, incoming, bare=question.method == "HEAD", is_whole=is_whole, is_held_back=batch is not None)
    if batch is not None:
        batch.request(connection)
    return incoming


async def _answered(incoming: Incoming, batch: WriteBatch | None) -> Exchange:
    exchange = Exchange(incoming, batch)
    try:
        await exchange.head()
    except BaseException:
        incoming.connection.abort()
        raise
    return exchange


class _UploadTask:
    """The task that sends a body while its answer may already arrive. It is cancelled at the end of the ``async with`` block."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})

    def begin(self, upload: Upload, connection: Connection, chunked: bool) -> None:
        self._task = asyncio.create_task(_send(upload, connection, chunked), name="upload")


async def _send(upload: Upload, connection: Connection, chunked: bool) -> None:
    """Send the body as it arrives. If it breaks off, the request is given up."""
    try:
        async for piece in upload:
            connection.write(chunk(piece) if chunked else piece)
            await connection.drained()
    except UploadBroken as error:
        connection.give_up(error)
    except ConnectionError:  # its client left
        connection.give_up(UploadBroken())
    except HungUp:
        return  # the reader of the answer gets this error too
    else:
        if chunked:
            connection.write(LAST_CHUNK)
        connection.finish()


def _framed(fields: Fields, chunked: bool) -> Fields:
    kept = tuple(pair for pair in fields if pair[0].lower() not in (b"transfer-encoding", b"content-length" if chunked else b""))
    return (*kept, (b"Transfer-Encoding", b"chunked")) if chunked else kept


def refusal(status: int) -> Response:
    """The gateway's own answer (400 or 408) to a request whose body is malformed or too slow; it closes the client's connection."""
    words = _WORDS[status]
    fields = (
        (b"Content-Type", b"text/plain; charset=utf-8"),
        (b"Content-Length", b"%d" % len(words)),
        (b"Cache-Control", b"no-store"),
        (b"X-Content-Type-Options", b"nosniff"),
    )
    return Response(status, b"", fields, body=words, closes=True)
