"""What the SQLite engine promises beyond the contract: restarts, clocks that are set back, several processes."""

import asyncio
import os
import signal
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.clock import Clock
from gateway.policy.session.session import Fingerprint
from gateway.revocations import REMEMBERED_SECONDS, Remembered, Report, Revocation
from gateway.shared_state import Bounds, SqliteState, open_state
from tests.shared_state.engines import StateClock, kept, not_told, opened

ONE = Fingerprint(b"1" * 16)


@pytest.fixture
async def state(tmp_path: Path, times: StateClock) -> AsyncIterator[SqliteState]:
    made = SqliteState(tmp_path, times.clock, not_told)
    yield made
    await made.aclose()


async def test_what_is_reported_in_one_turn_of_the_loop_is_written_at_once_and_each_caller_is_told_of_its_own(state: SqliteState) -> None:
    ends = [Revocation(user_id=f"00u{number}") for number in range(3)]
    reports = [Report("news", b"%d" % (number % 2), 60.0, (ends[number],)) for number in range(3)]
    assert await asyncio.gather(*map(state.report, reports)) == [True, True, False]
    assert [remembered.revocation for remembered in await kept(state)] == ends[:2]


async def test_a_report_that_nobody_waits_for_any_more_is_made_all_the_same(state: SqliteState) -> None:
    one, other = (asyncio.create_task(state.report(Report("news", name, 60.0))) for name in (b"one", b"other"))
    await asyncio.sleep(0)
    one.cancel()
    assert await other
    assert one.cancelled() and not await state.claim("news", b"one", 60.0)


async def test_what_was_reported_before_the_close_is_written(tmp_path: Path, times: StateClock) -> None:
    closing = SqliteState(tmp_path, times.clock, not_told)
    reported = asyncio.create_task(closing.report(Report("news", b"one", 60.0, (Revocation((ONE,)),))))
    await asyncio.sleep(0)
    await closing.aclose()
    assert await reported
    async with opened("sqlite", tmp_path, times) as later:
        assert [remembered.revocation for remembered in await kept(later)] == [Revocation((ONE,))]


async def test_what_is_kept_outlives_the_process_and_ends_when_it_would_have(tmp_path: Path, times: StateClock) -> None:
    async with opened("sqlite", tmp_path, times) as first:
        await first.put("record", b"a", b"sealed", 10.0)
        assert await first.claim("ticket", b"t", 10.0)
        await first.publish(Revocation((ONE,), user_id="00u1"))
        epoch = first.epoch
    times.passes(6.0)
    times.monotonic_start = -times.passed  # another process, another boot
    async with opened("sqlite", tmp_path, times) as second:
        assert second.epoch == epoch
        assert await second.get("record", b"a") == b"sealed"
        assert not await second.claim("ticket", b"t", 10.0)
        assert await kept(second) == [Remembered(Revocation((ONE,), user_id="00u1"), 6.0)]
        times.passes(4.0)
        assert await second.get("record", b"a") is None
        assert await second.claim("ticket", b"t", 10.0)


async def test_the_file_and_its_folder_are_private(tmp_path: Path, times: StateClock) -> None:
    folder = tmp_path / "above" / "state"
    async with opened("sqlite", folder, times) as state:
        await state.put("record", b"a", b"", 10.0)
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == dict.fromkeys(
            ("state.db", "state.db-wal", "state.db-shm", "state.lock", "state.counter"), 0o600
        )
    (folder / "state.db").chmod(0o644)
    async with opened("sqlite", folder, times):
        assert (folder / "state.db").stat().st_mode & 0o777 == 0o600


async def test_a_clock_that_is_set_back_lets_no_entry_live_longer_than_its_own_seconds(state: SqliteState, times: StateClock) -> None:
    await state.put("record", b"a", b"1", 10.0)
    assert await state.claim("ticket", b"t", 10.0)
    await state.publish(Revocation((ONE,)))
    times.wall_start -= 86_400.0
    assert await state.get("record", b"a") == b"1"
    assert [age for _, age in await kept(state)] == [0.0]
    times.passes(10.0)
    assert await state.get("record", b"a") is None
    assert await state.claim("ticket", b"t", 10.0)
    times.passes(REMEMBERED_SECONDS - 10.0)
    assert await kept(state) == []


async def test_reading_alone_notices_that_the_clock_was_set_back(state: SqliteState, times: StateClock) -> None:
    await state.put("record", b"a", b"1", 10.0)
    times.wall_start -= 86_400.0
    assert await state.get("record", b"a") == b"1"
    times.passes(10.0)
    assert await state.get("record", b"a") is None


