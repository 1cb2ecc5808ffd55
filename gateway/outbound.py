"""Requests that leave this process: one way to open a client, one way to send a request, at most once.

Must never keep cookies (one user's would travel on another's request), follow a redirect, decompress, or send a request a
second time by itself: aiohttp repeats GET and DELETE silently when a server hangs up early, so the first failure is
turned into an error of ours before its retry loop sees it. Rules from: DESIGN section 4 (redeem at most once), ATTACKS O7, P24.
"""

import asyncio
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from dataclasses import dataclass
from types import SimpleNamespace

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, ClientSession, TraceConfig
from multidict import CIMultiDict
from yarl import URL

from gateway.core.messages import Fields
from gateway.errors import HungUp, Nonsense, TimedOut, Unreachable

_AUTOMATIC = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type", "Host")
_LARGEST_LINE_BYTES = 64 * 1024
_MOST_FIELDS = 500


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds. There is no total deadline: a stream may last; each wait on the outside has its own."""

    connect: float = 5.0
    first_byte: float = 30.0
    idle: float = 60.0


@dataclass(frozen=True, slots=True)
class Destination:
    """Where requests go: ``base`` (``https://host:port``, no path), the Host field to send, the TLS server name and context."""

    base: str
    host: str
    server_name: str | None = None
    tls: ssl.SSLContext | None = None


@dataclass(slots=True)
class Wire:
    """What became known of the connection that carried one request: ``reused``, it had carried others before."""

    reused: bool = False


async def _ours(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    try:
        return await handler(request)
    except aiohttp.ServerTimeoutError as error:
        raise TimedOut("connect" if isinstance(error, aiohttp.ConnectionTimeoutError) else "idle") from error
    except (aiohttp.ClientConnectorError, aiohttp.ClientSSLError) as error:
        raise Unreachable(type(error).__name__) from error
    except aiohttp.ClientResponseError as error:
        raise Nonsense(type(error).__name__) from error
    except (aiohttp.ClientError, OSError) as error:
        raise HungUp(type(error).__name__) from error


async def _note_reuse(_client: ClientSession, around: SimpleNamespace, _found: aiohttp.TraceConnectionReuseconnParams) -> None:
    wire = around.trace_request_ctx
    if isinstance(wire, Wire):
        wire.reused = True


def open_client(deadlines: Deadlines, connections: int, keep_alive_seconds: float = 4.0) -> ClientSession:
    """A client that keeps nothing of any user; at most ``connections`` at once. Close it with ``await client.close()``."""
    tracing = TraceConfig()
    tracing.on_connection_reuseconn.append(_note_reuse)
    return ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=keep_alive_seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        requote_redirect_url=False,
        middlewares=(_ours,),
        timeout=_timeout(deadlines.connect, max(deadlines.idle, deadlines.first_byte)),
        max_line_size=_LARGEST_LINE_BYTES,
        max_field_size=_LARGEST_LINE_BYTES,
        max_headers=_MOST_FIELDS,
        trace_configs=[tracing],
    )


def _timeout(connect: float, read: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, connect=None, sock_connect=connect, sock_read=read)


async def send_once(
    client: ClientSession,
    destination: Destination,
    request: tuple[str, str, Fields],
    body: bytes | AsyncIterable[bytes] | None,
    first_byte_seconds: float,
    *,
    deadlines: Deadlines | None = None,
    wire: Wire | None = None,
) -> ClientResponse:
    """Send (method, origin-form target, fields) once and return the answer's head; the body is still to be read.

    Fields go out in their order; nothing is added but framing, and ``destination.host`` where they hold no Host.
    ``first_byte_seconds`` run from the end of the body. Raises ``OutsideFailed``, and ValueError for fields that
    ``can_be_sent`` refuses; the caller releases the response.

    With ``deadlines`` they hold for this request instead of the client's: a body that is streamed may stand still for
    ``idle`` at most, and whoever reads the answer counts its idle time himself, because only he knows who is waiting.
    """
    method, target, fields = request
    timeout = client.timeout if deadlines is None else _timeout(deadlines.connect, None)
    patience = _Patience(first_byte_seconds, deadlines.idle if deadlines is not None else first_byte_seconds)
    try:
        async with patience.limit:
            return await client.request(
                method,
                _address(destination.base, target),
                headers=field_lines(_with_host(fields, destination.host)),
                data=body if body is None or isinstance(body, bytes) else _Watched(body, patience),
                allow_redirects=False,
                skip_auto_headers=_AUTOMATIC,
                ssl=destination.tls if destination.tls is not None else True,
                server_hostname=destination.server_name,
                timeout=timeout,
                trace_request_ctx=wire,
            )
    except TimeoutError as error:
        raise TimedOut(patience.stage) from error
    finally:
        patience.ended = True


class _Patience:
    """How long the head of an answer is waited for: pushed on by every piece of the body, last by the body's end."""

    def __init__(self, first_byte_seconds: float, idle_seconds: float) -> None:
        self.limit = asyncio.timeout(first_byte_seconds)
        self.stage = "first_byte"
        self.ended = False
        self._first_byte_seconds = first_byte_seconds
        self._idle_seconds = idle_seconds

    def push(self, *, is_last: bool) -> None:
        if self.ended:
            return
        self.stage = "first_byte" if is_last else "idle"
        seconds = self._first_byte_seconds if is_last else self._idle_seconds
        self.limit.reschedule(asyncio.get_running_loop().time() + seconds)


class _Watched:
    """A body whose progress keeps the patience up, when a piece arrives and when the server has taken it."""

    def __init__(self, body: AsyncIterable[bytes], patience: _Patience) -> None:
        self._pieces = aiter(body)
        self._patience = patience

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        self._patience.push(is_last=False)
        try:
            piece = await anext(self._pieces)
        except StopAsyncIteration:
            self._patience.push(is_last=True)
            raise
        self._patience.push(is_last=False)
        return piece


def _address(base: str, target: str) -> URL:
    """The URL whose request target is ``target`` to the byte: split into path and query, yarl would lose a trailing ``?``."""
    origin = URL(base, encoded=True)
    return URL.build(scheme=origin.scheme, host=origin.raw_host or "", port=origin.explicit_port, path=target, encoded=True)


def _with_host(fields: Fields, host: str) -> Fields:
    has_host = any(name.lower() == b"host" for name, _ in fields)
    return fields if has_host else ((b"Host", host.encode("ascii")), *fields)


def can_be_sent(fields: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether aiohttp would write these values unchanged: it encodes text as UTF-8 and silently leaves out what it cannot."""
    return all(value.isascii() or _is_utf8(value) for _, value in fields)


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def field_lines(fields: Iterable[tuple[bytes, bytes]]) -> CIMultiDict[str]:
    """Raw field pairs as the multi-map that aiohttp writes; order and repetition are kept. ValueError as ``can_be_sent``."""
    fields = tuple(fields)
    if not can_be_sent(fields):
        raise ValueError("a field value is not UTF-8")
    lines: CIMultiDict[str] = CIMultiDict()
    spellings: dict[bytes, str] = {}
    for name, value in fields:
        # One spelling for each name: of `Cookie` and `cookie` aiohttp's client keeps only the last line.
        lines.add(spellings.setdefault(name.lower(), name.decode("ascii")), value.decode("utf-8"))
    return lines
