"""A SQLite state whose file fails for a while: nothing raises where it must not, and nothing is missed when the file works again."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import StateFailed
from gateway.policy.session.session import Fingerprint
from gateway.revocations import Remembered, Revocation
from gateway.shared_state import SqliteState
from gateway.shared_state.database import BUSY_SECONDS
from tests.shared_state.engines import StateClock
from tests.shared_state.two_states import TwoStates

ONE = Fingerprint(b"1" * 16)


async def _until(is_so: Callable[[], bool], came: asyncio.Event) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            came.clear()
            await came.wait()


async def test_while_the_file_cannot_be_read_poll_says_nothing_and_what_was_missed_is_heard_first_when_it_can(
    two: TwoStates, tmp_path: Path, times: StateClock
) -> None:
    await two.state.publish(Revocation((ONE,)))
    (tmp_path / "state.db").rename(tmp_path / "away.db")
    (tmp_path / "state.db").mkdir()
    two.other.poll()
    two.other.poll()
    assert two.heard == [] and not two.other.ready
    (tmp_path / "state.db").rmdir()
    (tmp_path / "away.db").rename(tmp_path / "state.db")
    two.other.poll()
    assert two.heard == []  # not tried again at once: a hot path must not read a broken disk for each request
    times.passes(0.05)
    two.other.poll()
    assert two.heard == [Revocation((ONE,))] and two.other.ready
    assert [event for event, _ in two.others_told] == ["state_failed", "state_works"]


async def test_a_revocation_that_could_not_be_written_is_written_when_the_file_works_again(
    two: TwoStates, tmp_path: Path, times: StateClock
) -> None:
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


async def test_after_the_first_failure_a_held_file_makes_no_call_wait_again(two: TwoStates, tmp_path: Path) -> None:
    holder = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StateFailed):
        await two.state.claim("ticket", b"t", 10.0)
    loop = asyncio.get_running_loop()
    started_at = loop.time()
    for _ in range(100):
        with pytest.raises(StateFailed):
            await two.state.claim("ticket", b"t", 10.0)
    assert loop.time() - started_at < 50 * BUSY_SECONDS
    holder.close()


async def test_a_revocation_that_no_file_could_hold_is_refused_and_not_tried_again(two: TwoStates) -> None:
    with pytest.raises(StateFailed, match="larger than any may be"):
        await two.state.publish(Revocation(user_id="x" * 2_000_000))
    assert two.state.ready and not two.told


@pytest.mark.parametrize("who", ["publisher", "hearer"])
async def test_a_deleted_counter_is_made_anew_and_nothing_is_missed(two: TwoStates, tmp_path: Path, times: StateClock, who: str) -> None:
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
    await publisher.publish(Revocation(session_mark="102abc"))
    two.other.poll()
    assert heard == [Revocation((ONE,)), Revocation(user_id="00u1"), Revocation(session_mark="102abc")]
    await third.aclose()


async def test_a_row_that_cannot_be_read_is_told_of_once_and_hides_no_other(two: TwoStates, tmp_path: Path, times: StateClock) -> None:
    for key, value in ((b"k", b'{"v":2}'), (b"l", b"\xff"), (b"m", b'{"v":1,"user":"00u1"}')):
        await two.state.put("revoked.known", key, value, 60.0)
    await two.state.publish(Revocation((ONE,)))
    two.other.poll()
    assert two.heard == [Revocation(user_id="00u1"), Revocation((ONE,))] and two.other.ready
    assert [event for event, _ in two.others_told] == ["state_entry_unreadable"]


async def test_when_a_listener_fails_the_rest_is_heard_at_the_next_poll(two: TwoStates) -> None:
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
