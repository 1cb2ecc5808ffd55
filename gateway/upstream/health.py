"""Asking an app's servers whether they can work, so that no user's request has to find out.

Owns when each server is asked, how long its answer may take, and what the question looks like: nothing of any user is in it. Must never
decide what an answer means for the next request: that is ``policy.routing.server_health``. Each server is asked at once and from then on
every interval, the servers of one app one after the other and not all in one moment; one that answers slowly delays nobody but itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from gateway.errors import OutsideFailed
from gateway.policy.http.messages import Fields
from gateway.policy.routing.server_health import Server

Probe = Callable[[Server], Awaitable[bool]]
"""Asks one server; whether its answer is a healthy one (``standing.is_healthy``). May fail with ``OutsideFailed`` or ``OSError``."""

Told = Callable[[Server, bool], object]
"""Who hears each result, without waiting: ``Balancer.checked``, and a line in the log where that says that something changed."""


def question(path: str, host: str) -> tuple[str, str, Fields]:
    """Method, target and fields of a check: no cookie, no identity, nothing of a client."""
    return "GET", path, ((b"Host", host.encode("ascii")), (b"User-Agent", b"session-gateway health check"), (b"Accept", b"*/*"))


class HealthChecks:
    """The checks of one app. ``start`` them inside the running event loop, and ``aclose`` them there."""

    def __init__(self, servers: Sequence[Server], probe: Probe, told: Told, interval_seconds: float) -> None:
        """An answer may take ``interval_seconds``, too; one that does not come is a bad one."""
        self._servers = tuple(servers)
        self._probe = probe
        self._told = told
        self._interval = interval_seconds
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    def start(self) -> None:
        """Ask every server, from now on."""
        first_pauses = (self._interval * (number + 1) / len(self._servers) for number in range(len(self._servers)))
        self._tasks = tuple(
            asyncio.create_task(self._ask_again_and_again(server, pause), name=f"health {server.name}")
            for server, pause in zip(self._servers, first_pauses, strict=True)
        )

    async def aclose(self) -> None:
        """Ask nobody any more; questions under way are given up and nothing is told of them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _ask_again_and_again(self, server: Server, first_pause: float) -> None:
        clock = asyncio.get_running_loop().time
        due = clock() + first_pause
        while True:
            self._told(server, await self._is_healthy(server))
            await asyncio.sleep(max(0.0, due - clock()))
            due = max(due, clock() - self._interval) + self._interval  # after a machine slept, nobody is asked for the time lost

    async def _is_healthy(self, server: Server) -> bool:
        try:
            async with asyncio.timeout(self._interval):
                return await self._probe(server)
        except (OutsideFailed, OSError):  # TimeoutError is an OSError
            return False
