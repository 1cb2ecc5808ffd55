"""How soon a sign-out at one worker or replica holds in all, under load, and how many requests are admitted too late.

Run: ``python -m tests.bench.revocation_spread [rounds] [sqlite | redis]``. With SQLite four workers: 16 clients ask without a pause while a
user signs out, 1,000 times, and 100,000 of their requests begin after the answer. With Redis three replicas of two workers: 200 sessions
ask 500 times a second at all in turn while others sign out or switch at one, 1,000 times. Exits 1 where a limit is broken.
"""

import asyncio
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path

import uvloop

from tests.harness.redis_servers import SERVER
from tests.harness.workers import several_workers
from tests.workers.spreading import Spread, rounds
from tests.workers.spreading_replicas import ReplicaSpread, replicas
from tests.workers.spreading_replicas import rounds as rounds_of_replicas

ROUNDS, WORKERS, ASKS_AFTER = 1000, 4, 7
REPLICAS, WORKERS_OF_REPLICA, SESSIONS, PER_SECOND = 3, 2, 200, 500.0
P99_SECONDS, LONGEST_SECONDS = 0.1, 1.0
LOGINS = ("alice@example.com", "bob@example.com")


def main() -> int:
    """Measure, print, and return the exit status."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    engines = sys.argv[2:] or ["sqlite", "redis"]
    status = _sqlite(count) if "sqlite" in engines else 0
    return max(status, _redis(count) if "redis" in engines else 0)


def _sqlite(count: int) -> int:
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        seen = runner.run(_seen(Path(folder), count))
    print(f"{WORKERS} workers on SQLite")
    _print("from the sign-out's answer until every worker refuses", seen.after_answer)
    _print("from the sign-out's first byte until every worker refuses, Okta's own answers included", seen.seconds)
    print(f"{seen.late} of {seen.began_after} requests that began after the answer were admitted; {len(seen.odd)} odd answers")
    return _told("0 admitted, ", seen.after_answer, is_good=not seen.late and not seen.odd)


def _redis(count: int) -> int:
    if SERVER is None:
        print("replicas on Redis: skipped, needs redis-server: apt-get install redis-server")
        return 0
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        seen = runner.run(_seen_by_replicas(Path(folder), count))
    print(f"{REPLICAS} replicas of {WORKERS_OF_REPLICA} workers on Redis, {SESSIONS} sessions, {seen.per_second:.0f} requests a second")
    _print("from the answer to a sign-out or switch until every worker of every replica has refused", seen.refused)
    _print("from the answer until the start of the last request that was admitted", seen.admitted)
    _print("a request of the load, for comparison", seen.load)
    late = sum(seconds > LONGEST_SECONDS for seconds in seen.refused)
    print(f"{late} of {len(seen.refused)} later than {LONGEST_SECONDS:.0f} s; {len(seen.odd)} odd answers {sorted(set(seen.odd))}")
    return _told("", seen.refused, is_good=not seen.odd)


def _told(more: str, seconds: list[float], *, is_good: bool) -> int:
    ordered = sorted(seconds)
    held = is_good and ordered[int(len(ordered) * 0.99)] < P99_SECONDS and ordered[-1] < LONGEST_SECONDS
    print(f"limit {more}p99 {P99_SECONDS * 1000:.0f} ms, none later than {LONGEST_SECONDS:.0f} s: {'held' if held else 'BROKEN'}")
    return 0 if held else 1


async def _seen(folder: Path, count: int) -> Spread:
    async with several_workers(folder, workers=WORKERS) as running:
        running.org.limits.per_minute = 1_000_000
        return await rounds(running, list(islice(cycle(LOGINS), count)), ASKS_AFTER)


async def _seen_by_replicas(folder: Path, count: int) -> ReplicaSpread:
    async with replicas(folder, REPLICAS, WORKERS_OF_REPLICA, SESSIONS) as (made, lines):
        return await rounds_of_replicas(made, lines, count, PER_SECOND)


def _print(what: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    p50, p99 = (ordered[int(len(ordered) * part)] * 1000 for part in (0.5, 0.99))
    print(f"{what}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, max {ordered[-1] * 1000:.1f} ms ({len(ordered)} times)")


if __name__ == "__main__":
    sys.exit(main())
