"""A gateway without worker processes: it serves in this process.

    start ─▶ (waits for the shared state) ─▶ listens ─▶ SIGHUP: another configuration ─▶ SIGTERM ─▶ drained

Owns that order. SIGHUP must never end the process, not even before it listens.
"""

import asyncio
import os
import signal

from gateway.compose import Gateway
from gateway.config import Settings, reloaded
from gateway.errors import BadConfig
from gateway.observe import Log
from gateway.workers.running import Running, log_problems, settle


async def alone(settings: Settings, log: Log, stop: asyncio.Event) -> None:
    """Serve until ``stop`` is set. Raises ``BadConfig`` if the gateway cannot start."""
    gateway, early = Gateway(settings, log), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, early.set)  # without a handler, SIGHUP would end the process
    starting, stopped = asyncio.create_task(gateway.start()), asyncio.create_task(stop.wait())
    await asyncio.wait((starting, stopped), return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():  # while it still waits for its shared state
        starting.cancel()
        await asyncio.wait((starting,))
        return
    stopped.cancel()
    await starting
    settle()
    log.write("info", "listening", {"address": gateway.address, "admin": gateway.admin_address})
    running = Running(gateway, settings, log)
    loop.add_signal_handler(signal.SIGHUP, _reload, running, log)
    if early.is_set():
        _reload(running, log)
    await stop.wait()
    log.write("info", "stopping")
    await running.aclose()
    log.write("info", "stopped")


def _reload(running: Running, log: Log) -> None:
    """Read the configuration again and use it. If it has a problem, the old one stays in use."""
    try:
        running.reload(reloaded(running.settings, os.environ))
    except BadConfig as error:
        log_problems(log, error)
