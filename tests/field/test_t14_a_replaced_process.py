"""Row T14: after the process that knew a session's cookies died, and its ``idx`` was renewed, a sign-out still ends all its passes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.dev.standin import OrgSession
from tests.field.restarts import at, restarted
from tests.harness.browser import ALICE, FORM, HR, LOGIN, NAVIGATION, Browser
from tests.harness.site import Site, cookie_line, deployed
from tests.harness.workers import RunningWorkers, several_workers

ME = "/api/v1/sessions/me"
LONG = 'ttl = "30m"\nttl_max = "30m"\n'


def renewed(site: Site, browser: Browser, session: OrgSession) -> None:
    """Okta gives the browser another ``idx``; the apps' passes hold the one before."""
    browser.jar(LOGIN)["idx"] = site.org.sessions.renew_idx(session)


async def signs_out(browser: Browser, way: str) -> None:
    if way == "own page":
        await browser.post(f"{LOGIN}/.gateway/sign-out", "to=", {**FORM, "Origin": LOGIN})
    elif way == "okta's page":
        await browser.ask(f"{LOGIN}/login/signout", fields={**NAVIGATION, "Sec-Fetch-Site": "same-origin"})
    else:
        await browser.post(f"{HR}/.gateway/sign-out", "to=", {**FORM, "Origin": HR})


WAYS = ["own page", "okta's page", "app"]


@pytest.mark.parametrize("way", WAYS)
async def test_t14_after_a_restart_a_sign_out_with_the_newer_cookie_ends_the_passes_with_the_older(way: str, tmp_path: Path) -> None:
    async with deployed("identity", session=f'{LONG}[state]\ndirectory = "{tmp_path}"') as site:
        browser, session = site.session(ALICE)
        await site.enters(browser)
        old = cookie_line(browser, HR)
        async with restarted(site) as after:
            browser = at(after, browser)
            assert (await after.ask("/", old)).status == 200  # from Okta, and cached from here on
            renewed(after, browser, session)
            del browser.jar(LOGIN)["sid"]
            await signs_out(browser, way)
            assert after.org.sessions.active() == []
            for _ in range(3):
                assert (await after.ask("/", old)).status in (302, 401)


@pytest.mark.parametrize("way", ["own page", "okta's page"])
async def test_t14_without_a_folder_the_older_pass_is_refused_too(way: str) -> None:
    async with deployed("identity", session=LONG) as site:
        browser, session = site.session(ALICE)
        await site.enters(browser)
        async with restarted(site) as after:
            browser = at(after, browser)
            await site.enters(browser)  # the memory began empty, so once round
            old = cookie_line(browser, HR)
            assert (await after.ask("/", old)).status == 200
            renewed(after, browser, session)
            del browser.jar(LOGIN)["sid"]
            await signs_out(browser, way)
            assert (await after.ask("/", old)).status in (302, 401)


async def test_t14_a_pass_of_a_revoked_session_is_refused_without_asking_okta() -> None:
    async with deployed("identity", session=LONG) as site:
        browser, _ = site.session(ALICE)
        await site.enters(browser)
        old = cookie_line(browser, HR)
        await signs_out(browser, "app")
        asked = site.seen(ME, "GET")
        site.times.passed += 3600  # no answer is remembered any more
        assert (await site.ask("/", old)).status in (302, 401) and site.seen(ME, "GET") == asked


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def workers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningWorkers]:
    """One gateway with three workers, for every way to sign out."""
    async with several_workers(tmp_path_factory.mktemp("gateway"), workers=3) as made:
        yield made


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("way", WAYS)
async def test_t14_the_worker_that_knew_is_killed_and_the_others_admit_nobody_afterwards(way: str, workers: RunningWorkers) -> None:
    browser, line, _ = await workers.known_to_all()  # each worker has Okta's answer for half an hour
    (session,) = workers.org.sessions.active()
    workers.kill(0)
    await workers.replaced(0)
    await signs_out(browser, way)
    assert session.is_over
    for caller in (await workers.callers_of_all(line)).values():
        for _ in range(5):
            assert (await caller.ask("/", line))[0] == 401
