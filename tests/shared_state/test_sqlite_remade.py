"""A SQLite file that is deleted, replaced or cut short while processes use it: they go on together on a new one, and nothing is forgotten.

The second of two states is told of everything by its `poll` alone, as a worker is at each request, unless a test says that nobody polls.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.errors import StateFailed
from gateway.policy.session.session import Fingerprint
from gateway.revocations import Revocation
from gateway.shared_state import Lease, SqliteState
from gateway.shared_state.database import files_of
from tests.shared_state.engines import StateClock, not_told, until
from tests.shared_state.two_states import TwoStates

ONE, OTHER, THIRD = (Revocation((Fingerprint(bytes([number]) * 16),)) for number in (1, 2, 3))

DELETED: dict[str, Callable[[Path], object]] = {
    "the file": lambda folder: (folder / "state.db").unlink(),
    "the file and what lies beside it": lambda folder: list(map(Path.unlink, folder.iterdir())),
    "the folder": shutil.rmtree,
    "moved away": lambda folder: (folder / "state.db").rename(folder / "away.db"),
    "the log": lambda folder: (folder / "state.db-wal").unlink(),
    "its index": lambda folder: (folder / "state.db-shm").unlink(),
}


@pytest.fixture
def tmp_path(tmp_path: Path) -> Path:
    """The folder of the state; one that may be deleted."""
    made = tmp_path / "state"
    made.mkdir()
    return made


async def filled(two: TwoStates) -> Lease:
    """Something of every kind is in the file; the lease that is held."""
    lease = await two.state.lease([b"a"], b"owner", 60.0)
    assert lease is not None
    await two.state.put("record", b"a", b"1", 60.0, under=lease)
    assert await two.other.claim("ticket", b"t", 60.0)
    await two.state.publish(ONE)
    two.other.poll()
    assert two.heard == [ONE]
    return lease


async def holds_everything(two: TwoStates, lease: Lease) -> None:
    for state in (two.state, two.other):
        assert await state.get("record", b"a") == b"1"
        assert not await state.claim("ticket", b"t", 60.0)
        assert await state.lease([b"a"], b"another", 60.0) is None
    assert await two.other.renew(lease, 60.0)
    later = await two.other.lease([b"b"], b"another", 60.0)
    assert later is not None and later.number > lease.number


async def is_sound(folder: Path, *states: SqliteState) -> None:
    """The files that stand there are those that all have open, and another program finds nothing wrong with them."""
    await until(lambda: len({files_of(folder / "state.db"), *(state._opened.files for state in states)}) == 1)
    database = sqlite3.connect(folder / "state.db")
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert (
        database.execute("SELECT coalesce(sum(entries), 0) FROM total").fetchone()
        == database.execute("SELECT count(*) FROM entry").fetchone()
    )
    database.close()


@pytest.mark.parametrize("first", ["publisher", "hearer", "nobody"])
@pytest.mark.parametrize("what", DELETED)
async def test_what_is_deleted_while_it_is_in_use_is_made_anew_with_everything_and_told_once(
    two: TwoStates, tmp_path: Path, times: StateClock, what: str, first: str
) -> None:
    lease, epoch = await filled(two), two.state.epoch
    DELETED[what](tmp_path)
    if first == "nobody" or what in ("the log", "its index"):  # which are looked at every 50 ms only
        before = files_of(tmp_path / "state.db")
        await until(lambda: two.state._opened.files == two.other._opened.files == files_of(tmp_path / "state.db") != before)
    if first == "hearer":
        assert await two.other.get("record", b"a") == b"1"
    await two.state.publish(OTHER)
    two.other.poll()
    assert two.heard == [ONE, OTHER]  # and nothing twice
    await holds_everything(two, lease)
    await two.other.publish(THIRD)
    late = SqliteState(tmp_path, times.clock, not_told)
    heard: list[Revocation] = []
    await late.follow(lambda remembered: heard.append(remembered.revocation))
    assert heard == [ONE, OTHER, THIRD] and late.epoch == two.state.epoch == two.other.epoch == epoch
    ((event, problem),) = two.told + two.others_told
    assert event == "state_made_anew" and f"{tmp_path}/state.db: was " in problem
    assert problem.endswith(" while it was in use; let no other program change files in this folder; a new file was made with everything")
    await is_sound(tmp_path, two.state, two.other, late)
    await late.aclose()


async def test_it_may_be_deleted_again_and_again(two: TwoStates, tmp_path: Path, times: StateClock) -> None:
    lease = await filled(two)
    published = [ONE]
    for number in range(20):
        DELETED["the file" if number % 2 else "the file and what lies beside it"](tmp_path)
        published.append(Revocation(session_mark=f"102{number}"))
        await (two.state if number % 3 else two.other).publish(published[-1])
        if number % 4 == 0:
            (tmp_path / "state.db").unlink()  # the other one has not looked meanwhile
        assert not await two.other.claim("ticket", b"t", 60.0)
        assert not await two.state.claim("ticket", b"t", 60.0)
        await is_sound(tmp_path, two.state, two.other)
        two.other.poll()
    assert set(two.heard) | {published[number + 1] for number in range(0, 20, 3)} == set(published)
    await holds_everything(two, lease)
    heard: list[Revocation] = []
    late = SqliteState(tmp_path, times.clock, not_told)
    await late.follow(lambda remembered: heard.append(remembered.revocation))
    assert heard == published
    await late.aclose()


async def test_a_process_that_starts_first_begins_empty_and_gets_everything_from_the_others(
    two: TwoStates, tmp_path: Path, times: StateClock
) -> None:
    lease = await filled(two)
    (tmp_path / "state.db").unlink()
    late = SqliteState(tmp_path, times.clock, not_told)
    heard: list[Revocation] = []
    await late.follow(lambda remembered: heard.append(remembered.revocation))
    assert heard == [] and late.epoch != two.state.epoch
    await late.publish(OTHER)
    assert await late.claim("ticket", b"late", 60.0)
    await two.other.publish(THIRD)
    late.poll()
    assert heard == [ONE, THIRD]
    assert {ONE, OTHER} <= set(two.heard)
    two.state.poll()
    await holds_everything(two, lease)
    assert not await two.state.claim("ticket", b"late", 60.0) and not await late.claim("ticket", b"t", 60.0)
    await is_sound(tmp_path, two.state, two.other, late)
    await late.aclose()


async def test_an_older_copy_that_is_put_in_its_place_gets_what_it_lacks(two: TwoStates, tmp_path: Path, times: StateClock) -> None:
    lease = await filled(two)
    (tmp_path / "state.db").rename(tmp_path / "away.db")
    await two.state.publish(OTHER)
    two.other.poll()
    (tmp_path / "away.db").rename(tmp_path / "state.db")
    await two.other.publish(THIRD)
    two.state.poll()
    await holds_everything(two, lease)
    (tmp_path / "state.db").unlink()
    await holds_everything(two, lease)
    heard: list[Revocation] = []
    late = SqliteState(tmp_path, times.clock, not_told)
    await late.follow(lambda remembered: heard.append(remembered.revocation))
    assert set(heard) == {ONE, OTHER, THIRD}
    await is_sound(tmp_path, two.state, two.other, late)
    await late.aclose()


@pytest.mark.parametrize("left", [0, 4096, 10_000, 60_000])
@pytest.mark.parametrize("first", ["publisher", "reader", "nobody"])
async def test_a_file_that_was_cut_short_is_made_anew_and_everybody_before_goes_through_a_hand_off(
    two: TwoStates, tmp_path: Path, times: StateClock, left: int, first: str
) -> None:
    lease = await filled(two)
    for number in range(200):
        await two.state.put("record", b"%d" % number, b"x" * 500, 60.0)
    checkpoint = sqlite3.connect(tmp_path / "state.db")  # what was in the log only would still be whole
    assert checkpoint.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    checkpoint.close()
    await until(lambda: two.state._size == two.other._size == (tmp_path / "state.db").stat().st_size)
    os.truncate(tmp_path / "state.db", left)
    if first == "publisher":
        await two.state.publish(OTHER)
    elif first == "reader":
        with suppress(StateFailed):
            await two.other.get("record", b"a")
    await until(lambda: Revocation(forgotten=True) in two.heard, two.other)
    if first == "publisher":
        assert OTHER in two.heard
    await two.other.publish(THIRD)
    later = await two.state.lease([b"b"], b"another", 60.0)
    assert later is not None and later.number > lease.number
    assert two.state.ready and two.other.ready
    ((event, problem),) = two.told + two.others_told
    assert event == "state_made_anew" and "was cut short" in problem and "passes from before go through a hand-off" in problem
    heard: list[Revocation] = []
    late = SqliteState(tmp_path, times.clock, not_told)
    await late.follow(lambda remembered: heard.append(remembered.revocation))
    assert {Revocation(forgotten=True), THIRD} <= set(heard)
    await is_sound(tmp_path, two.state, two.other, late)
    await late.aclose()


async def test_where_it_cannot_be_made_anew_calls_fail_and_say_so_until_it_can(two: TwoStates, tmp_path: Path, times: StateClock) -> None:
    lease = await filled(two)
    (tmp_path / "state.db").unlink()
    (tmp_path / "state.db").mkdir()
    for _ in range(2):
        with pytest.raises(StateFailed, match=r"state\.db: was replaced by something that is no file while it was in use; take that away"):
            await two.state.publish(OTHER)
    assert not two.state.ready and "take that away" in two.state.problem
    (tmp_path / "state.db").rmdir()
    times.passes(1.0)
    await until(lambda: two.state.ready and OTHER in two.heard, two.other)
    await holds_everything(two, lease)
    assert [event for event, _ in two.told if event != "state_made_anew"] == ["state_failed", "state_works"]
    assert [event for event, _ in two.told + two.others_told].count("state_made_anew") == 1
    await is_sound(tmp_path, two.state, two.other)


async def test_another_programs_database_in_its_place_is_left_alone(two: TwoStates, tmp_path: Path, times: StateClock) -> None:
    await filled(two)
    (tmp_path / "state.db").unlink()
    foreign = sqlite3.connect(tmp_path / "state.db")
    foreign.execute("CREATE TABLE theirs (a)")
    foreign.commit()
    foreign.close()
    with pytest.raises(StateFailed, match="is a database of another program"):
        await two.state.publish(OTHER)
    foreign = sqlite3.connect(tmp_path / "state.db")
    assert foreign.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]
    foreign.close()
    (tmp_path / "state.db").unlink()
    times.passes(1.0)
    await until(lambda: {ONE, OTHER} <= set(two.heard), two.other)
