"""An app that says back what it hears on a WebSocket. Started with its port."""

import asyncio
import sys

import uvloop
from aiohttp import web


async def _echo(request: web.BaseRequest) -> web.StreamResponse:
    spoken = web.WebSocketResponse()
    await spoken.prepare(request)
    async for message in spoken:
        await spoken.send_str(message.data)
    return spoken


async def serve(port: int) -> None:
    """Serve until the process ends."""
    await asyncio.get_running_loop().create_server(web.Server(_echo), "127.0.0.1", port, backlog=4096)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
