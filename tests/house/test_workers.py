"""Several workers on one port look like one gateway to clients, even when one of the processes dies."""

import asyncio
import signal
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from gateway.dev.standin.faults import Fault
from tests.harness.browser import FORM, HR, LOGIN, Reply
from tests.harness.configuration import SMALLEST, problems
from tests.harness.workers import WORKERS, several_workers, started

ADMITTED = 'requests_total{door="app",status="200",verdict="admit"}'


async def test_every_worker_answers_and_the_admin_address_speaks_for_all(tmp_path: Path) -> None:
    async with several_workers(tmp_path) as running:
        assert await running.readiness() == (200, {})
        _, cookie = await running.entered()
        callers = await running.callers_of_all(cookie)
        before = (await running.metrics())[ADMITTED]
        for caller in callers.values():
            assert await caller.ask("/", cookie) == (200, "hello alice@example.com")
        found = await running.metrics()
        assert found[ADMITTED] == before + WORKERS
        assert (found["workers_listening"], found["sessions_remembered"]) == (WORKERS, WORKERS)
        (state,) = (tmp_path / "scratch").iterdir()
        assert state.stat().st_mode & 0o777 == 0o700
        assert (state / "state.db").stat().st_mode & 0o777 == 0o600


async def test_the_folder_for_temporary_files_may_lie_deep(tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 30)  # longer than the address of a socket may be
    deep.mkdir()
    async with several_workers(deep) as running:
        assert await running.readiness() == (200, {})


async def test_who_signs_out_at_one_worker_is_refused_by_all_when_the_answer_comes(tmp_path: Path) -> None:
    async with several_workers(tmp_path) as running:
        browser, cookie = await running.entered()
        callers = await running.callers_of_all(cookie)
        for caller in callers.values():
            assert (await caller.ask("/", cookie))[0] == 200
        reply = await browser.post(f"{HR}/.gateway/sign-out", fields={**FORM, "Origin": HR})
        assert reply.status == 303
        assert [(await caller.ask("/", cookie))[0] for caller in callers.values()] == [401] * WORKERS
        await running.event("request", WORKERS, method="GET", status=401, reason="revoked")


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
            assert len(running.org.sessions.live()) == 2  # Okta believes both
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


async def test_a_worker_that_stands_still_holds_up_no_sign_out_and_believes_nothing_when_it_goes_on(tmp_path: Path) -> None:
    async with several_workers(tmp_path) as running:
        browser, cookie = await running.entered()
        callers = await running.callers_of_all(cookie)
        for caller in callers.values():
            assert (await caller.ask("/", cookie))[0] == 200
        assert await running.readiness() == (200, {})  # every worker has gone on behind its answer, whose stream would be cut
        running.kill(2, signal.SIGSTOP)
        status, reasons = await running.readiness()
        assert (status, reasons) == (503, {"worker 2": "no answer"})
        # The kernel gives some of the connections to the stopped one: they wait, and others get the answer.
        replies = [asyncio.create_task(browser.post(f"{HR}/.gateway/sign-out", fields={**FORM, "Origin": HR})) for _ in range(8)]
        assert await _first_answered(replies) == 303
        running.kill(2, signal.SIGCONT)
        assert (await callers[2].ask("/", cookie))[0] == 401
        await asyncio.gather(*replies, return_exceptions=True)
        assert await running.readiness() == (200, {})
        assert running.events("worker_died") == []


async def _first_answered(replies: list[asyncio.Task[Reply]]) -> int:
    for coming in asyncio.as_completed(replies):
        with suppress(aiohttp.ClientError):
            return (await coming).status
    raise AssertionError("nobody was answered")


async def test_a_ticket_is_used_once_whichever_worker_gets_it(tmp_path: Path) -> None:
    async with several_workers(tmp_path) as running:
        browser = running.browser()
        browser.signs_in(running.org.sign_in("alice@example.com"))
        ticket, start = await browser.ticket_url(), dict(browser.jar(HR))
        nonce = "Cookie: " + "; ".join(f"{name}={value}" for name, value in start.items())
        navigation = ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Accept: text/html")
        callers = await running.callers_of_all()
        target = ticket.removeprefix(HR)
        statuses = [(await caller.ask(target, nonce, *navigation))[0] for caller in callers.values()]
        assert statuses == [303, 400, 400]


async def test_a_token_is_redeemed_once_whichever_worker_gets_it(tmp_path: Path) -> None:
    async with several_workers(tmp_path) as running:
        token = running.org.session_token("alice@example.com")
        target = f"/login/sessionCookieRedirect?token={token}&redirectUrl={LOGIN}/home"
        callers = await running.callers_of_all()
        navigation = ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: same-site", "Accept: text/html")
        statuses = await asyncio.gather(*(caller.ask(target, *navigation, origin=LOGIN) for caller in callers.values()))
        first, *others = sorted(status for status, _ in statuses)
        assert first == 302 and set(others) <= {307, 409}  # sent back to come again, or told that it was used
        assert sum(row.token is not None for row in running.org.journal.rows) == 1


async def test_every_worker_answers_the_login_host_and_goes_on_while_another_one_is_replaced(tmp_path: Path) -> None:
    async with several_workers(tmp_path) as running:
        callers = await running.callers_of_all()
        running.kill(0)
        while not running.events("worker_started", worker=0)[1:]:
            for number in (1, 2):
                assert (await callers[number].ask("/.gateway/session", origin=LOGIN))[0] == 401
        answered = running.events("request", route="/.gateway/session")
        assert {line["worker"] for line in answered} == {1, 2}


@pytest.mark.parametrize("number", [0, 65])
def test_a_number_of_workers_that_makes_no_sense_is_a_problem(number: int) -> None:
    (found,) = problems(SMALLEST + f"[listen]\nworkers = {number}\n")
    assert found.startswith("gateway.toml:10: listen.workers: ")
