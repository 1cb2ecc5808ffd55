"""What becomes of a SQLite state whose file or folder is bad: an error that names it with a remedy, and nothing half done."""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest

from gateway.core.session import Fingerprint
from gateway.errors import OutsideFailed, StateFailed
from gateway.revocations import Remembered, Revocation
from gateway.shared_state import SqliteState, folder_problem
from gateway.shared_state.database import BUSY_SECONDS, VERSION, open_database
from tests.shared_state.engines import Times, kept, not_told, opened

ONE = Fingerprint(b"1" * 16)


@pytest.fixture
def times() -> Times:
    return Times()


class Told(list[tuple[str, str]]):
    """What a state said, in its order."""

    def __call__(self, event: str, figures: Mapping[str, object]) -> None:
        self.append((event, str(figures.get("problem", ""))))


async def test_a_full_disk_fails_the_call_names_the_file_once_and_leaves_nothing_half_done(tmp_path: Path, times: Times) -> None:
    told = Told()
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


async def test_a_process_that_holds_the_file_is_waited_for_shortly_and_told_of_once(tmp_path: Path, times: Times) -> None:
    told = Told()
    state = SqliteState(tmp_path, times.clock, told)
    await state.put("record", b"a", b"1", 60.0)
    holder = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(2):
        with pytest.raises(StateFailed, match=r"state\.db: database is locked; end the process"):
            await state.claim("ticket", b"t", 10.0)
    assert loop.time() - began < 2 * BUSY_SECONDS + 2.0
    assert await state.get("record", b"a") == b"1"
    holder.execute("ROLLBACK")
    holder.close()
    assert await state.claim("ticket", b"t", 10.0)
    assert [event for event, _ in told] == ["state_failed", "state_works"]
    await state.aclose()


async def test_a_file_that_was_deleted_while_in_use_is_told_of(tmp_path: Path, times: Times) -> None:
    told = Told()
    state = SqliteState(tmp_path, times.clock, told)
    (tmp_path / "state.db").unlink()
    with pytest.raises(StateFailed, match="was deleted"):
        await state.publish(Revocation((ONE,)))
    other = SqliteState(tmp_path, times.clock, told)
    with pytest.raises(StateFailed, match="was deleted"):
        await state.publish(Revocation((ONE,)))
    assert [event for event, _ in told] == ["state_failed"]
    await other.aclose()
    await state.aclose()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda file: file.write_bytes(b"no database " * 1000), "file is not a database; stop the gateway and delete the file"),
        (lambda file: file.mkdir(), "unable to open"),
        (lambda file: file.symlink_to("elsewhere"), "is a symbolic link"),
    ],
    ids=["corrupt", "folder", "link"],
)
def test_what_is_no_database_is_refused_with_its_name_and_a_remedy(tmp_path: Path, times: Times, make: object, said: str) -> None:
    assert callable(make)
    make(tmp_path / "state.db")
    with pytest.raises(StateFailed, match=rf"state\.db: .*{said}"):
        SqliteState(tmp_path, times.clock, not_told)


async def test_a_file_that_becomes_corrupt_fails_the_calls(tmp_path: Path, times: Times) -> None:
    told = Told()
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


def test_another_programs_database_is_left_alone(tmp_path: Path, times: Times) -> None:
    _database(tmp_path, "CREATE TABLE entry (a)")
    with pytest.raises(StateFailed, match="is a database of another program; name another folder"):
        SqliteState(tmp_path, times.clock, not_told)


