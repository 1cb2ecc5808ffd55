"""The workers' shared file is deleted, cut short, or on a full disk: the ttl limits what they miss, and all of them continue."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import pytest

from gateway.dev.standin.faults import Fault
from tests.harness.browser import FORM, HR, LOGIN, Browser, BrowserReply
from tests.harness.configuration import finished
from tests.harness.connected_client import Caller
from tests.harness.polling import moment
from tests.harness.workers import RunningWorkers, several_workers

ME = "/api/v1/sessions/me"
ALICE, BOB = "alice@example.com", "bob@example.com"
WORKERS = 2
TTL_SECONDS = 2.0


def _without_folder(folder: Path) -> None:
    """The folder is gone in one step. A worker makes a file anew as soon as it is gone, and a folder with a file cannot be deleted."""
    shutil.rmtree(folder.rename(folder.with_name("deleted")))


GONE: Mapping[str, Callable[[Path], object]] = {
    "the file": lambda folder: (folder / "state.db").unlink(),
    "all files": lambda folder: list(map(Path.unlink, folder.iterdir())),
    "the folder": _without_folder,
}


def _cut(folder: Path) -> None:
    with (folder / "state.db").open("r+b") as file:  # another process than those that use it
        file.truncate(4096)


@asynccontextmanager
async def working(folder: Path, state: Path, ttl: str = "30m") -> AsyncIterator[RunningWorkers]:
    environ = {
        "SESSION_GATEWAY__STATE__DIRECTORY": str(state),
        "SESSION_GATEWAY__SESSION__TTL": ttl,
        "SESSION_GATEWAY__SESSION__TTL_MAX": ttl,
    }
    async with several_workers(folder, environ=environ, workers=WORKERS) as running:
        yield running


async def signs_out(browser: Browser) -> BrowserReply:
    """To the last page."""
    reply = await browser.post(f"{HR}/.gateway/sign-out", fields={**FORM, "Origin": HR})
    return await browser.ask(reply.location) if reply.status == 303 else reply


async def statuses(callers: Mapping[int, Caller], cookie: str) -> list[int]:
    """What each worker says to these cookies."""
    return [(await caller.ask("/", cookie))[0] for caller in callers.values()]


async def until(seconds: float, callers: Mapping[int, Caller], cookie: str, status: int) -> float:
    """How long it takes until every worker says so."""
    started_at = monotonic()
    while await statuses(callers, cookie) != [status] * len(callers):
        assert monotonic() - started_at < seconds
        await moment(0.01)
    return monotonic() - started_at


@pytest.mark.parametrize("what", GONE)
async def test_workers_make_a_deleted_file_anew_and_a_sign_out_holds_in_all_once_each_has_looked(tmp_path: Path, what: str) -> None:
    state = tmp_path / "state"
    async with working(tmp_path, state) as running:
        running.org.faults.add(Fault(ME, "DELETE", 503, times=None))  # Okta goes on believing everybody
        before, former = await running.entered()
        browser, cookie = await running.entered()
        _, other = await running.entered(BOB)
        callers = await running.callers_of_all(cookie)
        assert await statuses(callers, other) == [200] * WORKERS
        await signs_out(before)
        GONE[what](state)
        deleted = monotonic()
        while not (state / "state.db").exists():
            assert monotonic() - deleted < 20.0
            await moment(0.01)
        page = await signs_out(browser)
        assert page.status == 200 and "our servers" not in page.body
        async with asyncio.timeout(20):  # another worker may not have looked at the file yet: it does every 50 ms
            while await statuses(callers, cookie) != [401] * WORKERS:
                await moment(0.01)
        assert await statuses(callers, former) == [401] * WORKERS
        assert await statuses(callers, other) == [200] * WORKERS
        assert await running.readiness() == (200, {})
        (line,) = running.events("state_made_anew")
        assert line["problem"] == f"{state}/state.db: was deleted while it was in use; let no other program change files in this folder"
        assert line["outcome"] == "a new file was made with everything"
        assert running.events("state_failed") == []
        running.kill(0)
        await running.replaced(0)
        callers = await running.callers_of_all(other)
        assert await statuses(callers, cookie) == await statuses(callers, former) == [401] * WORKERS
        assert await statuses(callers, other) == [200] * WORKERS  # the memory is the same one: nobody goes through a hand-off


async def test_after_a_file_was_cut_short_everybody_goes_through_one_hand_off(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with working(tmp_path, state) as running:
        browser, cookie = await running.entered()
        other, line = await running.entered(BOB)
        callers = await running.callers_of_all(cookie)
        await signs_out(browser)
        await grown(running, state)
        _cut(state)
        await until(1.0, callers, line, 401)
        await until(1.0, callers, cookie, 401)
        reply, asked = await other.walk(f"{HR}/")
        assert (reply.status, reply.body) == (200, f"hello {BOB}")
        assert any("/.gateway/handoff" in url for url in asked) and not any("/login/" in url for url in asked)
        assert await running.readiness() == (200, {})
        (told,) = running.events("state_made_anew")
        assert "was cut short" in str(told["problem"]) and "passes from before go through a hand-off" in str(told["outcome"])


async def grown(running: RunningWorkers, state: Path) -> None:
    """SQLite carries what is in its log to the file, as it does by itself after a thousand pages."""
    script = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchone()[0])"
    subprocess.run(["python3", "-c", script, str(state / "state.db")], check=True, timeout=20)
    await moment(0.2)  # every worker has seen how large it is


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "gateway-test", str(folder))
    if subprocess.run(mount, capture_output=True, timeout=20).returncode:
        pytest.skip("file systems may not be mounted here; that needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True, timeout=20)


async def test_on_a_full_disk_the_ttl_bounds_what_others_do_not_know_until_there_is_room(tmp_path: Path, small_disk: Path) -> None:
    state = small_disk / "state"
    async with working(tmp_path, state, f"{TTL_SECONDS:.0f}s") as running:
        browser, cookie = await running.entered()
        staying, line = await running.entered(BOB)
        leaving, theirs = await running.entered()
        callers = await running.callers_of_all(cookie)
        for each in (line, theirs):
            assert await statuses(callers, each) == [200] * WORKERS
        with (small_disk / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError, match="No space left"):
            while True:
                filler.write(bytes(4096))
        page = await signs_out(browser)
        signed_out = monotonic()
        assert page.status == 200 and "Some of our servers could not be told yet" in page.body and "Okta could not" not in page.body
        status, reasons = await running.readiness()
        assert status == 503 and any("is full; make room on its disk" in reason for reason in reasons.values())
        last_admitted = signed_out
        while monotonic() - signed_out < TTL_SECONDS + 0.5:
            asked = monotonic()
            if await statuses(callers, cookie) != [401] * WORKERS:
                last_admitted = asked
            assert await statuses(callers, line) == [200] * WORKERS
            await moment(0.02)
        assert last_admitted - signed_out <= TTL_SECONDS
        token = running.org.session_token(ALICE)
        reply = await staying.ask(
            f"{LOGIN}/login/sessionCookieRedirect?token={token}&redirectUrl={HR}/", fields={**FORM, "Sec-Fetch-Site": "same-site"}
        )
        assert reply.status == 503 and "<h1" in reply.body and running.org.session_tokens.meaning(token) is not None

        running.org.faults.add(Fault(ME, "DELETE", 503, times=None))
        page = await signs_out(leaving)
        assert "Some of our servers could not be told yet" in page.body and "Okta could not be reached" in page.body
        assert sorted(await statuses(callers, theirs)) == [200, 401]
        (small_disk / "filler").unlink()
        await until(2.0, callers, theirs, 401)
        while (await running.readiness())[0] != 200:
            assert monotonic() - signed_out < 60.0
        assert running.events("state_made_anew") == []


async def test_a_folder_that_can_only_be_read_ends_the_start_with_a_remedy(tmp_path: Path, small_disk: Path) -> None:
    (small_disk / "state").mkdir()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True, timeout=20)
    configuration = tmp_path / "gateway.toml"
    configuration.write_text(
        f'[okta]\norg = "https://example.okta.com"\n[login]\nurl = "{LOGIN}"\n[state]\ndirectory = "{small_disk}/state"\n'
    )
    code, _, said = await finished("run", "--config", configuration)
    assert code == 1 and f"{small_disk}/state: cannot be written; give the gateway's user the right to" in said
