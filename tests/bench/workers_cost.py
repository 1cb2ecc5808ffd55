"""What several workers and a shared state cost: CPU time per request on the hot path, and the login host's rate with more than one worker.

Run: ``python -m tests.bench.workers_cost [rounds]``. One worker with memory, one with SQLite, four with SQLite, in turn on one core; wrk
and the app are on the other. Then the login host: one worker and four on two cores, which wrk and the server behind share. Exits 1 where
four workers with SQLite are slower per core than the limit, in the best round as well as in the median.
"""

import os
import statistics
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.proxies.arena import Arena, Running, arena
from tests.bench.proxies.asked import Asked
from tests.bench.proxies.contestants import Place
from tests.bench.proxies.own import is_compiled
from tests.bench.proxies.processes import Command, NotRunning, Program, found, free_port, pause
from tests.bench.proxies.wrk import full_load

LIMIT = 0.03
ROUNDS, SECONDS, CONNECTIONS = 7, 2.0, 32
WORKERS = 4
LOGIN_HOST, LOGIN_PAGE = "login.example.com", "/login/login.htm"
SETTLE_SECONDS = 1.0
"""The supervisor listens when its first worker does; the others follow."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """A browser without a cookie that asks for the sign-in page."""

    fields: tuple[tuple[str, str], ...] = (("Host", LOGIN_HOST), *Asked("").fields[1:5], *Asked("").fields[6:])


@dataclass(slots=True)
class Row:
    """One gateway of the table, and what was measured of it: answers in a second, and CPU microseconds for each, by round."""

    name: str
    program: Program
    port: int
    asked: Asked | Stranger
    target: str
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    failed: int = 0

    def measure(self, folder: Path) -> None:
        """One round at full load."""
        before = sum(self.program.cpu_seconds())
        load = full_load(self.asked, self.port, SECONDS, CONNECTIONS, folder, self.target)
        self.costs.append((sum(self.program.cpu_seconds()) - before) / max(load.requests, 1) * 1e6)
        self.rates.append(load.rate)
        self.failed += load.failed


def main() -> int:
    """Measure, print, and return the exit status."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    cores = sorted(os.sched_getaffinity(0))
    if found("wrk") is None or found("nginx") is None or len(cores) < 2:
        print("skipped: needs wrk, nginx and two cores")
        return 0
    print(f"the gateway is measured {'compiled' if is_compiled() else 'as Python: there is no compiled build of these sources'}")
    try:
        with arena(cores[0], cores[-1]) as made:
            status = _hot_path(made, rounds)
            os.sched_setaffinity(0, cores)
            _login_host(made, cores, rounds)
    except NotRunning as error:
        print(f"did not start: {error}")
        return 2
    return status


def _hot_path(made: Arena, rounds: int) -> int:
    with ExitStack() as opened:
        rows = []
        for engine, workers in (("memory", 1), ("sqlite", 1), ("sqlite", WORKERS)):
            program, port = opened.enter_context(_gateway(made, str(made.core), engine, workers))
            asked = made.asked = made.town.signed_in(port)
            if (wrong := made.trouble(Running("", program, port))) is not None:
                raise NotRunning(f"{_name(engine, workers)} {wrong}")
            rows.append(Row(_name(engine, workers), program, port, asked, "/payroll/slips?month=3"))
        _take_turns(made, rows, rounds)
    _print("an app's page of a signed-in user, all on one core", rows)
    first, last = rows[0], rows[-1]
    pairs = [mine / other - 1 for mine, other in zip(last.costs, first.costs, strict=True)]
    slower = statistics.median(pairs)
    is_held = min(slower, min(last.costs) / min(first.costs) - 1) <= LIMIT and not any(row.failed for row in rows)
    print(f"{last.name} needs {slower:+.1%} CPU per request in the median of pairs; limit {LIMIT:+.0%}: {'held' if is_held else 'BROKEN'}")
    return 0 if is_held else 1


def _login_host(made: Arena, cores: list[int], rounds: int) -> None:
    with ExitStack() as opened:
        rows = []
        for workers in (1, WORKERS):
            org = {"SESSION_GATEWAY__OKTA__ORG": f"http://127.0.0.1:{made.app.port}"}
            program, port = opened.enter_context(_gateway(made, ",".join(map(str, cores)), "sqlite", workers, org))
            rows.append(Row(_name("sqlite", workers), program, port, Stranger(), LOGIN_PAGE))
        _take_turns(made, rows, rounds)
    _print(f"https://{LOGIN_HOST}{LOGIN_PAGE}, on {len(cores)} cores together with wrk and the server behind", rows)
    times = statistics.median(many / one for one, many in zip(rows[0].rates, rows[1].rates, strict=True))
    print(f"{WORKERS} workers serve {times:.2f} times the requests of one")


@contextmanager
def _gateway(made: Arena, cores: str, engine: str, workers: int, more: Mapping[str, str] | None = None) -> Iterator[tuple[Program, int]]:
    """One gateway with a state of its own, on these cores; its port."""
    folder = made.folder / f"{engine}-{workers}-{free_port()}"
    folder.mkdir()
    place = Place(folder, free_port(), made.app.port, made.app.port)
    command = made.town.contestant.command(place)
    environ = {
        **command.environ,
        "SESSION_GATEWAY__STATE__ENGINE": engine,
        "SESSION_GATEWAY__STATE__DIRECTORY": str(folder / "state") if engine == "sqlite" else "",
        "SESSION_GATEWAY__LISTEN__WORKERS": str(workers),
        **(more or {}),
    }
    with Program(Command(command.words, environ), cores, folder / "said") as program:
        program.listens(place.port)
        pause(SETTLE_SECONDS * workers)
        yield program, place.port


def _take_turns(made: Arena, rows: list[Row], rounds: int) -> None:
    for row in rows:
        full_load(row.asked, row.port, 1, CONNECTIONS, made.folder, row.target)
    for _ in range(rounds):
        for row in rows:
            row.measure(made.folder)


def _name(engine: str, workers: int) -> str:
    return f"{workers} worker{'s' if workers > 1 else ''}, {engine}"


def _print(what: str, rows: list[Row]) -> None:
    print(f"{what}:")
    for row in rows:
        cost = statistics.median(row.costs)
        failed = f", {row.failed} FAILED" if row.failed else ""
        print(
            f"  {row.name:18} {statistics.median(row.rates):7.0f}/s, {cost:7.1f} µs of CPU each ({min(row.costs):.1f} at best): "
            f"{1e6 / cost:6.0f} per second and core{failed}"
        )


if __name__ == "__main__":
    sys.exit(main())
