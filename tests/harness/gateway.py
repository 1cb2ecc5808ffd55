"""The gateway under test: one gateway, or three replicas on a real Redis if the environment says ``FIELD_ON=replicas``.

Owns the three replicas. Each new connection goes to another replica than the one before. They and Redis use the test's clock. After a
restart their shared state is empty, unless the configuration names a place for it. Checks nothing by itself.
"""

import atexit
import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import cache
from itertools import count
from pathlib import Path

import pytest

from gateway.clock import Clock
from gateway.compose import Gateway
from gateway.config import read
from gateway.observe import Log
from gateway.observe.metrics import Metrics
from gateway.shared_state import SharedState
from tests.harness.clock_ahead import ClockAhead
from tests.harness.configuration import SEALED
from tests.harness.redis_servers import RedisProcess

REPLICAS = 3 if os.environ.get("FIELD_ON") == "replicas" else 1
STATE = '\n[state]\nurl = "redis://127.0.0.1:{port}/0"\nprefix = "{prefix}"\ntimeout = "10s"\n'


of_one_process = pytest.mark.skipif(REPLICAS > 1, reason="it measures what one process keeps")


class SideBySide:
    """Three gateways with the interface of one."""

    def __init__(self, made: list[Gateway]) -> None:
        self.each = made
        self._turns = count()
        self._open = AsyncExitStack()

    async def start(self) -> None:
        """Start all of them, or none."""
        async with AsyncExitStack() as opened:
            for gateway in self.each:
                await gateway.start()
                opened.push_async_callback(gateway.aclose)
            self._open = opened.pop_all()

    async def aclose(self) -> None:
        """Stop all of them, one after the other."""
        await self._open.aclose()

    @property
    def public_port(self) -> int:
        """The public port of the next gateway in turn."""
        return self.each[next(self._turns) % len(self.each)].public_port

    @property
    def admin_port(self) -> int:
        """The admin port of the first gateway."""
        return self.each[0].admin_port

    @property
    def metrics(self) -> Metrics:
        """The metrics of the first gateway."""
        return self.each[0].metrics


AnyGateway = Gateway | SideBySide


def each(gateway: AnyGateway) -> Sequence[Gateway]:
    """Return the gateways one by one."""
    return gateway.each if isinstance(gateway, SideBySide) else (gateway,)


def made_gateway(
    text: str,
    log: Log,
    clock: Clock,
    *,
    environ: Mapping[str, str] = SEALED,
    nameservers: tuple[str, ...] = (),
    state: SharedState | None = None,
) -> AnyGateway:
    """Return the gateway (or replicas) of this configuration, not started yet."""
    if REPLICAS == 1:
        return Gateway(read("gateway.toml", text, environ), log, clock=clock, nameservers=nameservers, state=state)
    settings, theirs = read("gateway.toml", with_state(text), environ), _followed(clock, _redis()[1])
    return SideBySide([Gateway(settings, log, clock=theirs, nameservers=nameservers) for _ in range(REPLICAS)])


def with_state(text: str) -> str:
    """Return the configuration. For replicas, one without ``[state]`` gets Redis, with a new prefix."""
    if REPLICAS == 1 or "[state]" in text:
        return text
    return text + STATE.format(port=_redis()[0].port, prefix=secrets.token_hex(8))


def _followed(clock: Clock, ahead: ClockAhead) -> Clock:
    """Return the same clock. Whenever a gateway reads it, Redis' clock is moved as far forward."""
    begins = ahead.seconds - clock.monotonic()

    def monotonic() -> float:
        now = clock.monotonic()
        if begins + now > ahead.seconds:
            ahead.advance(begins + now - ahead.seconds)
        return now

    return Clock(monotonic, clock.wall)


@cache
def _redis() -> tuple[RedisProcess, ClockAhead]:
    """Return the Redis that all tests of this process share, and its clock."""
    folder = Path(tempfile.mkdtemp(prefix="redis-side-by-side-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    ahead = ClockAhead(folder / "clock")
    return RedisProcess(folder / "server", environ=dict(ahead.environ)), ahead
