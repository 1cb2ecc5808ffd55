"""How soon a sign-out at one worker holds in all, and how many requests are admitted too late, under load.

Run: ``python -m tests.bench.revocation_spread [rounds]``. Four workers that share SQLite; 16 clients ask without a pause while a user
signs out, 1,000 times, and 100,000 of their requests begin after the answer. Exits 1 where one of those is admitted, or a limit is broken.
"""

import asyncio
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path

import uvloop

from tests.house.crew import crew
from tests.house.spreading import Spread, rounds

ROUNDS, WORKERS, ASKS_AFTER = 1000, 4, 7
P99_SECONDS, LONGEST_SECONDS = 0.1, 1.0
LOGINS = ("alice@example.com", "bob@example.com")


def main() -> int:
    """Measure, print, and return the exit status."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        seen = runner.run(_seen(Path(folder), count))
    _print("from the sign-out's answer until every worker refuses", seen.after_answer)
    _print("from the sign-out's first byte until every worker refuses, Okta's own answers included", seen.seconds)
    print(f"{seen.late} of {seen.began_after} requests that began after the answer were admitted; {len(seen.odd)} odd answers")
    ordered = sorted(seen.after_answer)
    held = not seen.late and not seen.odd and ordered[int(len(ordered) * 0.99)] < P99_SECONDS and ordered[-1] < LONGEST_SECONDS
    print(f"limit 0 admitted, p99 {P99_SECONDS * 1000:.0f} ms, none later than {LONGEST_SECONDS:.0f} s: {'held' if held else 'BROKEN'}")
    return 0 if held else 1


async def _seen(folder: Path, count: int) -> Spread:
    async with crew(folder, workers=WORKERS) as running:
        running.org.limits.per_minute = 1_000_000
        return await rounds(running, list(islice(cycle(LOGINS), count)), ASKS_AFTER)


def _print(what: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    p50, p99 = (ordered[int(len(ordered) * part)] * 1000 for part in (0.5, 0.99))
    print(f"{what}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, max {ordered[-1] * 1000:.1f} ms ({len(ordered)} sign-outs)")


if __name__ == "__main__":
    sys.exit(main())
