"""Starts one application of the demonstration on a socket, as a small production server does.

Owns: the runner, from start to stop. Must never log a request, because addresses hold session tokens.
"""

from dataclasses import dataclass

from aiohttp import web

SHUTDOWN_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Running:
    """An application that listens on `host` and `port` until `aclose`."""

    host: str
    port: int
    runner: web.AppRunner

    async def aclose(self) -> None:
        """Stop listening, end open streams, and free the port."""
        await self.runner.cleanup()


async def serve(app: web.Application, host: str, port: int) -> Running:
    """Start the application and return it. Port 0 is any free port. OSError if the address is taken."""
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except BaseException:
        await runner.cleanup()
        raise
    return Running(host=host, port=runner.addresses[0][1], runner=runner)
