"""A proxy as one writes it with aiohttp in an afternoon: no session check, no hygiene, no log. Started with its port and the app's."""

import asyncio
import sys

import uvloop
from aiohttp import ClientSession, DummyCookieJar, web
from multidict import CIMultiDict

HOP_BY_HOP = ("Connection", "Keep-Alive", "Transfer-Encoding", "TE", "Trailer", "Upgrade", "Proxy-Connection")


def _end_to_end(fields: "CIMultiDict[str]") -> "CIMultiDict[str]":
    for name in HOP_BY_HOP:
        fields.popall(name, None)
    return fields


async def proxy(port: int, upstream: int) -> None:
    """Serve until the process ends."""
    async with ClientSession(auto_decompress=False, cookie_jar=DummyCookieJar()) as client:

        async def handle(request: web.Request) -> web.StreamResponse:
            fields, body = _end_to_end(CIMultiDict(request.headers)), request.content if request.can_read_body else None
            url = f"http://127.0.0.1:{upstream}{request.path_qs}"
            async with client.request(request.method, url, headers=fields, data=body, allow_redirects=False) as answer:
                reply = web.StreamResponse(status=answer.status, headers=_end_to_end(CIMultiDict(answer.headers)))
                await reply.prepare(request)
                async for piece in answer.content.iter_any():
                    await reply.write(piece)
                await reply.write_eof()
                return reply

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(proxy(int(sys.argv[1]), int(sys.argv[2])))
