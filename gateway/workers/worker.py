"""The life of a worker process, from its handover to its end.

    handover ─▶ (it says that it waits for the shared state) ─▶ gateway listens ─▶ it says so ─▶ SIGTERM ─▶ drained ─▶ last metrics

Owns that order. Must never outlive its supervisor: nobody would replace this process, or take the port from it.
"""

import asyncio
import os
import signal
import socket
from contextlib import suppress
from functools import partial

from gateway.compose import Gateway, settle
from gateway.log import Log
from gateway.workers.handover import LISTENS, WAITS, Handover, die_with


async def work(given: Handover, log: Log, stop: asyncio.Event) -> None:
    """Serve until ``stop``. `BadConfig` where the gateway cannot start."""
    die_with(given.parent)
    reader, life = await asyncio.open_unix_connection(sock=socket.socket(fileno=given.life))
    watching = asyncio.create_task(_end_with_supervisor(reader, log), name="watching the supervisor")
    public, admin = socket.socket(fileno=given.public), socket.socket(fileno=given.admin)
    gateway = Gateway(given.settings, log, public=public, admin=admin, waits=partial(life.write, WAITS))
    try:
        if await _started(gateway, stop):
            settle()
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, gateway.reload)
            life.write(LISTENS)
            await stop.wait()
            await gateway.aclose()
            life.write(gateway.metrics.exposition())
            with suppress(OSError):
                await life.drain()
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        life.close()
        with suppress(OSError):
            await life.wait_closed()


async def _started(gateway: Gateway, stop: asyncio.Event) -> bool:
    """Whether the gateway listens; False where ``stop`` came first, and then nothing is left of it."""
    starting, stopping = asyncio.create_task(gateway.start(), name="starting"), asyncio.create_task(stop.wait(), name="waiting for the end")
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not starting.done():
        starting.cancel()
    await asyncio.gather(stopping, return_exceptions=True)
    with suppress(asyncio.CancelledError):
        await starting
        return True
    return False


async def _end_with_supervisor(life: asyncio.StreamReader, log: Log) -> None:
    """Ends the process at once with its supervisor, which says nothing and is gone when the stream ends."""
    with suppress(OSError):
        await life.read()
    log.write("error", "supervisor_lost")
    os._exit(1)
