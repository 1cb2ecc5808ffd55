"""Applications of the demonstration on real sockets, and a browser's client with cookies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import ClientSession, CookieJar, web
from yarl import URL

from gateway.dev.demo import serve


@asynccontextmanager
async def running(app: web.Application) -> AsyncIterator[str]:
    """The origin of the application while it runs on a free port."""
    server = await serve(app, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        await server.aclose()


@asynccontextmanager
async def visitor(*secure: str) -> AsyncIterator[ClientSession]:
    """A client that keeps cookies of 127.0.0.1 as a browser does: `Secure` ones too, for the origins that are named."""
    jar = CookieJar(unsafe=True, treat_as_secure_origin=[URL(origin) for origin in secure])
    async with ClientSession(cookie_jar=jar) as client:
        yield client