@settings(max_examples=60, deadline=None)
@given(
    seconds=st.sampled_from([1.0, 10.0, 60.0]),
    moves=st.lists(st.tuples(st.sampled_from([-1000.0, -5.0, 0.0, 3.0]), st.sampled_from([0.0, 0.5, 4.0])), max_size=12),
)
def test_however_a_clock_is_moved_an_entry_is_gone_when_its_seconds_have_passed_since_the_last_move_back(
    seconds: float, moves: list[tuple[float, float]]
) -> None:
    times = StateClock()

    async def followed(folder: Path) -> None:
        state = SqliteState(folder, times.clock, not_told)
        await state.put("record", b"a", b"", seconds)
        for jump, passed in moves:
            times.wall_start += jump
            await state.get("record", b"a")
            times.passes(passed)
            await state.put("other", b"b", b"", 1.0)
        times.passes(seconds)
        assert await state.get("record", b"a") is None
        assert await state.entries("record") == []
        await state.aclose()

    with TemporaryDirectory() as folder:
        asyncio.run(followed(Path(folder)))


_PROCESS = """
import asyncio, sys
from pathlib import Path
from gateway.clock import Clock
from gateway.shared_state import SqliteState

async def work() -> None:
    print("ready", flush=True)
    sys.stdin.readline()
    state = SqliteState(Path(sys.argv[1]), Clock(), lambda event, figures: print(event, figures, flush=True))
    {work}
    await state.aclose()

asyncio.run(work())
"""
_CLAIMS = """
    for number in range(300):
        if await state.claim("ticket", b"%d" % number, 60.0):
            print("won", number, flush=True)
    while (taken := await state.take("record", b"a")) is None:
        await state.put("record", b"a", b"1", 60.0)
    print("took", flush=True)
"""
_WRITES = """
    number = 0
    while True:
        number += 1
        await state.put("record", b"%d" % number, b"x" * 100, 60.0)
        if number == 50:
            print("writing", flush=True)
"""


async def _process(work: str, folder: Path) -> Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PROCESS.format(work=work.strip()), str(folder), stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        assert await process.stdout.readline() == b"ready\n"
    return process


async def test_of_several_processes_that_make_the_file_and_claim_at_once_each_claim_has_one_winner(tmp_path: Path) -> None:
    processes = [await _process(_CLAIMS, tmp_path / "state") for _ in range(4)]
    async with asyncio.timeout(60):
        said = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [err for _, err in said] == [b""] * 4
    lines = [line for out, _ in said for line in out.decode().splitlines()]
    assert sorted(line for line in lines if line != "took") == sorted(f"won {number}" for number in range(300))
    assert lines.count("took") == 4


async def test_a_process_that_is_killed_while_it_writes_leaves_nothing_half_done(tmp_path: Path, times: StateClock) -> None:
    writer = await _process(_WRITES, tmp_path)
    assert writer.stdin is not None and writer.stdout is not None
    writer.stdin.write(b"go\n")
    async with asyncio.timeout(60):
        assert await writer.stdout.readline() == b"writing\n"
        os.kill(writer.pid, signal.SIGKILL)
        await writer.wait()
    state = SqliteState(tmp_path, Clock(), not_told)
    entries_kept = await state.entries("record")
    await state.put("record", b"another", b"", 60.0)
    await state.aclose()
    assert len(entries_kept) >= 50
    with sqlite3.connect(tmp_path / "state.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        entries, held = database.execute("SELECT entries, bytes FROM total WHERE kind = 'record'").fetchone()
    database.close()
    assert (entries, held) == (len(entries_kept) + 1, sum(len(key) + len(value) for key, value in entries_kept) + len(b"another"))


async def test_a_folder_makes_it_sqlite_and_none_makes_it_memory(tmp_path: Path, times: StateClock) -> None:
    lasting = open_state(tmp_path, times.clock, not_told)
    memory = open_state(None, times.clock, not_told)
    assert [type(one).__name__ for one in (lasting, memory)] == ["SqliteState", "MemoryState"]
    await lasting.aclose()
    await memory.aclose()


async def test_the_bounds_of_one_process_hold_for_what_another_wrote(tmp_path: Path, times: StateClock) -> None:
    async with opened("sqlite", tmp_path, times) as one, opened("sqlite", tmp_path, times, {"record": Bounds(2, 1000)}) as other:
        for key in (b"a", b"b", b"c"):
            await one.put("record", key, b"", 10.0)
        await other.put("record", b"d", b"", 10.0)
        assert [key for key, _ in await one.entries("record")] == [b"c", b"d"]
        assert (one.forgotten, other.forgotten) == (0, 2)
