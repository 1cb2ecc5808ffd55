"""A SQLite state whose file fails for a while: nothing raises where it must not, and nothing is missed when the file works again."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.core.session import Fingerprint
from gateway.errors import StateFailed
from gateway.revocations import Remembered, Revocation
from gateway.shared_state import SqliteState
from gateway.shared_state.database import BUSY_SECONDS
from tests.shared_state.engines import Times, Told

ONE = Fingerprint(b"1" * 16)


class Two:
    """Two processes' states on one file, what they say, and what the second hears."""

    def __init__(self, folder: Path, times: Times) -> None:
        self.told, self.others_told = Told(), Told()
        self.state = SqliteState(folder, times.clock, self.told)
        self.other = SqliteState(folder, times.clock, self.others_told)
        self.heard: list[Revocation] = []
        self.came = asyncio.Event()

    async def follow(self) -> None:
        await self.state.follow(lambda remembered: None)
        await self.other.follow(self._hear)

    def _hear(self, remembered: Remembered) -> None:
        self.heard.append(remembered.revocation)
        self.came.set()

    async def aclose(self) -> None:
        await self.state.aclose()
        await self.other.aclose()


@pytest.fixture
async def two(tmp_path: Path, times: Times) -> AsyncIterator[Two]:
    made = Two(tmp_path, times)
    await made.follow()
    yield made
    await made.aclose()


async def _until(is_so: Callable[[], bool], came: asyncio.Event) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            came.clear()
            await came.wait()


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
    await _until(lambda: ("state_works", "") in two.told, two.told.came)
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
    await publisher.publish(Revocation(user_id="00u1"))
    await _until(lambda: Revocation(user_id="00u1") in heard, two.came)  # within 50 ms, when it looks at the file
    await publisher.publish(Revocation(session_id="102abc"))
    two.other.poll()
    assert heard == [Revocation((ONE,)), Revocation(user_id="00u1"), Revocation(session_id="102abc")]
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
