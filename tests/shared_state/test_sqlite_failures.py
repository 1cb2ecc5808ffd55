"""What becomes of a SQLite state whose file or folder is bad: an error that names it with a remedy, and nothing half done."""

import asyncio
import fcntl
import os
import sqlite3
from pathlib import Path

import pytest

from gateway.errors import OutsideFailed, StateFailed
from gateway.policy.session.session import Fingerprint
from gateway.revocations import Revocation
from gateway.shared_state import SqliteState, folder_problem
from gateway.shared_state.database import BUSY_SECONDS, open_database
from gateway.shared_state.tables import VERSION
from tests.shared_state.engines import StateClock, StateEvents, kept, not_told, opened


async def test_a_full_disk_fails_the_call_names_the_file_once_and_leaves_nothing_half_done(tmp_path: Path, times: StateClock) -> None:
    told = StateEvents()
    state = SqliteState(tmp_path, times.clock, told, largest_bytes=128 * 1024)
    with pytest.raises(OutsideFailed, match=r"state\.db: database or disk is full; make room"):
        for number in range(100):
            await state.put("record", b"%d" % number, b"x" * 10_000, 60.0)
    before = await state.entries("record")
    # Three keys of one revocation: the last one does not fit.
    large = Revocation(tuple(Fingerprint(b"%016d" % number) for number in range(2000)), "102abc", "00u1")
    for _ in range(3):
        with pytest.raises(StateFailed):
            await state.publish(large)
    assert await kept(state) == []
    assert await state.entries("record") == before
    assert [event for event, _ in told if event == "state_failed"][:1] == ["state_failed"]
    assert all(str(tmp_path / "state.db") in problem for event, problem in told if event == "state_failed")
    await state.delete("record", b"0")
    await state.delete("record", b"1")
    await state.put("record", b"small", b"", 60.0)
    assert told[-1][0] == "state_works"
    await state.aclose()


async def test_a_process_that_holds_the_file_is_waited_for_shortly_and_told_of_once(tmp_path: Path, times: StateClock) -> None:
    told = StateEvents()
    state = SqliteState(tmp_path, times.clock, told)
    await state.put("record", b"a", b"1", 60.0)
    holder = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    loop = asyncio.get_running_loop()
    started_at = loop.time()
    for _ in range(4):
        with pytest.raises(StateFailed, match=r"state\.db: database is locked; end the process"):
            await state.claim("ticket", b"t", 10.0)
    assert loop.time() - started_at < 4 * BUSY_SECONDS + 10.0  # SQLite's own is five seconds each
    assert await state.get("record", b"a") == b"1"
    holder.execute("ROLLBACK")
    holder.close()
    assert await state.claim("ticket", b"t", 10.0)
    assert [event for event, _ in told] == ["state_failed", "state_works"]
    await state.aclose()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda file: file.write_bytes(b"no database " * 1000), "file is not a database; delete the file; gateways that run make it anew"),
        (lambda file: file.mkdir(), "unable to open"),
        (lambda file: file.symlink_to("elsewhere"), "is a symbolic link"),
    ],
    ids=["corrupt", "folder", "link"],
)
def test_what_is_no_database_is_refused_with_its_name_and_a_remedy(tmp_path: Path, times: StateClock, make: object, said: str) -> None:
    assert callable(make)
    make(tmp_path / "state.db")
    with pytest.raises(StateFailed, match=rf"state\.db: .*{said}"):
        SqliteState(tmp_path, times.clock, not_told)


async def test_a_file_that_becomes_corrupt_fails_the_calls(tmp_path: Path, times: StateClock) -> None:
    told = StateEvents()
    async with opened("sqlite", tmp_path, times) as filled:
        for number in range(200):
            await filled.put("record", b"%d" % number, b"x" * 500, 60.0)
    state = SqliteState(tmp_path, times.clock, told)
    with (tmp_path / "state.db").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 60_000)
    with pytest.raises(StateFailed, match=r"state\.db: .*delete the file"):
        await state.put("record", b"a", b"x" * 500, 60.0)
    with pytest.raises(StateFailed, match=r"state\.db: "):
        await state.get("record", b"150")
    assert told[0][0] == "state_failed" and str(tmp_path) in told[0][1]
    await state.aclose()


def _database(folder: Path, *statements: str) -> None:
    database = sqlite3.connect(folder / "state.db")
    for statement in statements:
        database.execute(statement)
    database.commit()
    database.close()


def test_another_programs_database_is_left_alone(tmp_path: Path, times: StateClock) -> None:
    _database(tmp_path, "CREATE TABLE entry (a)")
    with pytest.raises(StateFailed, match="is a database of another program; name another folder"):
        SqliteState(tmp_path, times.clock, not_told)


async def test_another_version_is_refused_with_its_name_and_a_remedy(tmp_path: Path, times: StateClock) -> None:
    async with opened("sqlite", tmp_path, times):
        pass
    _database(tmp_path, f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(StateFailed, match=rf"state\.db: is of version {VERSION + 1}, and this gateway knows {VERSION}; stop"):
        SqliteState(tmp_path, times.clock, not_told)


def test_a_folder_that_cannot_be_written_is_refused(times: StateClock) -> None:
    with pytest.raises(StateFailed, match="/proc/1/state"):
        SqliteState(Path("/proc/1/state"), times.clock, not_told)


def test_a_folder_that_cannot_be_made_is_refused_whoever_asks(times: StateClock) -> None:
    with pytest.raises(StateFailed, match="/sys/kernel/state"):
        SqliteState(Path("/sys/kernel/state"), times.clock, not_told)


def test_a_process_that_never_lets_go_of_the_lock_is_named(tmp_path: Path) -> None:
    lock = os.open(tmp_path / "state.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with pytest.raises(StateFailed, match=r"state\.lock: another process holds it; end that process"):
        open_database(tmp_path, opening_seconds=0.02)
    os.close(lock)
    open_database(tmp_path, opening_seconds=0.02).connection.close()


def test_a_folder_below_a_file_is_refused(tmp_path: Path, times: StateClock) -> None:
    (tmp_path / "file").touch()
    problem = folder_problem(tmp_path / "file" / "state")
    assert problem is not None and "is no folder" in problem
    with pytest.raises(StateFailed, match="is no folder"):
        SqliteState(tmp_path / "file", times.clock, not_told)


def test_a_network_file_system_is_refused_and_a_local_one_is_not(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nserver:/a {tmp_path}/far nfs4 rw 0 0\n")
    (tmp_path / "far").mkdir()
    (tmp_path / "link").symlink_to("far")
    for folder in ("far", "far/below/state", "link", "link/state"):
        problem = folder_problem(tmp_path / folder, mounts)
        assert problem is not None and "lies on a network file system (nfs4)" in problem
    assert folder_problem(tmp_path / "near", mounts) is None
    assert folder_problem(tmp_path / "near", tmp_path / "absent") is None
    assert not (tmp_path / "near").exists()
