"""The app behind a gateway with several workers. Checks nothing by itself."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class HelloApp:
    """The app behind: says hello, waits until it may, or holds a WebSocket open."""

    began: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Hello to whom it was told; /slow waits for ``release``, /live is a WebSocket that says nothing."""
        if request.path == "/live":
            live = web.WebSocketResponse()
            await live.prepare(request)
            await live.receive()
            return live
        if request.path == "/slow":
            self.began.set()
            await self.release.wait()
        return web.Response(text=f"hello {request.headers.get('Remote-User', '')}")


@asynccontextmanager
async def served(handle: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """Serve an app on this machine; its origin."""
    server = web.Server(handle)
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()
        await server.shutdown(1.0)
