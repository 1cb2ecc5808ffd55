"""A look at the files of an idle state costs nearly nothing, and misses nothing."""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.clock import Clock
from gateway.policy.session.session import Fingerprint
from gateway.revocations import Revocation
from gateway.shared_state import SqliteState
from gateway.shared_state.file_marks import QUIET_NANOSECONDS, FileMarks
from gateway.shared_state.published import key_of, parts_of
from gateway.shared_state.serialization import serialized
from gateway.shared_state.sqlite import LOOK_SECONDS
from tests.harness.polling import moment
from tests.shared_state.engines import not_told, until

WRITTEN = 1_800_000_000 * 10**9
QUIET = WRITTEN + 2 * QUIET_NANOSECONDS
LOOKS = 8


class MarkedFiles:
    """Three files, and a clock that a test sets."""

    def __init__(self, folder: Path) -> None:
        self.log, *self.others = self.all = [folder / name for name in ("log", "database", "counter")]
        self.now = QUIET
        for file in self.all:
            file.write_bytes(b"12345678")
        self.writes(WRITTEN)
        self.marks = FileMarks(self.log, self.others, lambda: self.now)

    def writes(self, at: int) -> None:
        """A commit that leaves the log as long as it was."""
        self.log.write_bytes(b"87654321")
        os.utime(self.log, ns=(at, at))


@pytest.fixture
def files(tmp_path: Path) -> MarkedFiles:
    return MarkedFiles(tmp_path)


def test_the_first_look_knows_nothing_and_the_next_that_nothing_has_changed(files: MarkedFiles) -> None:
    assert [files.marks.are_as_before() for _ in range(3)] == [False, True, True]


def test_a_commit_is_seen_once(files: MarkedFiles) -> None:
    files.marks.are_as_before()
    files.writes(QUIET)
    files.now = QUIET + 2 * QUIET_NANOSECONDS
    assert [files.marks.are_as_before() for _ in range(3)] == [False, True, True]


@pytest.mark.parametrize("after", [0, 1, QUIET_NANOSECONDS, -QUIET_NANOSECONDS])
def test_a_look_a_moment_after_a_commit_or_before_it_by_a_clock_that_was_set_back_does_not_count(files: MarkedFiles, after: int) -> None:
    files.now = WRITTEN + after
    assert not files.marks.are_as_before()
    files.writes(WRITTEN)  # within the same step of the file system's clock
    files.now = QUIET
    assert not files.marks.are_as_before()


@pytest.mark.parametrize("which", range(3))
@pytest.mark.parametrize("change", [Path.unlink, lambda file: os.truncate(file, 4), lambda file: replaced(file)])
def test_a_file_that_is_deleted_cut_short_or_replaced_is_seen(files: MarkedFiles, which: int, change: Callable[[Path], object]) -> None:
    files.marks.are_as_before()
    change(files.all[which])
    if files.log.exists():
        os.utime(files.log, ns=(WRITTEN, WRITTEN))
    assert not files.marks.are_as_before()


def replaced(file: Path) -> None:
    other = file.with_name("other")
    other.write_bytes(file.read_bytes())
    other.rename(file)


class TestIdleState:
    async def test_an_idle_state_asks_sqlite_nothing(self, tmp_path: Path) -> None:
        async with asyncio.timeout(10):
            state = await followed(tmp_path, [])
            asked: list[str] = []
            await moment(QUIET_NANOSECONDS / 1e9 + 4 * LOOK_SECONDS)
            state._database.set_trace_callback(asked.append)
            await moment(LOOKS * LOOK_SECONDS)
            assert asked == []
            await state.put("kind", b"key", b"value", 60.0)
            asked.clear()
            await moment(2 * LOOK_SECONDS)
            assert "PRAGMA data_version" in asked
            await state.aclose()

    @pytest.mark.parametrize("idle_seconds", [0.0, 0.3])
    async def test_what_a_writer_left_that_was_killed_before_it_changed_the_counter_is_heard(
        self, tmp_path: Path, idle_seconds: float
    ) -> None:
        heard: list[Revocation] = []
        state = await followed(tmp_path, heard)
        await moment(idle_seconds)
        revocation = Revocation((Fingerprint(b"f" * 16),))
        (part,) = parts_of(revocation)
        written = serialized(part.revocation)
        killed = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
        now = Clock().wall()
        row = (part.kind, key_of(written), written, now, now + 60)
        killed.execute("INSERT INTO entry (kind, key, value, began, ends) VALUES (?, ?, ?, ?, ?)", row)
        await until(lambda: heard == [revocation])
        killed.close()
        await state.aclose()


async def followed(folder: Path, heard: list[Revocation]) -> SqliteState:
    state = SqliteState(folder, Clock(), not_told)
    await state.follow(lambda remembered: heard.append(remembered.revocation))
    return state
