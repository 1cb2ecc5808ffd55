"""A sign-out at one worker holds in every other one before its answer is read."""

from pathlib import Path

from tests.harness.workers import several_workers
from tests.workers.spreading import CLIENTS, rounds

WORKERS = 4


async def test_no_worker_admits_a_request_that_began_after_the_answer_to_the_sign_out(tmp_path: Path) -> None:
    async with several_workers(tmp_path, workers=WORKERS) as running:
        running.org.limits.per_minute = 1_000_000
        seen = await rounds(running, ["alice@example.com", "bob@example.com"] * 10, asks_after=10)
    assert (seen.late, seen.odd) == (0, [])
    assert seen.began_after == 20 * CLIENTS * 10
