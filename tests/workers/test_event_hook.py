"""Okta's event hook with several processes: the long ttl holds while it works, the short one when it is cut off; log and /readyz say so."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.doors.hooks.event_hook import EVENT_HOOK_PATH
from gateway.policy.hooks.hook_trust import LATE_SECONDS
from tests.doors.hooks.two_gateways import LOGIN_HOST, SECRET
from tests.harness.browser import HR, NAVIGATION
from tests.harness.clock_ahead import ClockAhead, needs_gcc
from tests.harness.connected_client import PATIENCE, Caller
from tests.harness.person import redemption
from tests.harness.polling import moment
from tests.harness.redis_servers import RedisProcess, needs_redis
from tests.harness.system import ME
from tests.harness.workers import RunningWorkers, several_workers
from tests.policy.hooks.events import delivery, event

ALICE, BOB = "alice@example.com", "bob@example.com"
WORKERS = 2


class WorkersWithHook:
    """A gateway of two workers whose hook is fed by the test."""

    def __init__(self, running: RunningWorkers, clock: ClockAhead | None) -> None:
        self.running = running
        self._clock = clock

    async def delivers_sign_in(self, login: str = "") -> None:
        """Okta tells that this user, or one who is unknown here, has just signed in."""
        now = time.time() + (self._clock.seconds if self._clock is not None else 0)
        user_id = self.running.org.known_user(login).id if login else "00ucarol"
        body = delivery(event("user.session.start", now, actor=user_id), event_id=f"{user_id} {now}", source=ORG)
        fields = {"Host": LOGIN_HOST, "Authorization": SECRET}
        url = f"http://127.0.0.1:{self.running.port}{EVENT_HOOK_PATH}"
        async with self.running.browsers.post(url, headers=fields, data=body) as answer:
            assert answer.status == 204

    async def signs_in(self, login: str) -> str:
        """A user redeems a token at the login host; the Cookie line for the app."""
        browser = self.running.browser()
        reply = await browser.ask(redemption(self.running.org.session_token(login)), fields=NAVIGATION | {"Sec-Fetch-Site": "same-site"})
        assert reply.status in (302, 303)
        page, _ = await browser.walk(f"{HR}/")
        assert (page.status, page.body) == (200, f"hello {login}")
        return "Cookie: " + "; ".join(f"{name}={value}" for name, value in browser.jar(HR).items())

    async def says(self, word: str) -> int:
        """Wait until every worker says this of the hook; the status of /readyz then."""
        async with asyncio.timeout(PATIENCE):
            while True:
                async with self.running.browsers.get(f"{self.running.admin}/readyz") as answer:
                    status, said = answer.status, json.loads(await answer.read())
                if said.get("event_hook") == word:
                    return status
                await moment(0.05)

    async def is_trusted_by(self, workers: int) -> None:
        """Wait until so many workers believe answers for longer."""
        async with asyncio.timeout(PATIENCE):
            while (await self.running.metrics())["event_hook_trusted"] != workers:
                await moment(0.05)

    @property
    def asked(self) -> int:
        """How often Okta was asked who somebody is."""
        return sum((row.method, row.path) == ("GET", ME) for row in self.running.org.journal.rows)


ORG = "http://127.0.0.1/api/v1/eventHooks/who1"


@asynccontextmanager
async def workers_with_hook(folder: Path, clock: ClockAhead | None, **environ: str) -> AsyncIterator[tuple[WorkersWithHook, list[Caller]]]:
    """The gateway, and a connection to each of its workers."""
    (folder / "secret").write_text(f"{SECRET}\n")
    (folder / "secret").chmod(0o600)
    given = {
        "SESSION_GATEWAY__HOOKS__OKTA_SECRET_FILE": str(folder / "secret"),
        "SESSION_GATEWAY__SESSION__TTL": "3s",
        "SESSION_GATEWAY__SESSION__TTL_MAX": "3s",
        "SESSION_GATEWAY__SESSION__TTL_WITH_HOOK": "15m",
    }
    async with several_workers(
        folder, workers=WORKERS, environ={**given, **(clock.environ if clock is not None else {}), **environ}
    ) as running:
        yield WorkersWithHook(running, clock), list((await running.callers_of_all()).values())


async def served(callers: list[Caller], line: str) -> None:
    """Every worker serves this session, with what it knows or asks."""
    for caller in callers:
        assert (await caller.ask("/", line))[0] == 200


async def lives_long(there: WorkersWithHook, clock: ClockAhead, callers: list[Caller], line: str) -> bool:
    """Whether an answer is believed a minute later, twenty times the short ttl. A worker that gets no processor for three seconds asks."""
    for _ in range(4):
        clock.advance(60)
        await there.is_trusted_by(WORKERS)
        asked = there.asked
        await served(callers, line)
        if there.asked == asked:
            return True
    return False


@needs_gcc
async def test_a_hook_that_falls_silent_brings_the_short_ttl_back_in_every_worker(tmp_path: Path) -> None:
    clock = ClockAhead(tmp_path / "clock")
    async with workers_with_hook(tmp_path, clock) as (there, callers):
        await there.delivers_sign_in()
        assert await there.says("trusted") == 200
        line = await there.signs_in(ALICE)
        await there.delivers_sign_in(ALICE)
        await served(callers, line)
        assert await lives_long(there, clock, callers, line)

        await there.signs_in(BOB)  # and Okta delivers nothing any more
        clock.advance(int(LATE_SECONDS) + 1)
        assert await there.says("silent") == 200
        await there.running.event("event_hook_silent", WORKERS)
        assert {said.get("reason") for said in there.running.events("event_hook_silent")} >= {"sign_in_without_event"}
        asked, callers = there.asked, list((await there.running.callers_of_all()).values())  # the old connections are idle for too long
        await served(callers, line)
        assert there.asked >= asked + WORKERS
        clock.advance(4)
        await served(callers, line)
        assert there.asked >= asked + 2 * WORKERS

        await there.delivers_sign_in(ALICE)
        assert await there.says("trusted") == 200


@needs_redis
async def test_without_the_shared_state_the_short_ttl_counts(tmp_path: Path) -> None:
    redis = RedisProcess(tmp_path / "redis")
    async with workers_with_hook(tmp_path, None, SESSION_GATEWAY__STATE__URL=f"redis://127.0.0.1:{redis.port}") as (there, callers):
        await there.delivers_sign_in()
        await there.says("trusted")
        line = await there.signs_in(ALICE)
        await there.delivers_sign_in(ALICE)
        await served(callers, line)
        redis.kill()
        assert await there.says("unknown") == 503
        await there.running.event("event_hook_unknown", WORKERS)
        await there.is_trusted_by(0)
        asked = there.asked
        async with asyncio.timeout(PATIENCE):
            while there.asked < asked + WORKERS:
                await served(callers, line)
        redis.start()
        assert await there.says("waiting") == 200  # its memory is empty
