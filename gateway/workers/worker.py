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

from gateway.compose import Gateway, Running, settle
from gateway.config import Settings
from gateway.log import Log
from gateway.workers.handover import LISTENS, WAITS, Handover, die_with, settings_read


async def work(given: Handover, log: Log, stop: asyncio.Event) -> None:
    """Serve until ``stop``. `BadConfig` where the gateway cannot start."""
    die_with(given.parent)
    reader, life = await asyncio.open_unix_connection(sock=socket.socket(fileno=given.life))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the supervisor says it in its own way
    news: asyncio.Queue[Settings] = asyncio.Queue()
    watching = asyncio.create_task(_hear_supervisor(reader, news, log), name="watching the supervisor")
    public, admin = socket.socket(fileno=given.public), socket.socket(fileno=given.admin)
    gateway = Gateway(given.settings, log, public=public, admin=admin, waits=partial(life.write, WAITS))
    try:
        if await _started(gateway, stop):
            settle()
            life.write(LISTENS)
            running = Running(gateway, given.settings, log)
            reloading = asyncio.create_task(_reload(running, news), name="reloading")
            await stop.wait()
            reloading.cancel()
            await asyncio.gather(reloading, return_exceptions=True)
            await running.aclose()
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


async def _reload(running: Running, news: asyncio.Queue[Settings]) -> None:
    """Take over what the supervisor sends, one after the other."""
    while True:
        settings = await news.get()
        await asyncio.shield(running.replace(settings))


async def _hear_supervisor(life: asyncio.StreamReader, news: asyncio.Queue[Settings], log: Log) -> None:
    """Hand on new settings; ends the process at once with its supervisor, which says nothing and is gone when the stream ends."""
    while (settings := await settings_read(life)) is not None:
        news.put_nowait(settings)
    log.write("error", "supervisor_lost")
    os._exit(1)
