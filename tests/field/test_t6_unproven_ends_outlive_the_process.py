"""Row T6: a session that could not be closed at Okta is closed by the next process, without a request of the browser."""

import asyncio
import signal
from pathlib import Path

import pytest

from gateway.dev.standin import Fault, Org
from tests.field.restarts import at, restarted
from tests.harness.browser import ALICE, BOB, FORM, HR, LOGIN
from tests.harness.gateway import each
from tests.harness.polling import moment
from tests.harness.site import Site, deployed
from tests.harness.wire import PATIENCE
from tests.harness.workers import several_workers, started

ME = "/api/v1/sessions/me"
SIGN_OUT = "/.gateway/sign-out"
ENGINES = ["classic", "identity"]


def kept_in(folder: Path) -> str:
    return f'[state]\ndirectory = "{folder}"'


def is_away(org: Org) -> None:
    org.faults.add(Fault(ME, "DELETE", 503, times=None))


async def lives(org: Org, *logins: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while sorted(one.user.login for one in org.sessions.active()) != sorted(logins):
            await moment()


async def told(site: Site, event: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while event not in [line["event"] for line in site.lines]:
            await moment()


def pending(site: Site) -> float:
    """What the gauges say."""
    lines = [line for gateway in each(site.gateway) for line in gateway.metrics.exposition().decode().splitlines()]
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("session_gateway_closes_pending "))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("origin", [HR, LOGIN])
async def test_t6_the_next_process_closes_what_this_one_could_not(engine: str, origin: str, tmp_path: Path) -> None:
    async with deployed(engine, session=kept_in(tmp_path)) as site:
        browser = await site.entered(ALICE)
        await site.entered(BOB)
        is_away(site.org)
        await browser.post(f"{origin}{SIGN_OUT}", "to=", {**FORM, "Origin": origin})
        assert pending(site) == 1
        await site.gateway.aclose()
        site.org.faults.clear()
        async with site.beside() as after:
            await lives(after.org, BOB)
            await told(after, "close_proven_late")
            async with asyncio.timeout(PATIENCE):
                while pending(after):  # the gauge falls a little later
                    await moment()
        async with site.beside() as third:
            assert pending(third) == 0, "the record is gone with its proof"


async def test_t6_while_okta_stays_away_the_next_process_goes_on_trying(tmp_path: Path) -> None:
    async with deployed(session=kept_in(tmp_path)) as site:
        browser = await site.entered(ALICE)
        is_away(site.org)
        await browser.post(f"{HR}{SIGN_OUT}", "to=", {**FORM, "Origin": HR})
        tried = site.seen(ME, "DELETE")
        async with restarted(site) as after:
            async with asyncio.timeout(PATIENCE):
                await after.org.journal.seen("DELETE", ME, times=tried + 1)
            assert pending(after) == 1
            after.org.faults.clear()
            await lives(after.org)


async def test_t6_a_process_that_ends_while_okta_is_asked_leaves_the_rest_to_the_next(tmp_path: Path) -> None:
    async with deployed(session=kept_in(tmp_path)) as site:
        browser = await site.entered(ALICE)
        held = Fault(ME, "DELETE", 503, times=None, release=asyncio.Event())
        site.org.faults.add(held)
        signing_out = asyncio.create_task(browser.post(f"{HR}{SIGN_OUT}", "to=", {**FORM, "Origin": HR}))
        await site.org.journal.seen("DELETE", ME)
        await site.gateway.aclose()
        site.org.faults.clear()
        await asyncio.gather(signing_out, return_exceptions=True)
        assert len(site.org.sessions.active()) == 1
        async with site.beside() as after:
            await lives(after.org)


async def test_t6_a_refused_switch_is_closed_by_the_next_process_too(tmp_path: Path) -> None:
    async with deployed(session=kept_in(tmp_path)) as site:
        browser = await site.entered(ALICE)
        is_away(site.org)
        token = site.org.session_token(BOB)
        asked = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "same-site"}
        reply = await browser.ask(f"{LOGIN}/login/sessionCookieRedirect?token={token}&redirectUrl=%2F", fields=asked)
        assert reply.status == 503
        await site.gateway.aclose()
        site.org.faults.clear()
        async with site.beside() as after:
            await lives(after.org)


