"""Several real processes on one SQLite state: what one has published the others refuse, whoever is killed meanwhile."""

import asyncio
import os
import signal
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.clock import Clock
from gateway.policy.session.session import Fingerprint
from gateway.revocations import Remembered, Revocation
from gateway.shared_state import SqliteState
from gateway.shared_state.serialization import serialized
from tests.harness.polling import moment
from tests.shared_state.engines import not_told
from tests.shared_state.one_process import missed
from tests.shared_state.remade import NUMBERS, WORKERS, at_work

ONE, OTHER = Fingerprint(b"1" * 16), Fingerprint(b"2" * 16)

_PROCESS = """
import asyncio, os, signal, sys
from pathlib import Path
from gateway.clock import Clock
from gateway.policy.session.session import Fingerprint
from gateway.revocations import Revocation
from gateway.shared_state import SqliteState

async def work() -> None:
    state = SqliteState(Path(sys.argv[1]), Clock(), lambda event, figures: print(event, figures, flush=True))
    print("ready", flush=True)
    {work}
    await state.aclose()

asyncio.run(work())
"""


@pytest.mark.timeout(180)
def test_l14_of_ten_thousand_look_ups_right_after_a_revocation_none_misses_it(tmp_path: Path) -> None:
    assert missed(tmp_path, 3400, 150.0) == [0, 0, 0]


async def _process(folder: Path, work: str) -> Process:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _PROCESS.format(work=work), str(folder), stdout=PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(60):
        assert await process.stdout.readline() == b"ready\n"
    return process


async def test_a_writer_that_was_killed_between_its_commit_and_the_counter_is_heard_all_the_same(tmp_path: Path) -> None:
    """The row is there and the counter is as before: what a killed writer leaves behind."""
    state = SqliteState(tmp_path, Clock(), not_told)
    heard, arrived = list[Revocation](), asyncio.Event()

    def hear(remembered: Remembered) -> None:
        heard.append(remembered.revocation)
        arrived.set()

    await state.follow(hear)
    database = sqlite3.connect(tmp_path / "state.db")
    database.execute(
        "INSERT INTO entry (kind, key, value, began, ends) VALUES ('revoked.known', 'k', ?, unixepoch(), unixepoch() + 60)",
        (serialized(Revocation((ONE,))),),
    )
    database.commit()
    database.close()
    state.poll()
    assert heard == []
    async with asyncio.timeout(10):
        await arrived.wait()
    assert heard == [Revocation((ONE,))]
    await state.aclose()


async def test_processes_that_are_killed_while_they_publish_leave_nothing_half_done_and_hinder_nobody(tmp_path: Path) -> None:
    cookies = "(Fingerprint(os.urandom(16)), Fingerprint(os.urandom(16)))"
    work = f"while True: await state.publish(Revocation({cookies}, '102', held=(Fingerprint(b'h'),)))"
    state = SqliteState(tmp_path, Clock(), not_told)
    heard, arrived = list[Revocation](), asyncio.Event()

    def hear(remembered: Remembered) -> None:
        heard.append(remembered.revocation)
        arrived.set()

    async def heard_all(is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not is_so():
                arrived.clear()
                await arrived.wait()

    await state.follow(hear)
    enough: list[int] = []
    for _ in range(5):
        writers = [await _process(tmp_path, work) for _ in range(2)]
        enough.append(len(heard) + 40)
        await heard_all(lambda: len(heard) >= enough[-1])
        for writer in writers:
            os.kill(writer.pid, signal.SIGKILL)
            await writer.wait()
    kept: list[Remembered] = []
    again = SqliteState(tmp_path, Clock(), not_told)
    await again.follow(kept.append)
    everything = {revocation for revocation, _ in kept}
    await heard_all(lambda: set(heard) == everything)
    assert {len(revocation.fingerprints) for revocation in everything} == {2, 0}
    await again.publish(Revocation((OTHER,)))
    state.poll()
    assert heard[-1] == Revocation((OTHER,))
    await again.aclose()
    await state.aclose()


async def test_a_process_that_was_stopped_for_a_while_hears_everything_when_it_goes_on(tmp_path: Path) -> None:
    work = (
        "heard = []; await state.follow(lambda remembered: heard.append(remembered));\n"
        "    print('following', flush=True); os.kill(os.getpid(), signal.SIGSTOP); state.poll(); print(len(heard), flush=True)"
    )
    stopped = await _process(tmp_path, work)
    assert stopped.stdout is not None
    state = SqliteState(tmp_path, Clock(), not_told)
    async with asyncio.timeout(60):
        assert await stopped.stdout.readline() == b"following\n"
        for number in range(500):
            await state.publish(Revocation((Fingerprint(b"%016d" % number),)))
        os.kill(stopped.pid, signal.SIGCONT)
        assert await stopped.stdout.readline() == b"500\n"
        assert await stopped.wait() == 0
    await state.aclose()


async def test_the_lease_of_a_process_that_was_killed_ends_by_itself(tmp_path: Path) -> None:
    holder = await _process(tmp_path, "print(await state.lease([b'a', b'b'], b'holder', 1.0), flush=True); await asyncio.sleep(60)")
    assert holder.stdout is not None
    async with asyncio.timeout(60):
        assert (await holder.stdout.readline()).startswith(b"Lease(")
        os.kill(holder.pid, signal.SIGKILL)
        await holder.wait()
        state = SqliteState(tmp_path, Clock(), not_told)
        tries = 0
        while (lease := await state.lease([b"b"], b"other", 10.0)) is None:
            tries += 1
            await moment()
    assert tries > 0 and lease.number > 1
    await state.aclose()


@pytest.mark.timeout(120)
async def test_of_processes_at_work_none_loses_a_revocation_and_no_claim_is_won_twice(tmp_path: Path) -> None:
    """Three processes publish and claim as fast as they can, while the file is deleted under their hands."""
    found = await at_work(tmp_path, 60.0)
    everyone = sorted(won for process in found.won for won in process)
    assert everyone == sorted(set(everyone)), "a claim was won twice"
    assert set(everyone) == set(range(NUMBERS)), "a claim was won by nobody"
    state = SqliteState(tmp_path, Clock(), not_told)
    heard: list[Revocation] = []
    await state.follow(lambda remembered: heard.append(remembered.revocation))
    assert {revocation.session_mark for revocation in heard} == {f"{who}-{number}" for who in range(WORKERS) for number in range(NUMBERS)}
    assert found.heard == [WORKERS * NUMBERS - NUMBERS] * WORKERS
    await state.aclose()
