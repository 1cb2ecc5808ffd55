"""Several workers on one port look like one gateway to clients, also when one of the processes dies."""

import asyncio
import signal
from pathlib import Path

from gateway.dev.standin.faults import Fault
from tests.harness.browser import FORM, HR, LOGIN
from tests.harness.workers import WORKERS, several_workers, started

ADMITTED = 'requests_total{door="app",status="200",verdict="admit"}'


async def test_a_killed_worker_is_replaced_and_its_successor_knows_what_was_revoked(tmp_path: Path) -> None:
    async with several_workers(tmp_path) as running:
        browser, cookie = await running.entered()
        _, other = await running.entered("bob@example.com")
        await browser.post(f"{HR}/.gateway/sign-out", fields={**FORM, "Origin": HR})
        (tmp_path / "gateway.toml").write_text("spoilt meanwhile")
        for number in range(WORKERS):
            running.kill(number)
            assert await running.replaced(number) == -signal.SIGKILL
        assert await running.readiness() == (200, {})
        for caller in (await running.callers_of_all(other)).values():
            assert await caller.ask("/", other) == (200, "hello bob@example.com")
            assert (await caller.ask("/", cookie))[0] == 401
        await running.event("request", WORKERS, method="GET", status=401, reason="revoked")


async def test_what_was_revoked_in_one_worker_is_revoked_in_all_when_the_whole_gateway_restarts(tmp_path: Path) -> None:
    environ = {"SESSION_GATEWAY__STATE__DIRECTORY": str(tmp_path / "state")}
    async with several_workers(tmp_path, environ=environ) as running:
        running.org.faults.add(Fault("/api/v1/sessions/me", "DELETE", 503, times=None))
        browser, cookie = await running.entered()
        _, other = await running.entered("bob@example.com")
        assert (await browser.post(f"{HR}/.gateway/sign-out", fields={**FORM, "Origin": HR})).status == 303
        assert list((tmp_path / "scratch").iterdir()) == []
        running.process.send_signal(signal.SIGKILL)
        await running.process.wait()
        async with started(tmp_path, running.org, running.app, environ) as again:
            assert len(running.org.sessions.active()) == 2  # Okta believes both
            for caller in (await again.callers_of_all(other)).values():
                assert await caller.ask("/", other) == (200, "hello bob@example.com")
                assert (await caller.ask("/", cookie))[0] == 401
            await again.event("request", WORKERS, method="GET", status=401, reason="revoked")


async def test_while_a_worker_is_killed_nobody_gets_a_wrong_answer(tmp_path: Path) -> None:
    async with several_workers(tmp_path) as running:
        _, cookie = await running.entered()
        _, other = await running.entered("bob@example.com")
        stop, answers = asyncio.Event(), set()

        async def client(cookie: str, name: str) -> None:
            while not stop.is_set():
                caller = await running.caller()
                status, body = await caller.ask("/", cookie)
                answers.add((name, status, body))
                await caller.close()

        clients = [asyncio.create_task(client(*who)) for who in ((cookie, "alice"), (other, "bob"), (cookie, "alice"))]
        for number in (2, 0):
            running.kill(number)
            await running.replaced(number)
        stop.set()
        await asyncio.gather(*clients)
        right = {("alice", 200, "hello alice@example.com"), ("bob", 200, "hello bob@example.com")}
        assert right <= answers <= right | {("alice", 0, ""), ("bob", 0, "")}


async def test_no_counter_falls_when_a_worker_dies(tmp_path: Path) -> None:
    async with several_workers(tmp_path) as running:
        _, cookie = await running.entered()
        for caller in (await running.callers_of_all(cookie)).values():
            await caller.ask("/", cookie)
        before = await running.metrics()
        running.kill(1)
        await running.replaced(1)
        after = await running.metrics()
        assert after[ADMITTED] == before[ADMITTED] and after['events_total{event="worker_died"}'] == 1
        assert [name for name in before if name.endswith(("_total", "_count")) and after[name] < before[name]] == []
        assert after["sessions_remembered"] == before["sessions_remembered"] - 1


async def test_every_worker_answers_the_login_host_and_goes_on_while_another_one_is_replaced(tmp_path: Path) -> None:
    async with several_workers(tmp_path) as running:
        callers = await running.callers_of_all()
        running.kill(0)
        while not running.events("worker_started", worker=0)[1:]:
            for number in (1, 2):
                assert (await callers[number].ask("/.gateway/session", origin=LOGIN))[0] == 401
        answered = running.events("request", route="/.gateway/session")
        assert {line["worker"] for line in answered} == {1, 2}
