"""Several workers on one port look like one gateway to clients, also when one of the processes dies."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.dev.standin.faults import Fault
from tests.harness.browser import FORM, HR, LOGIN
from tests.harness.workers import RunningWorkers, several_workers, started

pytestmark = pytest.mark.asyncio(loop_scope="module")
WORKERS = 3
ADMITTED = 'requests_total{door="app",status="200",verdict="admit"}'
DIED = 'events_total{event="worker_died"}'


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningWorkers]:
    """One gateway for all these tests. Its configuration is spoilt after its start: a worker that replaces another one does not read it."""
    folder = tmp_path_factory.mktemp("gateway")
    async with several_workers(folder, workers=WORKERS) as made:
        (folder / "gateway.toml").write_text("spoilt meanwhile")
        yield made


async def test_a_killed_worker_is_replaced_and_its_successor_knows_what_was_revoked(running: RunningWorkers) -> None:
    browser, cookie = await running.entered()
    _, other = await running.entered("bob@example.com")
    await browser.post(f"{HR}/.gateway/sign-out", fields={**FORM, "Origin": HR})
    for number in range(WORKERS):
        running.kill(number)
        assert await running.replaced(number) == -signal.SIGKILL
    assert await running.readiness() == (200, {})
    refused = len(running.events("request", method="GET", status=401, reason="revoked"))
    for caller in (await running.callers_of_all(other)).values():
        assert await caller.ask("/", other) == (200, "hello bob@example.com")
        assert (await caller.ask("/", cookie))[0] == 401
    await running.event("request", refused + WORKERS, method="GET", status=401, reason="revoked")


async def test_what_was_revoked_in_one_worker_is_revoked_in_all_when_the_whole_gateway_restarts(tmp_path: Path) -> None:
    environ = {"SESSION_GATEWAY__STATE__DIRECTORY": str(tmp_path / "state")}
    async with several_workers(tmp_path, environ=environ, workers=WORKERS) as running:
        running.org.faults.add(Fault("/api/v1/sessions/me", "DELETE", 503, times=None))
        browser, cookie = await running.entered()
        _, other = await running.entered("bob@example.com")
        assert (await browser.post(f"{HR}/.gateway/sign-out", fields={**FORM, "Origin": HR})).status == 303
        assert list((tmp_path / "scratch").iterdir()) == []
        running.process.send_signal(signal.SIGKILL)
        await running.process.wait()
        async with started(tmp_path, running.org, running.app, environ, WORKERS) as again:
            assert len(running.org.sessions.active()) == 2  # Okta believes both
            for caller in (await again.callers_of_all(other)).values():
                assert await caller.ask("/", other) == (200, "hello bob@example.com")
                assert (await caller.ask("/", cookie))[0] == 401
            await again.event("request", WORKERS, method="GET", status=401, reason="revoked")


async def test_while_a_worker_is_killed_nobody_gets_a_wrong_answer(running: RunningWorkers) -> None:
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


async def test_no_counter_falls_when_a_worker_dies(running: RunningWorkers) -> None:
    await running.known_to_all()
    before = await running.metrics()
    running.kill(1)
    await running.replaced(1)
    after = await running.metrics()
    assert after[ADMITTED] == before[ADMITTED] and after[DIED] == before.get(DIED, 0) + 1
    assert [name for name in before if name.endswith(("_total", "_count")) and after[name] < before[name]] == []
    assert after["sessions_remembered"] < before["sessions_remembered"]


async def test_every_worker_answers_the_login_host_and_goes_on_while_another_one_is_replaced(running: RunningWorkers) -> None:
    callers = await running.callers_of_all()
    running.kill(0)
    while not running.events("worker_started", worker=0)[running.starts_at_kill[0] :]:
        for number in (1, 2):
            assert (await callers[number].ask("/.gateway/session", origin=LOGIN))[0] == 401
    answered = running.events("request", route="/.gateway/session")
    assert {line["worker"] for line in answered} == {1, 2}
