"""How many decisions one core gives to a front proxy that only asks: sub-requests of cached sessions, at full load.

Run: ``python -m tests.bench.subrequests``. The gateway as shipped on one core, wrk on the other; what Traefik would send for a browser's
request. Exits 1 where the best round is under the limit, so that a busy neighbour fails nobody.
"""

import os
import statistics
import sys
from dataclasses import dataclass

from tests.bench.proxies.arena import arena
from tests.bench.proxies.asked import HOST, TARGET, Asked
from tests.bench.proxies.processes import NotRunning, found
from tests.bench.proxies.wrk import full_load

LIMIT = 12_000
ROUNDS, SECONDS = 5, 3.0
PATH = "/.gateway/auth/traefik"


@dataclass(frozen=True, slots=True)
class Question:
    """The sub-request: the browser's fields, and where Traefik puts the rest."""

    asked: Asked

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """Names and values."""
        own = tuple(pair for pair in self.asked.fields if pair[0] != "Host")
        told = (("Method", "GET"), ("Proto", "https"), ("Host", HOST), ("Uri", TARGET), ("For", "192.0.2.7"))
        return (("Host", "127.0.0.1"), *own, *((f"X-Forwarded-{name}", value) for name, value in told))


def main() -> int:
    """Measure, print, and return the exit status."""
    cores = sorted(os.sched_getaffinity(0))
    if found("wrk") is None or found("nginx") is None or len(cores) < 2:
        print("skipped: needs wrk, nginx and two cores")
        return 0
    rates, costs = [], []
    try:
        with arena(cores[0], cores[-1]) as made, made.running(made.town.companion) as one:
            question = Question(made.asked)
            full_load(question, one.port, 1, 32, made.folder, PATH)
            for _ in range(ROUNDS):
                before = sum(one.program.cpu_seconds())
                load = full_load(question, one.port, SECONDS, 32, made.folder, PATH)
                rates.append(load.rate)
                costs.append((sum(one.program.cpu_seconds()) - before) / max(load.requests, 1) * 1e6)
    except NotRunning as error:
        print(f"did not start: {error}")
        return 2
    middle, cost = statistics.median(rates), statistics.median(costs)
    print(f"{middle:.0f} decisions a second in the median, {max(rates):.0f} at best; {cost:.1f} µs of CPU each")
    print(f"limit {LIMIT}: {'held' if max(rates) >= LIMIT else 'BROKEN'}")
    return 0 if max(rates) >= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
