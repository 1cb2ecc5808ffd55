"""Requests that the gateway itself sends (for example to Okta), with aiohttp: it opens the client, and sends each request at most once.

Must never keep cookies, because one user's cookie would be sent with another user's request. Must never follow a redirect, decompress, or
send a request a second time: aiohttp silently repeats GET and DELETE when a server closes the connection early. To prevent that, ``_ours``
turns the first failure into an error of the gateway before aiohttp's retry loop sees it.
"""

import asyncio
import ssl
from collections.abc import Iterable
from dataclasses import dataclass

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, ClientSession
from aiohttp.abc import AbstractResolver
from multidict import CIMultiDict
from yarl import URL

from gateway.causes import Cause, cause_of
from gateway.errors import HungUp, Nonsense, TimedOut, Unreachable
from gateway.policy.http.messages import Fields

_AUTOMATIC = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type", "Host")
_LARGEST_LINE_BYTES = 64 * 1024
_MOST_FIELDS = 500


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each kind of wait may take, in seconds. There is no timeout for a whole answer, because a stream may last for hours."""

    connect: float = 5.0
    first_byte: float = 30.0
    idle: float = 60.0


@dataclass(frozen=True, slots=True)
class Destination:
    """The server that requests are sent to: ``base`` (``https://host:port``, no path), the Host field, the TLS server name and context."""

    base: str
    host: str
    server_name: str | None = None
    tls: ssl.SSLContext | None = None


async def _ours(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    try:
        return await handler(request)
    except aiohttp.ServerTimeoutError as error:
        stage = "connect" if isinstance(error, aiohttp.ConnectionTimeoutError) else "idle"
        raise TimedOut(stage).because("timed_out", stage) from error
    except aiohttp.ClientConnectorCertificateError as error:
        raise Unreachable(type(error).__name__).because(*cause_of(error.certificate_error)) from error
    except (aiohttp.ClientConnectorError, aiohttp.ClientSSLError) as error:
        raise Unreachable(type(error).__name__).because(*cause_of(error.os_error)) from error
    except aiohttp.ClientResponseError as error:
        raise Nonsense(type(error).__name__).because("nonsense", type(error).__name__) from error
    except (aiohttp.ClientError, OSError) as error:
        found = cause_of(error) if isinstance(error, OSError) else Cause("closed", "no answer")
        raise HungUp(type(error).__name__).because(*found) from error


def open_client(
    timeouts: Timeouts, connections: int, keep_alive_seconds: float = 4.0, resolver: AbstractResolver | None = None
) -> ClientSession:
    """A client that keeps nothing of any user, with at most ``connections`` connections. Close it with ``await client.close()``.

    ``resolver``: it caches addresses itself, and the client does not close it. None: aiohttp's own resolver.
    """
    return ClientSession(
        connector=aiohttp.TCPConnector(
            limit=connections, keepalive_timeout=keep_alive_seconds, resolver=resolver, use_dns_cache=resolver is None
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        requote_redirect_url=False,
        middlewares=(_ours,),
        timeout=aiohttp.ClientTimeout(
            total=None, connect=None, sock_connect=timeouts.connect, sock_read=max(timeouts.idle, timeouts.first_byte)
        ),
        max_line_size=_LARGEST_LINE_BYTES,
        max_field_size=_LARGEST_LINE_BYTES,
        max_headers=_MOST_FIELDS,
    )


async def send_once(
    client: ClientSession,
    destination: Destination,
    request: tuple[str, str, Fields],
    first_byte_seconds: float,
    body: bytes | None = None,
) -> ClientResponse:
    """Send (method, origin-form target, fields) and a small body once; returns when the head of the answer has arrived.

    Fields are sent in their order. Only framing is added, and ``destination.host`` if they hold no Host. The caller reads the body, and
    releases the response. Raises ``OutsideFailed``, and ValueError for fields that ``can_be_sent`` refuses.
    """
    method, target, fields = request
    try:
        async with asyncio.timeout(first_byte_seconds):
            return await client.request(
                method,
                _address(destination.base, target),
                headers=field_lines(_with_host(fields, destination.host)),
                data=body,
                allow_redirects=False,
                skip_auto_headers=_AUTOMATIC,
                ssl=destination.tls if destination.tls is not None else True,
                server_hostname=destination.server_name,
            )
    except TimeoutError as error:
        raise TimedOut("first_byte").because("timed_out", "first_byte") from error


def _address(base: str, target: str) -> URL:
    """A URL whose request target is exactly ``target``. It is passed as the path, because yarl would lose a trailing ``?`` of a query."""
    origin = URL(base, encoded=True)
    return URL.build(scheme=origin.scheme, host=origin.raw_host or "", port=origin.explicit_port, path=target, encoded=True)


def _with_host(fields: Fields, host: str) -> Fields:
    has_host = any(name.lower() == b"host" for name, _ in fields)
    return fields if has_host else ((b"Host", host.encode("ascii")), *fields)


def can_be_sent(fields: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether aiohttp writes these values unchanged. It encodes text as UTF-8, and silently leaves out what it cannot encode."""
    return all(value.isascii() or _is_utf8(value) for _, value in fields)


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def field_lines(fields: Iterable[tuple[bytes, bytes]]) -> CIMultiDict[str]:
    """Raw field pairs as aiohttp's multi-map; order and repetition are kept. ValueError for fields that ``can_be_sent`` refuses."""
    fields = tuple(fields)
    if not can_be_sent(fields):
        raise ValueError("a field value is not UTF-8")
    lines: CIMultiDict[str] = CIMultiDict()
    spellings: dict[bytes, str] = {}
    for name, value in fields:
        # All lines of a name get one spelling: of `Cookie` and `cookie`, aiohttp's client keeps only the last line.
        lines.add(spellings.setdefault(name.lower(), name.decode("ascii")), value.decode("utf-8"))
    return lines