async def test_t6_the_records_hold_no_cookie_that_could_be_read_and_end_with_the_browsers_own_proof(tmp_path: Path) -> None:
    async with deployed(session=kept_in(tmp_path)) as site:
        browser = await site.entered(ALICE)
        value = browser.jar(LOGIN)["sid"].encode()
        is_away(site.org)
        await browser.post(f"{LOGIN}{SIGN_OUT}", "to=", {**FORM, "Origin": LOGIN})
        assert all(value not in file.read_bytes() for file in tmp_path.iterdir())
        site.org.faults.clear()
        await browser.post(f"{LOGIN}{SIGN_OUT}", "to=", {**FORM, "Origin": LOGIN})
        assert site.org.sessions.active() == []
        async with asyncio.timeout(PATIENCE):
            while pending(site):  # a process that tries again sees at its next try that another one has the proof
                await moment()
        asked = site.seen(ME)
        async with restarted(site) as after:
            await at(after, browser).ask(f"{LOGIN}/.gateway/")
            assert after.seen(ME) == asked and pending(after) == 0


async def test_t6_two_processes_of_one_folder_do_not_try_at_the_same_time(tmp_path: Path) -> None:
    async with deployed(session=kept_in(tmp_path)) as site:
        browser = await site.entered(ALICE)
        is_away(site.org)
        await browser.post(f"{HR}{SIGN_OUT}", "to=", {**FORM, "Origin": HR})
        await site.gateway.aclose()
        site.org.faults.clear()
        held = Fault(ME, "DELETE", release=asyncio.Event(), times=None)
        site.org.faults.add(held)
        tried = site.seen(ME, "DELETE")
        async with site.beside() as one, site.beside() as other:
            await site.org.journal.seen("DELETE", ME, times=tried + 1)
            assert sorted((pending(one), pending(other))) == [0, 1], "one of them has taken it over"
            taker = one if pending(one) else other
            assert held.release is not None
            held.release.set()
            await lives(site.org)
            await told(taker, "close_proven_late")
            assert site.seen(ME, "DELETE") == tried + 1


async def test_t6_the_whole_gateway_is_killed_and_started_again(tmp_path: Path) -> None:
    environ = {"SESSION_GATEWAY__STATE__DIRECTORY": str(tmp_path / "state")}
    async with several_workers(tmp_path, environ=environ) as running:
        browser, _ = await running.entered()
        is_away(running.org)
        assert (await browser.post(f"{HR}{SIGN_OUT}", fields={**FORM, "Origin": HR})).status == 303
        running.process.send_signal(signal.SIGKILL)
        await running.process.wait()
        running.org.faults.clear()
        assert len(running.org.sessions.active()) == 1
        async with started(tmp_path, running.org, running.app, environ):
            await lives(running.org)


async def test_t6_a_worker_is_killed_while_it_closes_and_another_goes_on(tmp_path: Path) -> None:
    async with several_workers(tmp_path, workers=3) as running:
        _, line = await running.entered()
        callers = await running.callers_of_all()
        held = Fault(ME, "DELETE", 503, times=None, release=asyncio.Event())
        running.org.faults.add(held)
        form = ("Sec-Fetch-Site: same-origin", "Content-Type: application/x-www-form-urlencoded", "Content-Length: 0")
        signing_out = asyncio.create_task(callers[1].ask(SIGN_OUT, line, f"Origin: {HR}", *form, method="POST"))
        await running.org.journal.seen("DELETE", ME)
        running.kill(1)
        assert await signing_out == (0, "")
        for number in (0, 2):
            assert (await callers[number].ask("/", line))[0] == 401
        running.org.faults.clear()
        await lives(running.org)
