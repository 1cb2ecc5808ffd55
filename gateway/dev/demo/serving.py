"""Starts one application of the demonstration on a socket, the way a small server in production would.

Owns: the runner and its end. Never logs a request: the addresses hold session tokens.
"""

from dataclasses import dataclass

from aiohttp import web

SHUTDOWN_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Running:
    """An application that answers on `host` and `port` until `aclose`."""

    host: str
    port: int
    runner: web.AppRunner

    async def aclose(self) -> None:
        """Stops listening, ends open streams, and frees the port."""
        await self.runner.cleanup()


async def serve(app: web.Application, host: str, port: int) -> Running:
    """The application, listening; port 0 takes a free one. OSError when the address is taken."""
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except BaseException:
        await runner.cleanup()
        raise
    return Running(host=host, port=runner.addresses[0][1], runner=runner)
