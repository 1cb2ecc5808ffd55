"""Active health checks of an app's servers, so that no user's request has to find out that a server is down.

Owns when each server is checked, how long its answer may take, and what the request looks like: it holds nothing of any user.
Must never decide what a result means for the next request: ``policy.routing.server_health`` decides that.

Each server is checked at the start, and then once per interval. The checks of one app are spread over the interval. A slow server
delays only its own next check.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from gateway.errors import OutsideFailed
from gateway.policy.http.messages import Fields
from gateway.policy.routing.server_health import Server

Probe = Callable[[Server], Awaitable[bool]]
"""Checks one server: True if it is healthy (``policy.routing.server_health.is_healthy``). May raise ``OutsideFailed`` or ``OSError``."""

OnResult = Callable[[Server, bool], object]
"""Gets each result, and must not wait: calls ``Balancer.checked``, and writes a log line if the health of the server changed."""


def question(path: str, host: str) -> tuple[str, str, Fields]:
    """Method, target and fields of a check. They hold no cookie, no identity and nothing of a client."""
    return "GET", path, ((b"Host", host.encode("ascii")), (b"User-Agent", b"session-gateway health check"), (b"Accept", b"*/*"))


class HealthChecks:
    """The checks of one app. Call ``start`` and ``aclose`` inside the running event loop."""

    def __init__(self, servers: Sequence[Server], probe: Probe, on_result: OnResult, interval_seconds: float) -> None:
        """``interval_seconds``: the time between two checks of a server, and the deadline of an answer. No answer counts as unhealthy."""
        self._servers = tuple(servers)
        self._probe = probe
        self._on_result = on_result
        self._interval = interval_seconds
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    def start(self) -> None:
        """Begin to check every server."""
        first_pauses = (self._interval * (number + 1) / len(self._servers) for number in range(len(self._servers)))
        self._tasks = tuple(
            asyncio.create_task(self._ask_again_and_again(server, pause), name=f"health {server.name}")
            for server, pause in zip(self._servers, first_pauses, strict=True)
        )

    async def aclose(self) -> None:
        """Stop all checks. A check that is running is given up, without a result."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _ask_again_and_again(self, server: Server, first_pause: float) -> None:
        clock = asyncio.get_running_loop().time
        due = clock() + first_pause
        while True:
            self._on_result(server, await self._is_healthy(server))
            await asyncio.sleep(max(0.0, due - clock()))
            due = max(due, clock() - self._interval) + self._interval  # missed checks are not made up, e.g. after the machine slept

    async def _is_healthy(self, server: Server) -> bool:
        try:
            async with asyncio.timeout(self._interval):
                return await self._probe(server)
        except (OutsideFailed, OSError):  # TimeoutError is an OSError
            return False
