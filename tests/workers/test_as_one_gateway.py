"""Several workers on one port look like one gateway to clients."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.harness.browser import FORM, HR, LOGIN, BrowserReply
from tests.harness.configuration import SMALLEST, problems
from tests.harness.workers import RunningWorkers, several_workers

WORKERS = 3
ADMITTED = 'requests_total{door="app",status="200",verdict="admit"}'
SHARED = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for temporary files that lies deep."""
    deep = tmp_path_factory.mktemp("gateway") / ("deep" * 30)  # longer than the address of a socket may be
    deep.mkdir()
    return deep


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def running(folder: Path) -> AsyncIterator[RunningWorkers]:
    """One gateway for all these tests."""
    async with several_workers(folder, workers=WORKERS) as made:
        yield made


@SHARED
async def test_every_worker_answers_and_the_admin_address_speaks_for_all(running: RunningWorkers, folder: Path) -> None:
    assert await running.readiness() == (200, {})
    remembered = (await running.metrics())["sessions_remembered"]
    _, cookie = await running.entered()
    callers = await running.callers_of_all(cookie)
    before = (await running.metrics())[ADMITTED]
    for caller in callers.values():
        assert await caller.ask("/", cookie) == (200, "hello alice@example.com")
    found = await running.metrics()
    assert found[ADMITTED] == before + WORKERS
    assert (found["workers_listening"], found["sessions_remembered"]) == (WORKERS, remembered + WORKERS)
    (state,) = (folder / "scratch").iterdir()
    assert state.stat().st_mode & 0o777 == 0o700
    assert (state / "state.db").stat().st_mode & 0o777 == 0o600


@SHARED
async def test_who_signs_out_at_one_worker_is_refused_by_all_when_the_answer_comes(running: RunningWorkers) -> None:
    browser, cookie, callers = await running.known_to_all()
    reply = await browser.post(f"{HR}/.gateway/sign-out", fields={**FORM, "Origin": HR})
    assert reply.status == 303
    refused = len(running.events("request", method="GET", status=401, reason="revoked"))
    assert [(await caller.ask("/", cookie))[0] for caller in callers.values()] == [401] * WORKERS
    await running.event("request", refused + WORKERS, method="GET", status=401, reason="revoked")


@SHARED
async def test_a_worker_that_stands_still_holds_up_no_sign_out_and_believes_nothing_when_it_goes_on(running: RunningWorkers) -> None:
    browser, cookie, callers = await running.known_to_all()
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


async def _first_answered(replies: list[asyncio.Task[BrowserReply]]) -> int:
    for coming in asyncio.as_completed(replies):
        with suppress(aiohttp.ClientError):
            return (await coming).status
    raise AssertionError("nobody was answered")


@SHARED
async def test_a_ticket_is_used_once_whichever_worker_gets_it(running: RunningWorkers) -> None:
    browser = running.browser()
    browser.signs_in(running.org.sign_in("alice@example.com"))
    ticket, start = await browser.ticket_url(), dict(browser.jar(HR))
    nonce = "Cookie: " + "; ".join(f"{name}={value}" for name, value in start.items())
    navigation = ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Accept: text/html")
    callers = await running.callers_of_all()
    target = ticket.removeprefix(HR)
    statuses = [(await caller.ask(target, nonce, *navigation))[0] for caller in callers.values()]
    assert statuses == [303, 400, 400]


@SHARED
async def test_a_token_is_redeemed_once_whichever_worker_gets_it(running: RunningWorkers) -> None:
    token = running.org.session_token("alice@example.com")
    target = f"/login/sessionCookieRedirect?token={token}&redirectUrl={LOGIN}/home"
    callers = await running.callers_of_all()
    navigation = ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: same-site", "Accept: text/html")
    statuses = await asyncio.gather(*(caller.ask(target, *navigation, origin=LOGIN) for caller in callers.values()))
    first, *others = sorted(status for status, _ in statuses)
    assert first == 302 and set(others) <= {307, 409}  # sent back to come again, or told that it was used
    assert sum(row.token is not None for row in running.org.journal.rows) == 1


@pytest.mark.parametrize("number", [0, 65])
def test_a_number_of_workers_that_makes_no_sense_is_a_problem(number: int) -> None:
    (found,) = problems(SMALLEST + f"[listen]\nworkers = {number}\n")
    assert found.startswith("gateway.toml:10: listen.workers: ")
