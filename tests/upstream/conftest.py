"""A server behind the gateway and a client before it that both speak bytes, and the proxy between them as production runs it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.edge.http_proxy import HttpProxy
from gateway.edge.open_connections import OpenConnections
from gateway.edge.websocket import WebSocketRelay
from gateway.outbound import Timeouts
from gateway.upstream.pool import PoolRules, Upstream
from gateway.upstream.server_address import ServerAddress
from tests.harness.app import Behind
from tests.harness.server import client_server
from tests.harness.wire import PATIENCE
from tests.upstream.proxy import ProxyServer


@pytest.fixture
async def behind() -> AsyncIterator[Behind]:
    server_behind = Behind()
    server = await asyncio.start_server(server_behind.serve, "127.0.0.1", 0)
    server_behind.port = server.sockets[0].getsockname()[1]
    yield server_behind
    server.close()
    await server.wait_closed()


@pytest.fixture
async def front(behind: Behind) -> AsyncIterator[ProxyServer]:
    """The proxy before ``behind``; afterwards nothing may be left of it: no task, no connection at the server behind."""
    before = asyncio.all_tasks()
    timeouts = Timeouts(connect=2, first_byte=5, idle=5)
    source, live = Upstream(ServerAddress("127.0.0.1", behind.port), timeouts, PoolRules(connections=20)), OpenConnections()
    made = ProxyServer(source, HttpProxy(source, b"app.internal", small_body=0), WebSocketRelay(source, live), live)
    server = client_server(made.handle)
    listening = await asyncio.get_running_loop().create_server(server.guest, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    yield made
    for wire in made.wires:
        await wire.close()
    listening.close()
    await server.shutdown(1.0)
    await source.aclose()
    async with asyncio.timeout(PATIENCE):
        while behind.open:
            behind.gone.clear()
            await behind.gone.wait()
        while left := {task for task in asyncio.all_tasks() - before - {asyncio.current_task()} if task is not None and not task.done()}:
            await asyncio.wait(left)
    assert (len(live), len(source)) == (0, 0)
