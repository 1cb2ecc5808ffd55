"""The life of a worker process, from its handover to its end.

    handover ─▶ channel ─▶ every revocation learnt ─▶ let begin ─▶ gateway listens ─▶ stop ─▶ drained ─▶ farewell

Owns that order. Must never listen before it is let begin, and never outlive its supervisor: without one it would not hear what the other
workers revoke, so it ends at once and answers nobody. Rules from: DESIGN section 7.
"""

import asyncio
import json
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress

from gateway.clock import Clock
from gateway.compose import Among, Gateway, settle
from gateway.log import Log
from gateway.revocations import WorkerRevocations
from gateway.supervisor.channel import Channel
from gateway.supervisor.handover import KEEPER, Handover, die_with
from gateway.supervisor.line import Line
from gateway.supervisor.messages import BadMessage, What
from gateway.supervisor.sockets import path_of


async def work(given: Handover, log: Log, stop: asyncio.Event) -> None:
    """Serve until ``stop``, which the supervisor sets too. `BadConfig` where the gateway cannot start."""
    die_with(given.parent)
    line = Line(await Channel.on(socket.socket(fileno=given.channel)), lambda tell: WorkerRevocations(Clock().monotonic, tell), stop)
    talking = asyncio.create_task(_converse(line, log), name="talking with the supervisor")
    public = socket.socket(fileno=given.public)
    keeper = socket.socket(fileno=given.keeper) if given.number == KEEPER else None
    try:
        await _either(line.begin, stop)
        if not stop.is_set():
            among = Among(line.revocations, line.alone, keeper, path_of(given.keeper))
            await _serve(Gateway(given.settings, log, public=public, among=among), line, stop)
    finally:
        talking.cancel()
        with suppress(asyncio.CancelledError):
            await talking
        public.close()
        if keeper is not None:
            keeper.close()


async def _serve(gateway: Gateway, line: Line, stop: asyncio.Event) -> None:
    await gateway.start()
    settle()
    try:
        tellers: Mapping[What, Callable[[], str]] = {
            "metrics": lambda: gateway.metrics.exposition().decode(),
            "readiness": lambda: json.dumps(dict(gateway.unready())),
        }
        line.listens(tellers, gateway.reload)
        await stop.wait()
    finally:
        await gateway.aclose()
    await line.farewell()


async def _converse(line: Line, log: Log) -> None:
    """Ends the process with the conversation: at once, because every moment longer it might believe what is revoked."""
    reason = "gone"
    try:
        await line.converse()
    except BadMessage as error:
        reason = str(error)
    log.write("error", "supervisor_lost", {"reason": reason})
    os._exit(1)


async def _either(one: asyncio.Event, other: asyncio.Event) -> None:
    waits = {asyncio.create_task(one.wait()), asyncio.create_task(other.wait())}
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
