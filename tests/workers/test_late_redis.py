"""Redis is away while a gateway, or one of its workers, starts: it tries again until Redis is there, and readiness says why it waits."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from tests.harness.connected_client import PATIENCE
from tests.harness.polling import moment
from tests.harness.ports import free_port
from tests.harness.redis_servers import RedisProcess, needs_redis
from tests.harness.workers import CONFIGURATION, RunningWorkers, begun, behind

pytestmark = needs_redis


@dataclass
class Late:
    """A gateway that was started, where it answers, and the Redis of its configuration, which does not run yet."""

    gateway: RunningWorkers
    redis: RedisProcess
    port: int
    admin: int

    async def asked(self, target: str) -> tuple[int, Mapping[str, object]]:
        """What the admin address says."""
        async with self.gateway.browsers.get(f"http://127.0.0.1:{self.admin}{target}") as answer:
            return answer.status, await answer.json()

    async def reasons(self, *expected: str) -> Mapping[str, str]:
        """What keeps traffic away, as soon as these parts do, and no other."""
        async with asyncio.timeout(PATIENCE):
            while True:
                status, said = await self.asked("/readyz")
                reasons = said.get("reasons", {})
                assert isinstance(reasons, dict) and status == (503 if reasons else 200)
                if set(reasons) == set(expected):
                    return reasons
                await moment(0.02)

    async def is_refused(self) -> bool:
        """Whether nobody listens for clients."""
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except ConnectionRefusedError:
            return True
        writer.close()
        return False


@asynccontextmanager
async def late(folder: Path, workers: int) -> AsyncIterator[Late]:
    redis = RedisProcess(folder / "redis")
    redis.kill()
    port, admin = free_port(), free_port()
    environ = {
        "SESSION_GATEWAY__STATE__URL": f"redis://127.0.0.1:{redis.port}",
        "SESSION_GATEWAY__ADMIN__ADDRESS": f"127.0.0.1:{admin}",
    }
    (folder / "scratch").mkdir()
    async with behind() as (org, app, upstream):
        (folder / "gateway.toml").write_text(CONFIGURATION.format(port=port, org=org.url, upstream=upstream))
        async with begun(folder, org.org, app, environ, workers) as gateway:
            await gateway.event("state_failed", workers)
            yield Late(gateway, redis, port, admin)
    redis.kill()


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_gateway_that_starts_before_redis_says_why_it_waits_and_serves_when_redis_is_there(tmp_path: Path, workers: int) -> None:
    async with late(tmp_path, workers) as it:
        names = ("",) if workers == 1 else ("worker 0: ", "worker 1: ")
        reasons = await it.reasons(*(f"{name}{part}" for name in names for part in ("process", "revocations")))
        for name in names:
            assert reasons[f"{name}process"] == "starting"
            assert f"Redis at 127.0.0.1:{it.redis.port}: cannot be reached; check state.url" in reasons[f"{name}revocations"]
        assert (await it.asked("/readyz?exclude=revocations"))[0] == 503
        assert await it.asked("/healthz") == (200, {"status": "alive"})
        assert await it.is_refused() and it.gateway.events("listening") == []
        it.redis.start()
        await it.gateway.event("listening")
        await it.reasons()
        await it.gateway.entered()
        assert it.gateway.events("worker_died") == []


async def test_a_worker_that_is_replaced_while_redis_is_away_waits_for_it_and_the_other_one_serves(tmp_path: Path) -> None:
    async with late(tmp_path, 2) as it:
        it.redis.start()
        await it.gateway.event("listening")
        _, cookie = await it.gateway.entered()
        for caller in (await it.gateway.callers_of_all(cookie)).values():
            assert await caller.ask("/", cookie) == (200, "hello alice@example.com")
        it.redis.kill()
        it.gateway.kill(0)
        reasons = await it.reasons("worker 0: process", "worker 0: revocations", "worker 1: revocations")
        assert reasons["worker 0: process"] == "starting" and "cannot be reached" in reasons["worker 1: revocations"]
        for _ in range(20):
            caller = await it.gateway.caller()
            assert await caller.ask("/", cookie) == (200, "hello alice@example.com")
        it.redis.start()
        await it.gateway.event("worker_started", 2, worker=0)
        await it.reasons()


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_gateway_that_waits_for_redis_ends_when_it_is_asked_to(tmp_path: Path, workers: int) -> None:
    async with late(tmp_path, workers) as it:
        it.gateway.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            assert await it.gateway.process.wait() == 0
        with pytest.raises(aiohttp.ClientConnectionError):
            await it.asked("/healthz")