async def test_another_version_is_refused_with_its_name_and_a_remedy(tmp_path: Path, times: Times) -> None:
    async with opened("sqlite", tmp_path, times):
        pass
    _database(tmp_path, f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(StateFailed, match=rf"state\.db: is of version {VERSION + 1}, and this gateway knows {VERSION}; stop"):
        SqliteState(tmp_path, times.clock, not_told)


def test_a_folder_that_cannot_be_written_is_refused(times: Times) -> None:
    with pytest.raises(StateFailed, match="/proc/1/state"):
        SqliteState(Path("/proc/1/state"), times.clock, not_told)


def test_a_folder_that_cannot_be_made_is_refused_whoever_asks(times: Times) -> None:
    with pytest.raises(StateFailed, match="/sys/kernel/state"):
        SqliteState(Path("/sys/kernel/state"), times.clock, not_told)


def test_a_process_that_never_lets_go_of_the_lock_is_named(tmp_path: Path) -> None:
    lock = os.open(tmp_path / "state.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with pytest.raises(StateFailed, match=r"state\.lock: another process holds it; end that process"):
        open_database(tmp_path, opening_seconds=0.02)
    os.close(lock)
    open_database(tmp_path, opening_seconds=0.02).connection.close()


def test_a_folder_below_a_file_is_refused(tmp_path: Path, times: Times) -> None:
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


class Two:
    """Two processes' states on one file, what they say, and what the second hears."""

    def __init__(self, folder: Path, times: Times) -> None:
        self.told, self.others_told = Told(), Told()
        self.state = SqliteState(folder, times.clock, self.told)
        self.other = SqliteState(folder, times.clock, self.others_told)
        self.heard: list[Revocation] = []

    async def follow(self) -> None:
        await self.state.follow(lambda remembered: None)
        await self.other.follow(lambda remembered: self.heard.append(remembered.revocation))

    async def aclose(self) -> None:
        await self.state.aclose()
        await self.other.aclose()


@pytest.fixture
async def two(tmp_path: Path, times: Times) -> AsyncIterator[Two]:
    made = Two(tmp_path, times)
    await made.follow()
    yield made
    await made.aclose()


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0.01)


async def test_while_the_file_cannot_be_read_poll_says_nothing_and_what_was_missed_is_heard_first_when_it_can(
    two: Two, tmp_path: Path, times: Times
) -> None:
    await two.state.publish(Revocation((ONE,)))
    (tmp_path / "state.db").rename(tmp_path / "away.db")
    two.other.poll()
    two.other.poll()
    assert two.heard == [] and not two.other.ready
    (tmp_path / "away.db").rename(tmp_path / "state.db")
    two.other.poll()
    assert two.heard == []  # not tried again at once: a hot path must not read a broken disk for each request
    times.passes(0.05)
    two.other.poll()
    assert two.heard == [Revocation((ONE,))] and two.other.ready
    assert [event for event, _ in two.others_told] == ["state_failed", "state_works"]


async def test_a_revocation_that_could_not_be_written_is_written_when_the_file_works_again(two: Two, tmp_path: Path, times: Times) -> None:
    holder = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    for revocation in (Revocation((ONE,)), Revocation(user_id="00u1"), Revocation((ONE,))):
        with pytest.raises(StateFailed):
            await two.state.publish(revocation)
    assert not two.state.ready and two.other.ready and two.heard == []
    holder.execute("ROLLBACK")
    holder.close()
    times.passes(1.0)
    await _until(lambda: two.state.ready)
    two.other.poll()
    assert two.heard == [Revocation((ONE,)), Revocation(user_id="00u1")]
    assert [event for event, _ in two.told] == ["state_failed", "state_works"]


async def test_after_the_first_failure_a_held_file_makes_no_call_wait_again(two: Two, tmp_path: Path) -> None:
    holder = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StateFailed):
        await two.state.claim("ticket", b"t", 10.0)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(20):
        with pytest.raises(StateFailed):
            await two.state.claim("ticket", b"t", 10.0)
    assert loop.time() - began < 10 * BUSY_SECONDS
    holder.close()


async def test_a_revocation_that_no_file_could_hold_is_refused_and_not_tried_again(two: Two) -> None:
    with pytest.raises(StateFailed, match="larger than any may be"):
        await two.state.publish(Revocation(user_id="x" * 2_000_000))
    assert two.state.ready and not two.told


@pytest.mark.parametrize("who", ["publisher", "hearer"])
async def test_a_deleted_counter_is_made_anew_and_nothing_is_missed(two: Two, tmp_path: Path, times: Times, who: str) -> None:
    (tmp_path / "state.counter").unlink()
    state, heard = two.state, two.heard
    third = SqliteState(tmp_path, times.clock, two.told)
    heard_by_third: list[Revocation] = []
    await third.follow(lambda remembered: heard_by_third.append(remembered.revocation))
    publisher = state if who == "publisher" else third
    await publisher.publish(Revocation((ONE,)))
    if who == "publisher":
        two.other.poll()
        third.poll()
        assert heard == heard_by_third == [Revocation((ONE,))]
    await _until(lambda: heard == [Revocation((ONE,))])
    await asyncio.sleep(0.2)  # by now everybody has looked at the file, which they do each 50 ms
    await publisher.publish(Revocation((ONE,), "102abc"))
    two.other.poll()
    assert heard[1:] == [Revocation((ONE,), "102abc")]
    await third.aclose()


@pytest.mark.parametrize("left", [0, 4096, 10_000])
async def test_a_file_that_was_truncated_fails_calls_or_loses_nothing_and_poll_never_raises(two: Two, tmp_path: Path, left: int) -> None:
    for number in range(200):
        await two.state.put("record", b"%d" % number, b"x" * 500, 60.0)
    await two.state.publish(Revocation((ONE,)))
    os.truncate(tmp_path / "state.db", left)
    for number in range(50):
        two.other.poll()
        try:
            await two.state.publish(Revocation(session_id=f"102{number}"))
        except StateFailed:
            assert not two.state.ready
        await asyncio.sleep(0)
    two.other.poll()
    assert two.other.ready or two.others_told[0][0] == "state_failed"
    if two.other.ready and two.state.ready:
        assert len(two.heard) == 51


async def test_a_row_that_cannot_be_read_is_told_of_once_and_hides_no_other(two: Two, tmp_path: Path, times: Times) -> None:
    for key, value in ((b"k", b'{"v":2}'), (b"l", b"\xff"), (b"m", b'{"v":1,"user":"00u1"}')):
        await two.state.put("revoked.known", key, value, 60.0)
    await two.state.publish(Revocation((ONE,)))
    two.other.poll()
    assert two.heard == [Revocation(user_id="00u1"), Revocation((ONE,))] and two.other.ready
    assert [event for event, _ in two.others_told] == ["state_entry_unreadable"]


async def test_when_a_listener_fails_the_rest_is_heard_at_the_next_poll(two: Two) -> None:
    heard: list[Revocation] = []

    def hear(remembered: Remembered) -> None:
        heard.append(remembered.revocation)
        if len(heard) == 1:
            raise LookupError

    await two.other.follow(hear)
    await two.state.publish(Revocation((ONE,)))
    await two.state.publish(Revocation(user_id="00u1"))
    with pytest.raises(LookupError):
        two.other.poll()
    two.other.poll()
    assert heard == [Revocation((ONE,)), Revocation(user_id="00u1")]
