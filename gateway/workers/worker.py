"""The life of a worker process, from its handover to its end.

    handover ─▶ (reports WAITS until the shared state answers) ─▶ gateway listens, reports LISTENS ─▶ SIGTERM ─▶ drained ─▶ last metrics

Owns that order. A worker must never outlive its supervisor: it would keep the port, and nothing would replace or stop it.
"""

import asyncio
import os
import signal
import socket
from contextlib import suppress
from functools import partial

from gateway.compose import Gateway
from gateway.config import Settings
from gateway.observe import Log
from gateway.workers.handover import LISTENS, WAITS, Handover, die_with, settings_read
from gateway.workers.running import Running, settle


async def work(given: Handover, log: Log, stop: asyncio.Event) -> None:
    """Serve until ``stop`` is set. Raises ``BadConfig`` if the gateway cannot start."""
    die_with(given.parent)
    reader, life = await asyncio.open_unix_connection(sock=socket.socket(fileno=given.life))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the supervisor sends new settings over the socket instead
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
    """Start the gateway: True if it listens, False if ``stop`` was set first; then its start was cancelled."""
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
    """Apply the settings that the supervisor sends, one after the other."""
    while True:
        settings = await news.get()
        await asyncio.shield(running.replace(settings))


async def _hear_supervisor(life: asyncio.StreamReader, news: asyncio.Queue[Settings], log: Log) -> None:
    """Queue the settings that the supervisor sends. When the stream ends, the supervisor has died: this process exits at once."""
    while (settings := await settings_read(life)) is not None:
        news.put_nowait(settings)
    log.write("error", "supervisor_lost")
    os._exit(1)
