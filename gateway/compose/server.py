"""The HTTP server under a door: what aiohttp is asked to do, and what it is kept from doing.

Owns the limits of the parser, the listening sockets, the answer to bytes that are no request, and the order of stopping. Must never answer
with aiohttp's own error page (it quotes the request), let a handler run on after its client has left, or lose a request that it has begun
to read. Rules from: STYLE "Async" (facts about aiohttp), ATTACKS S1 to S10, S14, D2, D8, D10.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from gateway.config import host_of, port_of
from gateway.core.messages import Malformed
from gateway.errors import BadConfig

Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Refuse = Callable[[web.BaseRequest, Malformed], web.StreamResponse]

LARGEST_LINE_BYTES = 128 * 1024
MOST_FIELDS = 500
BACKLOG = 1024
KEEP_ALIVE_SECONDS = 75.0
LINGERING_SECONDS = 2.0
"""How long the rest of an unread body is taken from a client after our answer, before the connection ends (S14)."""
ENDING_SECONDS = 1.0
"""How long a request may take to notice that the drain time is over."""


class _Connection(web.RequestHandler):
    __slots__ = ("_refuse",)

    def __init__(self, server: "Server", refuse: Refuse, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # None switches it off, which aiohttp's own annotation does not say
            auto_decompress=False,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            lingering_time=LINGERING_SECONDS,
            max_line_size=LARGEST_LINE_BYTES,
            max_field_size=LARGEST_LINE_BYTES,
            max_headers=MOST_FIELDS,
        )
        self._refuse = refuse

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        if request.writer.output_size > 0:
            raise ConnectionAbortedError("the answer broke off") from exc
        if isinstance(exc, LineTooLong):
            return self._refuse(request, Malformed(431, "line_too_long"))
        return self._refuse(request, Malformed(400, "unparsable") if 400 <= status < 500 else Malformed(500, "internal"))

    def retire(self) -> None:
        """End the connection: at once where it is idle (a request sent meanwhile must fail visibly), else behind its answer."""
        if self._request_in_progress or self._messages:
            self.close()
        else:
            self.force_close()


class Server(web.Server):
    """aiohttp's low-level server for one door; ``refuse`` answers what could not be parsed."""

    def __init__(self, handle: Handle, refuse: Refuse) -> None:
        """To be made inside the running event loop."""
        super().__init__(self._counted, handler_cancellation=True)
        self._handle = handle
        self._refuse = refuse
        self._running = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    def __call__(self) -> web.RequestHandler:
        """A handler for a new connection."""
        return _Connection(self, self._refuse, asyncio.get_running_loop())

    async def _counted(self, request: web.BaseRequest) -> web.StreamResponse:
        self._running += 1
        self._quiet.clear()
        try:
            return await self._handle(request)
        finally:
            self._running -= 1
            if not self._running:
                self._quiet.set()

    async def drain(self, seconds: float) -> None:
        """Wait until no request is being answered, at most so long; connections end as they fall idle."""
        for connection in self.connections:
            if isinstance(connection, _Connection):
                connection.retire()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._quiet.wait()


class Listening:
    """A server on its socket."""

    def __init__(self, server: Server, bound: socket.socket) -> None:
        """``bound``: an address that is ours already, so that everything that can fail has failed before anything starts."""
        self._server = server
        self._runner = web.ServerRunner(server, shutdown_timeout=ENDING_SECONDS)
        self._bound = bound
        self._site: web.SockSite | None = None

    async def start(self) -> None:
        """Listen."""
        await self._runner.setup()
        self._site = web.SockSite(self._runner, self._bound, backlog=BACKLOG)
        await self._site.start()

    async def aclose(self, drain_seconds: float) -> None:
        """Stop accepting, let running requests end within the drain time, then end them."""
        if self._site is not None:
            await self._site.stop()
            self._site = None
        await self._server.drain(drain_seconds)
        await self._runner.cleanup()
        self._bound.close()


def bind(address: str, problem: Callable[[str], str]) -> socket.socket:
    """A socket at this address, not listening yet; `BadConfig` with the line that ``problem`` makes where it cannot be had."""
    host, port = host_of(address), port_of(address)
    try:
        if host is None and socket.has_dualstack_ipv6():
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        family = socket.AF_INET6 if host is not None and ":" in host else socket.AF_INET
        return socket.create_server((host or "", port), family=family)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else type(error).__name__
        raise BadConfig((problem(f"cannot listen on {address} ({why}); stop what listens there, or choose another address"),)) from error


def shown_address(bound: socket.socket) -> str:
    """`host:port` of a bound socket, for people and logs."""
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
